// SPDX-License-Identifier: Apache-2.0
//
// The spare list: what no fault may touch, so that the operator keeps the way in.
// Process side: squall's own processes, init, the operator's shell and its
// ancestors, SSH daemons. Packet side: ARP and neighbour discovery, SSH. Giving one
// of them up is an explicit choice by name (--without spare-ssh), logged and kept in
// the journal header.

#pragma once

#include "safety/base/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace squall {

struct SpareList {
  std::vector<pid_t> processes;  // ours, init, the operator's ancestors, sshd
  bool neighbours = true;        // ARP, IPv6 neighbour discovery   (net "spare-neighbours")
  bool ssh = true;               // TCP port(s) of SSH               (net "spare-ssh")
  std::vector<std::uint16_t> ssh_ports = {22};

  bool spares(pid_t pid) const;
};

// What can be given up, and by which names.
enum class SafetyNet { spare_neighbours, spare_ssh, spare_operator };
template <>
struct Words<SafetyNet> {
  static constexpr std::pair<SafetyNet, std::string_view> list[] = {
      {SafetyNet::spare_neighbours, "spare-neighbours"},
      {SafetyNet::spare_ssh, "spare-ssh"},
      {SafetyNet::spare_operator, "spare-operator"}};
};

// This process and its ancestors, nearest first, without init.
std::vector<pid_t> find_ancestors();

// Reads /proc: this process, its ancestors, init, every sshd. `without` are the
// names of the safety nets that the operator gave up.
SpareList find_spare_list(const std::vector<std::string>& without);

}  // namespace squall
