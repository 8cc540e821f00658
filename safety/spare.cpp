// SPDX-License-Identifier: Apache-2.0

#include "safety/spare.hpp"

#include "safety/base/proc.hpp"
#include "safety/base/process_stat.hpp"
#include "safety/ssh_ports.hpp"

#include <algorithm>
#include <string_view>
#include <unistd.h>

namespace squall {
namespace {

pid_t parent_of(pid_t pid) {
  const auto stat = read_process_stat(pid);
  return stat ? stat->parent : 0;
}

bool is_ssh_daemon(const std::string& comm) {
  return comm == "sshd" || comm.starts_with("sshd-") || comm == "dropbear";
}

bool is_ours(const std::string& comm) { return comm == "squall" || comm.starts_with("squall-"); }

}  // namespace

bool SpareList::spares(pid_t pid) const {
  return std::ranges::find(processes, pid) != processes.end();
}

std::vector<pid_t> find_ancestors() {
  std::vector<pid_t> found = {::getpid()};
  for (pid_t pid = ::getppid(); pid > 1; pid = parent_of(pid)) found.push_back(pid);
  return found;
}

SpareList find_spare_list(const std::vector<std::string>& without) {
  const auto kept = [&](SafetyNet net) {
    return std::ranges::find(without, word(net)) == without.end();
  };
  SpareList list;
  list.neighbours = kept(SafetyNet::spare_neighbours);
  list.ssh = kept(SafetyNet::spare_ssh);
  list.processes = {1, ::getpid()};
  const auto ancestors = find_ancestors();
  if (kept(SafetyNet::spare_operator))
    list.processes.insert(list.processes.end(), ancestors.begin() + 1, ancestors.end());
  std::vector<pid_t> daemons;
  for (const auto pid : all_processes()) {
    const auto comm = process_name(pid);
    // Its sessions have the same name; what they listen on is forwarded, not the way in.
    if (is_ssh_daemon(comm) && !is_ssh_daemon(process_name(parent_of(pid)))) daemons.push_back(pid);
    if ((is_ours(comm) || (list.ssh && is_ssh_daemon(comm))) && !list.spares(pid))
      list.processes.push_back(pid);
  }
  list.ssh_ports = find_ssh_ports(daemons, ancestors);
  return list;
}

}  // namespace squall
