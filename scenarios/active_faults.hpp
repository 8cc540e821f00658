// SPDX-License-Identifier: Apache-2.0
//
// The faults of one run: injected, adjusted, measured, taken back and compared with
// what the host looked like before. Calls the verbs of Fault and knows no fault by
// name; has no idea of time.

#pragma once

#include "safety/event_log.hpp"
#include "safety/undo/rollback.hpp"
#include "scenarios/run.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace squall {

class ActiveFaults {
 public:
  // left: what could not be undone, also with patience
  enum class State { waiting, active, ended, failed, left };

  ActiveFaults(std::vector<PlannedFault> planned, Machine& machine, const Rollback& rollback,
               Journal& journal, EventLog& log, std::vector<std::string> without);
  ~ActiveFaults();

  // Called before each fault that is measured, taken back or compared: on a slow machine
  // all of them together take longer than the watchdog waits for a sign of life.
  void on_progress(std::function<void()> progress) { progress_ = std::move(progress); }
  // Reads what will be compared afterwards; refuses where something of ours is there already.
  Result<> look_before();

  Result<> inject(std::size_t index);
  Result<> adjust(std::size_t index, const Boxed& params);
  // Error: what an active fault disturbs, or what we put there, is lost; the rest of it stays
  // active, for end_all(). One that follows its target is taken back instead, and begins again
  // when it can be planned.
  Result<> watch();
  // Before end(): asked again after this time, until it is 0.
  Duration ease_off(std::size_t index);
  // One fault, at its planned time. Where something cannot be undone it stays active, for
  // end_all(), and that is the error.
  Result<> end(std::size_t index);
  // Everything, newest first; measures only what was never measured, since it is in a hurry.
  void end_all();
  // Behind end_all(): what it could not undo, again, with the patience of every rollback.
  void retry_left();
  void measure();  // once a second; the last reading is what an abort reports

  // Reads everything again: differences of ours, and of others.
  void compare(RunResult& result) const;
  void report(RunResult& result, std::int64_t run_started_ns) const;
  void tell(RunStatus& status) const;

  bool any_active() const;
  std::size_t changes() const;
  std::size_t left() const;  // changes that could not be undone

 private:
  struct One;
  Result<> plan_again(One& one);
  Result<> begin(One& one);
  std::string why_lost(const One& one) const;
  Result<> lose(One& one, const std::string& why);
  Result<> come_back(One& one);
  Result<> withdraw(One& one);
  Error failed(One& one, const std::string& verb, Error error);
  RollbackReport take_back(One& one);
  void take_back_alone(One& one);
  void retry_left(const std::vector<One*>& faults);
  void settle(One& one, RollbackReport report);
  Result<> refuse_leftovers(const One& one) const;
  void compare_facts(const One& one, const std::string& by_hand, RunResult& result) const;
  void complain(const RollbackReport& report);
  void sync_journal();
  void measure(One& one);
  void leave_ended();
  void write_ended(const One& one);
  void write_left(One& one);

  std::vector<std::unique_ptr<One>> faults_;
  std::vector<One*> order_;  // active ones, oldest first
  Machine& machine_;
  const Rollback& rollback_;
  Journal& journal_;
  EventLog& log_;
  std::vector<std::string> without_;
  std::function<void()> progress_ = [] {};
};

}  // namespace squall
