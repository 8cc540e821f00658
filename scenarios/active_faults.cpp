// SPDX-License-Identifier: Apache-2.0

#include "scenarios/active_faults.hpp"

#include "safety/base/file.hpp"

#include <algorithm>
#include <exception>
#include <ranges>

namespace squall {
namespace {

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

 private:
  Journal& whole_;
  const std::function<void()>& progress_;
  std::vector<Owed> mine_;
};

std::string settings_text(const Settings& settings) {
  std::string text;
  for (const auto& each : settings)
    text += (text.empty() ? "" : " ") + each.name + "=" + describe(each.raw);
  return text;
}

// What is not undone leaves no state of ours to read: its effect is measured instead.
bool is_undone(const Fault& fault) { return fault.sheet().rung != Rung::not_undone; }

bool carries_our_mark(const std::string& fact) { return fact.find("squall") != std::string::npos; }

}  // namespace

struct ActiveFaults::One {
  One(PlannedFault from, Journal& whole, const std::function<void()>& progress)
      : planned(std::move(from)), journal(whole, progress), scope(journal) {}

  const CheckedFault& checked() const { return *planned.checked; }
  const std::string& name() const { return planned.checked->entry.name; }
  // Later than the run's start, what was chosen then may be gone: a service that an earlier
  // fault restarted is another process now.
  Result<> plan_again(const Machine& machine) {
    if (checked().entry.start == Duration{}) return {};
    auto run = planned.plan.run;
    run.targets.clear();
    SQUALL_TRY(planned.plan, checked().fault->plan(params, machine, run));
    return {};
  }
  std::int64_t slot() const { return planned.checked->slot; }

  PlannedFault planned;
  OneFaultsJournal journal;
  Scope scope;
  Boxed params;
  BoxedHold hold{nullptr, [](void*) {}};
  State state = State::waiting;
  Effect effect;
  bool measured = false;
  std::string error;
  std::int64_t started_ns = 0;
  std::int64_t ended_ns = 0;
  std::vector<std::string> before;
};

ActiveFaults::ActiveFaults(std::vector<PlannedFault> planned, Machine& machine,
                           const Rollback& rollback, Journal& journal, EventLog& log)
    : machine_(machine), rollback_(rollback), journal_(journal), log_(log) {
  for (auto& each : planned) {
    faults_.push_back(std::make_unique<One>(std::move(each), journal_, progress_));
    faults_.back()->params = faults_.back()->checked().params;
  }
}

ActiveFaults::~ActiveFaults() = default;

Result<> ActiveFaults::look_before() {
  for (auto& one : faults_) {
    const auto& fault = *one->checked().fault;
    SQUALL_TRY(const auto reading, fault.verify(one->params, machine_, one->planned.plan.run));
    if (reading == Reading::foreign)
      return Error{
          ErrorKind::refused,
          "fault '" + one->name() + "': something of somebody else's is in the place it needs",
          "'squall plan' shows the place; remove what is there, or choose another target",
          {},
          0};
    SQUALL_TRY(one->before, fault.survey(one->params, machine_));
  }
  return {};
}

Result<> ActiveFaults::inject(std::size_t index) {
  auto& one = *faults_[index];
  const auto& fault = *one.checked().fault;
  one.started_ns = monotonic_ns();
  order_.push_back(&one);
  one.state = State::active;
  auto ready = one.plan_again(machine_);
  auto hold = ready ? fault.inject(one.params, one.planned.plan, machine_, one.scope)
                    : Result<BoxedHold>(ready.error());
  auto reading = hold ? fault.verify(one.params, machine_, one.planned.plan.run)
                      : Result<Reading>(hold.error());
  if (hold) one.hold = std::move(*hold);
  if (reading && *reading != Reading::present && is_undone(fault))
    reading = Error{ErrorKind::system,
                    "it reads '" + std::string(word(*reading)) + "' after it was made",
                    {},
                    {},
                    0};
  if (!reading) {
    one.error = reading.error().sentence();
    log_.write("fault_failed", {{"slot", one.slot()}, {"fault", one.name()}, {"error", one.error}});
    return std::move(reading).error().during("inject '" + one.name() + "'");
  }
  log_.write("fault_active",
             {{"slot", one.slot()}, {"fault", one.name()}, {"kind", fault.sheet().name}});
  return {};
}

Result<> ActiveFaults::adjust(std::size_t index, const Boxed& params) {
  auto& one = *faults_[index];
  if (one.state != State::active) return {};
  const auto& fault = *one.checked().fault;
  if (auto done = fault.adjust(params, one.hold, machine_, one.scope); !done)
    return std::move(done).error().during("adjust '" + one.name() + "'");
  one.params = params;
  log_.write("fault_adjusted", {{"slot", one.slot()},
                                {"fault", one.name()},
                                {"strength", settings_text(fault.print(params))}});
  return {};
}

