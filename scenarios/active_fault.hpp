// SPDX-License-Identifier: Apache-2.0
//
// One fault of a run, for active_faults only: its plan, its records and what became of it.

#pragma once

#include "scenarios/active_faults.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace squall {

// Notes which records belong to one fault, so that it can end before the others.
class OneFaultsJournal final : public Journal {
 public:
  OneFaultsJournal(Journal& whole, const std::function<void()>& progress)
      : whole_(whole), progress_(progress) {}
  Result<std::uint64_t> owe(const Intent& intent) override {
    progress_();  // thousands of changes of one fault take longer than the lease lasts
    SQUALL_TRY(const auto seq, whole_.owe(intent));
    mine_.push_back({seq, intent});
    return seq;
  }
  Result<> settle(std::uint64_t seq) override { return whole_.settle(seq); }
  // Kernel: fdatasync takes about as long as all undos of a fault together. When all faults
  // end at once it is done once, behind the last undo: an undo that is repeated is harmless.
  Result<> sync() override { return {}; }
  std::vector<Owed> owed() const override { return mine_; }
  // They are settled, and what comes next begins anew.
  void forget() { forgotten_ += std::exchange(mine_, {}).size(); }
  std::size_t changes() const { return mine_.size() + forgotten_; }

 private:
  Journal& whole_;
  const std::function<void()>& progress_;
  std::vector<Owed> mine_;
  std::size_t forgotten_ = 0;
};

// What is not undone leaves no state of ours to read: its effect is measured instead.
inline bool is_undone(const Fault& fault) { return fault.sheet().rung != Rung::not_undone; }
inline std::string what_is_left(const StillOwed& left) {
  return left.owed.intent.sentence + ": " + left.error.sentence();
}
// "loss='5%' match.port=9001"
std::string settings_text(const Settings& settings);

struct ActiveFaults::One {
  One(PlannedFault from, Journal& whole, const std::function<void()>& progress)
      : planned(std::move(from)), journal(whole, progress), scope(journal) {}

  const CheckedFault& checked() const { return *planned.checked; }
  const Fault& fault() const { return *planned.checked->fault; }
  const std::string& name() const { return planned.checked->entry.name; }
  std::int64_t slot() const { return planned.checked->slot; }
  // Oldest first. Before its first undo these are all of its records.
  std::vector<Owed> still_owed() const;
  bool is_over() const { return ended_ns != 0 && left.empty(); }

  PlannedFault planned;
  OneFaultsJournal journal;
  Scope scope;
  Boxed params;
  BoxedHold hold{nullptr, [](void*) {}};
  State state = State::waiting;
  bool injected = false;
  bool away = false;  // taken back, until its target is there again
  Effect effect;
  bool measured = false;
  std::string error;
  std::int64_t started_ns = 0;
  std::int64_t ended_ns = 0;
  std::vector<std::string> before;
  std::vector<StillOwed> left;  // by the newest undo; newest first
};

}  // namespace squall
