// SPDX-License-Identifier: Apache-2.0
//
// Sockets in another network namespace, for probes and guards. The calling thread is
// inside it only while the socket is being made; a socket keeps its namespace.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/base/schema.hpp"

#include <string>

namespace squall {

// A named network namespace (`ip netns`), or the one of a process by its pid; "" is ours. The
// kit also follows absolute paths. A name that is a number goes before the pid.
struct Netns {
  std::string text;
  bool operator==(const Netns&) const = default;
};
SQUALL_DECLARE_VALUE(Netns);

// Where the word leads at this moment; nothing says that something is there.
std::string netns_path(const std::string& text);
// What is told when it is not: `cause` is what came of trying.
Error no_such_netns(const std::string& text, Error cause);

// Error: gone, when there is no such namespace.
Result<Fd> open_netns(const Netns& netns);
// Non-blocking and close-on-exec. Ends the process when the thread cannot return: a
// runner lost in another namespace must leave the rollback to its watchdog.
Result<Fd> socket_in(const Netns& netns, int domain, int type, int protocol = 0);

}  // namespace squall
