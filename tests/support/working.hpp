// SPDX-License-Identifier: Apache-2.0
//
// For tests of workers that are real processes.

#pragma once

#include "safety/undo/change.hpp"
#include "tests/support/memory_journal.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <poll.h>

namespace squall::testing {

// A token, from where they come from.
template <class Act>
void with_token(Act&& act) {
  WriteGate gate;
  MemoryJournal journal(gate);
  Scope scope(journal);
  REQUIRE(scope.change({"test", {"test", {}}, "", ""}, [&](const ChangeToken& token) {
    act(token);
    return Result<>();
  }));
}

inline bool comes_true(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace squall::testing
