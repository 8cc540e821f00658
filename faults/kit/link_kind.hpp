// SPDX-License-Identifier: Apache-2.0
//
// What a link is, beyond what link.hpp asks by ioctl. In the namespace that this thread is in.

#pragma once

#include "safety/base/result.hpp"

namespace squall::link {

// Whether it is a tunnel whose key and far end stand beside each packet ("external", collect_md):
// what passes through another interface has lost them.
Result<bool> takes_metadata(int ifindex);

}  // namespace squall::link
