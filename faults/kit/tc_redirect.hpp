// SPDX-License-Identifier: Apache-2.0
//
// A filter that asks a BPF program (-1: yes) and redirects what it says yes to, by the action
// mirred. Beside bpf_redirect() this is the way that hears what became of the packet.

#pragma once

#include "faults/kit/network.hpp"

#include <cstdint>
#include <string>

namespace squall::tc {

// From the incoming hook of one interface to the queue of another, in the namespace that this
// thread is in. `filter`: its name, which is the program's or begins with it.
Result<> put_redirect(const ChangeToken&, int ifindex, int program, const std::string& filter,
                      std::uint32_t handle, int to_ifindex);
// Packets that the other interface's queue did not take; of one filter, or of all with handle 0.
Result<std::uint64_t> read_redirect_failures(int ifindex, std::uint32_t handle);

}  // namespace squall::tc
