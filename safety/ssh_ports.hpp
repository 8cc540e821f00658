// SPDX-License-Identifier: Apache-2.0
//
// By which TCP ports the operator comes in: where SSH daemons listen or were handed their
// connection by whoever does, and the port of the session that squall was started from.

#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace squall {

// Local ports of listening sockets with one of these inodes, in the form of /proc/net/tcp.
// Loopback is no way in from outside: there a daemon listens for what it forwards.
std::set<std::uint16_t> listening_ports(std::string_view table,
                                        const std::set<std::uint64_t>& sockets);
// Local ports of established connections of these sockets, where anyone listens off loopback:
// init or inetd may hold the listening socket, and the daemon only what was accepted there.
std::set<std::uint16_t> accepted_ports(std::string_view table,
                                       const std::set<std::uint64_t>& sockets);
// Of "SSH_CONNECTION=client port server port" in an environment; 0 without.
std::uint16_t session_port(std::string_view environment);

// Port 22 is always among them. `ancestors`: sudo hides the session from our own environment.
std::vector<std::uint16_t> find_ssh_ports(const std::vector<pid_t>& daemons,
                                          const std::vector<pid_t>& ancestors);

}  // namespace squall
