// SPDX-License-Identifier: Apache-2.0
//
// Containers of podman and docker, found as the kernel shows them: by the control group that the
// engine named after each, and the processes in it. What the engine calls them is read from its
// conmon, from its files, and asked of its socket where these do not say. No program is run, and
// nothing of this changes anything.

#pragma once

#include "faults/kit/process.hpp"
#include "faults/machine.hpp"
#include "safety/base/result.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace squall {

struct Container {
  std::string engine;  // "podman", "docker"
  std::string id;      // 64 hex digits
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels{};
  std::string cgroup{};  // its path in every hierarchy; "" while it does not run
  ProcessInfo main{};    // its first process; pid 0 while it does not run

  bool runs() const { return main.id.pid != 0; }
};

std::string describe(const Container& container);  // "container 'web'"

// What the engines know beyond what /proc shows.
class Containers {
 public:
  virtual ~Containers() = default;
  // From files of the engines that anybody may find: also of those that do not run.
  virtual std::vector<Container> read_stored() const = 0;
  // By the engines' sockets, with labels. The error says which of them did not answer; none
  // where there is no socket.
  virtual Result<std::vector<Container>> ask_engines() const = 0;
};

std::unique_ptr<Containers> this_hosts_containers();

// Those whose processes are among these.
std::vector<Container> containers_among(const std::vector<ProcessInfo>& processes);

// The one that runs under this name, id (its beginning, of 4 digits or more) or label
// ("app=web"). Error (gone): there is none, with "did you mean", or it does not run; (refused):
// there are several.
Result<Container> find_container(const std::string& text, const Machine&);

}  // namespace squall
