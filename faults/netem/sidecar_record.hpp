// SPDX-License-Identifier: Apache-2.0
//
// The sidecars of a netem fault in its plan, in its undo records and on the host, one for each
// direction.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/packet_hook.hpp"
#include "faults/kit/sidecar.hpp"

#include <cstdint>

namespace squall {

// In front of what packet::plan() found: they are made first, and deleted last.
Result<> plan_sidecars(Plan&, const Machine&, const packet::Target&);
// What the hooks are, as verify() of packet faults has it, and the sidecars as well.
Result<Verified> verify_sidecars(const Machine&, const RunContext&, const packet::Where&);
Strays stray_sidecars(const Machine&);

// Whether the record is of a sidecar; otherwise it is the hook's.
bool is_of_sidecar(const UndoRecord&);
network::Direction direction_of(const UndoRecord&);
Result<sidecar::Identity> identity_of(const UndoRecord&);

// Two hooks that share a number take each other's packets for ones that they had.
std::uint32_t hook_number(const network::NamespaceId&, int ifindex, network::Direction);

}  // namespace squall
