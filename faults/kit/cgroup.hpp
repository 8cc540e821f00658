// SPDX-License-Identifier: Apache-2.0
//
// Control groups, v2 and v1. A group is named by its path in its hierarchy ("/trading",
// "cpu:/trading" for a v1 hierarchy) or by its directory below /sys/fs/cgroup.

#pragma once

#include "faults/kit/process.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace squall {

struct Cgroup {
  std::string hierarchy;  // v1 controllers as in /proc/<pid>/cgroup ("cpu,cpuacct"); "" for v2
  std::string path;       // in the hierarchy: "/trading"
  std::string directory;  // where it is mounted
  bool operator==(const Cgroup&) const = default;
};

std::string describe(const Cgroup& group);  // "cgroup '/trading'"
// The process is in the group or below it.
bool is_in(const ProcessInfo& process, const Cgroup& group);
// The group above; none above the root.
std::optional<Cgroup> parent_of(const Cgroup& group);
// "trading", "a.service" of "/trading/a.service".
std::vector<std::string> path_parts(const std::string& path);
std::string unit_name(const std::string& unit);  // "a.service" of "a"

// A note of ours on a group, of one of its files: see cgroup_limit.hpp.
struct CgroupMark {
  Cgroup group;
  std::uint64_t identity = 0;
  std::string file;
  std::string text;
};

class Containers;  // faults/kit/container.hpp

class Cgroups {
 public:
  virtual ~Cgroups() = default;

  virtual const Containers& containers() const = 0;  // that have groups of their own

  // `controller` says which v1 hierarchy is meant where the name does not: "cpu". Error
  // (gone): no such group, with "did you mean".
  virtual Result<Cgroup> find(const std::string& name, const std::string& controller) const = 0;
  // A file of the group, without its last line feed; error (gone) when it has no such file.
  virtual Result<std::string> read(const Cgroup& group, const std::string& file) const = 0;
  // Kernel: kernfs numbers its nodes with 64 bits and gives no number twice, so a group that
  // was made anew under the same path has another one.
  virtual Result<std::uint64_t> read_identity(const Cgroup& group) const = 0;
  // Nothing where there is none.
  virtual Result<std::optional<std::string>> read_mark(const Cgroup& group,
                                                       const std::string& file) const = 0;
  virtual Result<std::vector<CgroupMark>> find_marks() const = 0;  // of every group

  virtual Result<> put_process(const ChangeToken&, const Cgroup& group, const ProcessId& id) = 0;
  // These act on the group with this identity alone. Error (gone): it is there no more.
  virtual Result<> set(const ChangeToken&, const Cgroup& group, std::uint64_t identity,
                       const std::string& file, const std::string& text) = 0;
  virtual Result<> put_mark(const ChangeToken&, const CgroupMark& mark) = 0;
  virtual Result<> delete_mark(const ChangeToken&, const CgroupMark& mark) = 0;
};

std::unique_ptr<Cgroups> this_hosts_cgroups();

}  // namespace squall
