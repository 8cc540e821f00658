// SPDX-License-Identifier: Apache-2.0
//
// Links of the namespace that this thread is in. Reads only.

#pragma once

#include "faults/kit/network.hpp"

#include <string>
#include <vector>

namespace squall::link {

// Error (gone): no such link, with "did you mean" over those that exist.
Result<network::Link> find(const std::string& name, const network::NamespaceId& where);
Result<std::vector<network::Link>> read_all();
bool exists(int ifindex);

}  // namespace squall::link