void ActiveFaults::measure(One& one) {
  progress_();
  const auto ask = [&]() -> Result<Effect> {
    // A measurement that throws must not keep its fault, and those before it, in force.
    try {
      return one.checked().fault->measure(one.params, one.hold, machine_);
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

RollbackReport ActiveFaults::take_back(One& one) {
  progress_();
  auto report = rollback_.undo(one.journal.owed());
  one.hold.reset();
  one.ended_ns = monotonic_ns();
  one.state = one.error.empty() ? State::ended : State::failed;
  return report;
}

void ActiveFaults::settle(One& one, RollbackReport report) {
  progress_();
  Rollback::settle(one.journal, report);
  for (auto& each : report.left) left_.push_back(std::move(each));
  for (const auto& each : report.complaints) log_.write("journal_trouble", {{"what", each}});
}

void ActiveFaults::sync_journal() {
  if (auto synced = journal_.sync(); !synced)
    log_.write("journal_trouble", {{"what", synced.error().sentence()}});
}

void ActiveFaults::end(std::size_t index) {
  auto& one = *faults_[index];
  if (one.state != State::active) return;
  measure(one);
  settle(one, take_back(one));
  sync_journal();
  std::erase(order_, &one);
  write_ended(one);
}

void ActiveFaults::write_ended(const One& one) {
  log_.write("fault_effect", {{"slot", one.slot()},
                              {"fault", one.name()},
                              {"verdict", std::string(word(one.effect.verdict))},
                              {"why", one.effect.why}});
  log_.write(
      "fault_ended",
      {{"slot", one.slot()}, {"fault", one.name()}, {"active_ns", one.ended_ns - one.started_ns}});
}

void ActiveFaults::end_all() {
  for (auto* one : order_)
    if (!one->measured && one->error.empty()) measure(*one);
  // A write to a disk that stalls must not keep a fault in force: all are undone before the
  // first is settled.
  std::vector<std::pair<One*, RollbackReport>> undone;
  undone.reserve(order_.size());
  for (auto* one : order_ | std::views::reverse) undone.emplace_back(one, take_back(*one));
  for (auto& [one, report] : undone) settle(*one, std::move(report));
  sync_journal();
  for (const auto* one : order_) write_ended(*one);
  order_.clear();
}

void ActiveFaults::compare(RunResult& result) const {
  for (const auto& left : left_)
    result.residue.push_back(
        {left.owed.intent.sentence + ": " + left.error.sentence(), left.owed.intent.by_hand});
  for (const auto& one : faults_) {
    if (one->state == State::waiting) continue;
    progress_();
    const auto& fault = *one->checked().fault;
    const std::string by_hand =
        one->journal.owed().empty() ? "" : one->journal.owed().front().intent.by_hand;
    const auto reading = fault.verify(one->params, machine_, one->planned.plan.run);
    // A target that is gone took what we put on it along.
    const bool gone = !reading && reading.error().kind == ErrorKind::gone;
    const bool left =
        reading ? (*reading == Reading::partial || *reading == Reading::present) : !gone;
    if (left && is_undone(fault))
      result.residue.push_back({"fault '" + one->name() + "' " +
                                    (reading ? "still reads '" + std::string(word(*reading)) + "'"
                                             : "cannot be checked: " + reading.error().sentence()),
                                by_hand});
    compare_facts(*one, by_hand, result);
  }
}

void ActiveFaults::compare_facts(const One& one, const std::string& by_hand,
                                 RunResult& result) const {
  const auto after = one.checked().fault->survey(one.params, machine_);
  if (!after) {
    if (after.error().kind != ErrorKind::gone)
      result.residue.push_back(
          {"fault '" + one.name() + "' cannot be compared: " + after.error().sentence(), by_hand});
    return;
  }
  result.compared += one.before.size() + 1;
  for (const auto& fact : *after)
    if (std::ranges::find(one.before, fact) == one.before.end()) {
      if (carries_our_mark(fact))
        result.residue.push_back({fact, by_hand});
      else
        result.foreign.push_back("new: " + fact);
    }
  for (const auto& fact : one.before)
    if (std::ranges::find(*after, fact) == after->end()) result.foreign.push_back("gone: " + fact);
}

void ActiveFaults::report(RunResult& result) const {
  for (const auto& one : faults_) {
    FaultReport report;
    report.name = one->name();
    report.kind = one->checked().fault->sheet().name;
    report.slot = one->checked().slot;
    report.injected = one->state == State::ended || one->state == State::active;
    report.started_ns = one->started_ns;
    report.active_ns = one->ended_ns - one->started_ns;
    report.requested = settings_text(one->checked().fault->print(one->checked().params));
    report.effect = one->effect;
    report.error = one->error;
    result.faults.push_back(std::move(report));
  }
  result.changes = changes();
}

void ActiveFaults::tell(RunStatus& status) const {
  static constexpr const char* kStates[] = {"waiting", "active", "ended", "failed"};
  for (const auto& one : faults_) {
    const auto& fault = one->checked();
    status.faults.push_back({fault.entry.name, fault.entry.kind,
                             kStates[static_cast<int>(one->state)],
                             one->started_ns ? monotonic_ns() - one->started_ns : 0,
                             std::max<std::int64_t>(0, fault.end.count() - status.elapsed_ns)});
  }
}

bool ActiveFaults::any_active() const { return !order_.empty(); }

std::size_t ActiveFaults::changes() const {
  std::size_t all = 0;
  for (const auto& one : faults_) all += one->journal.owed().size();
  return all;
}

}  // namespace squall
