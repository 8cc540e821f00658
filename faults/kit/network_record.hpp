// SPDX-License-Identifier: Apache-2.0
//
// Network namespaces in undo records, and in the commands by which a person can undo.

#pragma once

#include "faults/kit/network.hpp"
#include "safety/base/record.hpp"

#include <string>

namespace squall::network {

UndoRecord with_namespace(UndoRecord, const NamespaceId&);
Result<NamespaceId> namespace_of(const UndoRecord&);

// What a shell needs in front of a command, to run it in the namespace; "" for our own.
std::string shell_inside(const NamespaceId&);

}  // namespace squall::network
