// SPDX-License-Identifier: Apache-2.0
//
// Receive packet steering (RPS): which CPU takes what an interface of ours has received.
//
// Kernel: the two ends of a veth pair hand over by the backlog of the CPU that sends. The backlogs
// of two CPUs keep no order between them, and netem may send from any (netif_rx(), get_rps_cpu()).

#pragma once

#include "safety/base/result.hpp"
#include "safety/undo/change.hpp"

#include <string>

namespace squall::link {

// For interfaces with one queue, of the namespace that this thread is in: always on the first CPU
// that this process may use, so that packets stay in order. Where the kernel has no RPS, or none
// of these CPUs for it (isolcpus), they are received as before.
Result<> receive_on_one_cpu(const ChangeToken&, const std::string& interface);

}  // namespace squall::link
