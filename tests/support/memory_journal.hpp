// SPDX-License-Identifier: Apache-2.0
//
// A journal in memory whose writes pass the same gate as those of the fake machine,
// so that a program can die between a record and its change, and while settling.

#pragma once

#include "safety/undo/journal.hpp"
#include "tests/support/write_gate.hpp"

#include <vector>

namespace squall::testing {

class MemoryJournal final : public Journal {
 public:
  explicit MemoryJournal(WriteGate& gate) : gate_(gate) {}

  Result<std::uint64_t> owe(const Intent& intent) override {
    SQUALL_CHECK(gate_.pass("write the journal"));
    owed_.push_back({++last_, intent});
    return last_;
  }
  Result<> settle(std::uint64_t seq) override {
    SQUALL_CHECK(gate_.pass("write the journal"));
    std::erase_if(owed_, [seq](const Owed& each) { return each.seq == seq; });
    return {};
  }
  Result<> sync() override { return {}; }
  std::vector<Owed> owed() const override { return owed_; }

 private:
  WriteGate& gate_;
  std::vector<Owed> owed_;
  std::uint64_t last_ = 0;
};

}  // namespace squall::testing
