// SPDX-License-Identifier: Apache-2.0
//
// The identity of a run and of everything it makes.

#pragma once

#include "safety/base/result.hpp"

#include <cstdint>
#include <string>

namespace squall {

struct RunId {
  std::string text;  // "20260131-094502-3fa2c1": sorts by time
  std::string mark;  // "3fa2c1": goes into every name that the run makes in the kernel
};

RunId new_run_id();
std::uint64_t draw_seed();
// The seed of one fault: the same for the same run seed and slot, unrelated otherwise.
std::uint64_t seed_of_slot(std::uint64_t run_seed, unsigned slot);

}  // namespace squall
