// SPDX-License-Identifier: Apache-2.0
//
// How many packets may wait in netem at the same time. What finds it full is lost.

#pragma once

#include "faults/netem/params.hpp"

#include <cstdint>

namespace squall {

// For the delay with four deviations of jitter, and what a rate lets pile up in a second; with a
// quarter more.
std::uint64_t needed_limit(const NetemParams&);
// That takes a quarter of the memory that is available, should so many ever wait.
std::uint64_t bearable_limit(Bytes available);
// The user's, or what is needed as far as memory bears it.
std::uint32_t limit_of(const NetemParams&, Bytes available);

}  // namespace squall
