// SPDX-License-Identifier: Apache-2.0
//
// Control groups, v2 and v1. A group is named by its path in its hierarchy ("/trading",
// "cpu:/trading" for a v1 hierarchy) or by its directory below /sys/fs/cgroup.

#pragma once

#include "faults/kit/process.hpp"

#include <memory>
#include <string>
#include <vector>

namespace squall {

struct Cgroup {
  std::string hierarchy;  // v1 controllers as in /proc/<pid>/cgroup ("cpu,cpuacct"); "" for v2
  std::string path;       // in the hierarchy: "/trading"
  std::string directory;  // where it is mounted
  bool operator==(const Cgroup&) const = default;
};

// The process is in the group or below it.
bool is_in(const ProcessInfo& process, const Cgroup& group);

class Cgroups {
 public:
  virtual ~Cgroups() = default;

  // `controller` says which v1 hierarchy is meant where the name does not: "cpu". Error
  // (gone): no such group, with "did you mean".
  virtual Result<Cgroup> find(const std::string& name, const std::string& controller) const = 0;
  // A file of the group, without its last line feed; error (gone) when it has no such file.
  virtual Result<std::string> read(const Cgroup& group, const std::string& file) const = 0;
  virtual Result<> put_process(const ChangeToken&, const Cgroup& group, const ProcessId& id) = 0;
};

std::unique_ptr<Cgroups> this_hosts_cgroups();

}  // namespace squall
