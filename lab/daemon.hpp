// SPDX-License-Identifier: Apache-2.0
//
// Services as daemons in a namespace: started with an argument vector, known by pid
// plus start time, found without a record by the mark in their environment.

#pragma once

#include "safety/base/fd.hpp"

#include "lab/layout.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace squall::lab {

struct Daemon {
  pid_t pid = 0;
  unsigned long long born = 0;  // clock ticks after boot
  bool operator==(const Daemon&) const = default;
};

struct Starting {
  Daemon daemon;
  Fd go;      // its end without a word: the process ends, and nothing has happened
  Fd report;  // errno, when the program could not be executed
  Fd ready;   // gets a line when the service answers, and its end when it dies before
};

// A process that waits for its go, so that it can be recorded before it does anything.
// `file` is the program's path; output goes to service.log.
Result<Starting> prepare_daemon(const ServicePlan& plan, const std::string& file,
                                const std::string& mark);
Result<> let_go(Starting& starting, const std::string& file);
// Until each has said that it answers.
Result<> wait_until_ready(std::vector<Starting>& starting, const std::vector<ServicePlan>& plans,
                          Duration limit);

bool is_alive(const Daemon& daemon);  // that very process, and not a zombie
// Asks all of them to end, then insists; returns when they are gone.
Result<> end_daemons(const std::vector<Daemon>& daemons);

// Every process that carries the mark and shares our mounts.
std::vector<Daemon> find_marked(const std::string& mark);
// The process of this program in the namespace with that inode; pid 0 when there is none.
Daemon find_service(const std::string& program, std::uint64_t network_inode);

}  // namespace squall::lab
