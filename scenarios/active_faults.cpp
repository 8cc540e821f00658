// SPDX-License-Identifier: Apache-2.0
//
// What touches: from the first change of a fault until the last of them is undone.

#include "safety/base/file.hpp"
#include "safety/spare.hpp"
#include "scenarios/active_fault.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <ranges>

namespace squall {

std::vector<Owed> ActiveFaults::One::still_owed() const {
  if (left.empty()) return journal.owed();
  std::vector<Owed> owed;
  for (const auto& each : left | std::views::reverse) owed.push_back(each.owed);
  return owed;
}

ActiveFaults::ActiveFaults(std::vector<PlannedFault> planned, Machine& machine,
                           const Rollback& rollback, Journal& journal, EventLog& log,
                           std::vector<std::string> without)
    : machine_(machine),
      rollback_(rollback),
      journal_(journal),
      log_(log),
      without_(std::move(without)) {
  for (auto& each : planned) {
    faults_.push_back(std::make_unique<One>(std::move(each), journal_, progress_));
    faults_.back()->params = faults_.back()->checked().params;
  }
}

ActiveFaults::~ActiveFaults() = default;

// Later than the run's start, what was chosen then may be gone, and what must be spared may have
// come: a service that an earlier fault restarted is another process now.
Result<> ActiveFaults::plan_again(One& one) {
  if (one.checked().entry.start == Duration{} && !one.away) return {};
  auto run = one.planned.plan.run;
  run.targets.clear();
  run.spare = find_spare_list(without_);
  SQUALL_TRY(one.planned.plan, one.fault().plan(one.params, machine_, run));
  return {};
}

Result<> ActiveFaults::begin(One& one) {
  SQUALL_CHECK(plan_again(one));
  SQUALL_TRY(one.hold, one.fault().inject(one.params, one.planned.plan, machine_, one.scope));
  SQUALL_TRY(const auto seen, one.fault().verify(one.params, machine_, one.planned.plan.run));
  if (seen == Reading::present || !is_undone(one.fault())) return {};
  return Error{ErrorKind::system,
               "it reads '" + std::string(word(seen.reading)) + "' after it was made",
               {},
               {},
               0};
}

Result<> ActiveFaults::inject(std::size_t index) {
  auto& one = *faults_[index];
  one.started_ns = monotonic_ns();
  order_.push_back(&one);
  one.state = State::active;
  if (auto begun = begin(one); !begun) return failed(one, "inject", std::move(begun).error());
  one.injected = true;
  log_.write("fault_active",
             {{"slot", one.slot()}, {"fault", one.name()}, {"kind", one.fault().sheet().name}});
  return {};
}

Result<> ActiveFaults::adjust(std::size_t index, const Boxed& params) {
  auto& one = *faults_[index];
  if (one.state != State::active) return {};
  if (one.away) {
    one.params = params;
    return {};
  }
  if (auto done = one.fault().adjust(params, one.hold, machine_, one.scope); !done) {
    const auto lost = why_lost(one);
    if (lost.empty()) return failed(one, "adjust", std::move(done).error());
    one.params = params;
    return lose(one, lost);
  }
  one.params = params;
  log_.write("fault_adjusted", {{"slot", one.slot()},
                                {"fault", one.name()},
                                {"strength", settings_text(one.fault().print(params))}});
  return {};
}

Error ActiveFaults::failed(One& one, const std::string& verb, Error error) {
  one.error = error.sentence();
  log_.write("fault_failed", {{"slot", one.slot()}, {"fault", one.name()}, {"error", one.error}});
  return std::move(error).during(verb + " '" + one.name() + "'");
}

void ActiveFaults::measure(One& one) {
  if (!one.injected || !one.hold) return;
  progress_();
  const auto ask = [&]() -> Result<Effect> {
    // A measurement that throws must not keep its fault, and those before it, in force.
    try {
      return one.fault().measure(one.params, one.hold, machine_);
    } catch (const std::exception& thrown) {
      return Error{ErrorKind::internal, thrown.what(), {}, {}, 0};
    }
  };
  auto effect = ask();
  one.effect = effect ? std::move(*effect)
                      : Effect{Effect::Verdict::inconclusive, effect.error().sentence(), {}, {}};
  one.measured = true;
}

void ActiveFaults::measure() {
  for (auto* one : order_) measure(*one);
}

Result<> ActiveFaults::watch() {
  for (auto* one : order_) {
    if (!one->injected) continue;
    progress_();
    if (one->away) {
      SQUALL_CHECK(come_back(*one));
      continue;
    }
    const auto lost = why_lost(*one);
    if (lost.empty()) continue;
    SQUALL_CHECK(lose(*one, lost));
  }
  return {};
}

Duration ActiveFaults::ease_off(std::size_t index) {
  auto& one = *faults_[index];
  if (one.state != State::active || !one.injected || one.away) return {};
  measure(one);
  const auto again = one.fault().ease_off(one.params, one.hold, machine_, one.scope);
  // What could not be eased is taken back all the same.
  return again ? *again : Duration{};
}

RollbackReport ActiveFaults::take_back(One& one) {
  progress_();
  auto report = rollback_.undo(one.still_owed());
  one.hold.reset();
  one.ended_ns = monotonic_ns();
  return report;
}

void ActiveFaults::settle(One& one, RollbackReport report) {
  progress_();
  Rollback::settle(one.journal, report);
  complain(report);
  for (const auto& each : report.left)
    if (each.error.kind == ErrorKind::busy)
      log_.write("draining",
                 {{"slot", one.slot()}, {"fault", one.name()}, {"what", each.error.sentence()}});
  one.left = std::move(report.left);
}

void ActiveFaults::complain(const RollbackReport& report) {
  for (const auto& each : report.complaints) log_.write("journal_trouble", {{"what", each}});
}

void ActiveFaults::sync_journal() {
  if (auto synced = journal_.sync(); !synced)
    log_.write("journal_trouble", {{"what", synced.error().sentence()}});
}

void ActiveFaults::take_back_alone(One& one) {
  auto report = take_back(one);
  const bool busy = report.busy;
  settle(one, std::move(report));
  if (busy) retry_left({&one});
  sync_journal();
}

Result<> ActiveFaults::end(std::size_t index) {
  auto& one = *faults_[index];
  if (one.state != State::active) return {};
  measure(one);
  take_back_alone(one);
  leave_ended();
  if (one.left.empty()) return {};
  return Error{ErrorKind::system,
               "fault '" + one.name() + "' cannot be taken back: " + what_is_left(one.left.front()),
               {},
               {},
               0};
}

void ActiveFaults::end_all() {
  for (auto* one : order_)
    if (!one->measured) measure(*one);
  for (auto* one : order_ | std::views::reverse) one->fault().let_go(one->hold);
  // A write to a disk that stalls must not keep a fault in force: all are undone before the
  // first is settled.
  std::vector<std::pair<One*, RollbackReport>> undone;
  undone.reserve(order_.size());
  for (auto* one : order_ | std::views::reverse) undone.emplace_back(one, take_back(*one));
  for (auto& [one, report] : undone) settle(*one, std::move(report));
  sync_journal();
  leave_ended();
}

void ActiveFaults::retry_left(const std::vector<One*>& faults) {
  std::vector<Owed> owed;
  for (const auto* one : faults) std::ranges::move(one->still_owed(), std::back_inserter(owed));
  if (owed.empty()) return;
  std::ranges::sort(owed, {}, &Owed::seq);
  progress_();
  const auto report = rollback_.patiently(journal_, std::move(owed));
  complain(report);
  for (auto* one : faults) {
    std::erase_if(one->left, [&](const StillOwed& each) {
      return std::ranges::find(report.undone, each.owed.seq) != report.undone.end();
    });
    one->ended_ns = monotonic_ns();
  }
}

void ActiveFaults::retry_left() {
  retry_left(order_);
  leave_ended();
  for (auto* one : order_) write_left(*one);
}

// Those of which nothing is left.
void ActiveFaults::leave_ended() {
  for (auto* one : order_) {
    if (!one->is_over()) continue;
    one->state = one->error.empty() ? State::ended : State::failed;
    write_ended(*one);
  }
  std::erase_if(order_, [](const One* one) { return one->is_over(); });
}

void ActiveFaults::write_ended(const One& one) {
  log_.write("fault_effect", {{"slot", one.slot()},
                              {"fault", one.name()},
                              {"verdict", std::string(word(one.effect.verdict))},
                              {"why", one.effect.why},
                              {"counters", one.effect.counters}});
  log_.write(
      "fault_ended",
      {{"slot", one.slot()}, {"fault", one.name()}, {"active_ns", one.ended_ns - one.started_ns}});
}

void ActiveFaults::write_left(One& one) {
  one.state = State::left;
  for (const auto& each : one.left)
    log_.write("left", {{"slot", one.slot()},
                        {"fault", one.name()},
                        {"what", each.owed.intent.sentence},
                        {"error", each.error.sentence()},
                        {"by_hand", each.owed.intent.by_hand}});
}

bool ActiveFaults::any_active() const { return !order_.empty(); }

std::size_t ActiveFaults::left() const {
  std::size_t all = 0;
  for (const auto& one : faults_) all += one->left.size();
  return all;
}

std::size_t ActiveFaults::changes() const {
  std::size_t all = 0;
  for (const auto& one : faults_) all += one->journal.changes();
  return all;
}

}  // namespace squall
