// SPDX-License-Identifier: Apache-2.0
//
// Sockets in another network namespace, for probes and guards. The calling thread is
// inside it only while the socket is being made; a socket keeps its namespace.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/base/schema.hpp"

#include <string>

namespace squall {

// A named network namespace (`ip netns`), or the one of a process by its pid; "" is ours.
struct Netns {
  std::string text;
  bool operator==(const Netns&) const = default;
};
SQUALL_DECLARE_VALUE(Netns);

// Error: gone, when there is no such namespace.
Result<Fd> open_netns(const Netns& netns);
// Non-blocking and close-on-exec. Ends the process when the thread cannot return: a
// runner lost in another namespace must leave the rollback to its watchdog.
Result<Fd> socket_in(const Netns& netns, int domain, int type, int protocol = 0);

}  // namespace squall
