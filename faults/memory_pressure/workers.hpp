// SPDX-License-Identifier: Apache-2.0
//
// The workers of memory_pressure: made, put to work, and found.

#pragma once

#include "faults/fault.hpp"
#include "faults/memory_pressure/held_memory.hpp"
#include "faults/memory_pressure/params.hpp"

#include <string>
#include <vector>

namespace squall {

std::string cache_directory(const MemoryPressureParams& p);
// "1GiB of anonymous memory, 200MiB/s, in cgroup '/trading'"
std::string manner(const MemoryPressureParams& p, const MemoryAmount& amount);
// What the reader of a plan must know.
std::vector<std::string> notes_on(const MemoryPressureParams& p, const Machine& host);

// Idle; the amount is that of this moment.
Result<HeldMemory> make_workers(const MemoryPressureParams& p, const std::string& name,
                                Machine& machine);
std::vector<ProcessId> ids_of(const HeldMemory& held);
Result<> put_to_work(const MemoryPressureParams& p, HeldMemory& held, Machine& machine,
                     const ChangeToken& token);
void set_sizes(const ChangeToken& token, HeldMemory& held, Bytes bytes);
// Whether there are workers of this name, and all in the group; lost when that is gone.
Result<Verified> read_workers(const MemoryPressureParams& p, const Machine& host,
                              const std::string& name);

}  // namespace squall
