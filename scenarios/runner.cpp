// SPDX-License-Identifier: Apache-2.0
//
// One run, from the lock to the verdict, on one loop:
//
//   prepare   lock, owed repairs, plan, run directory, journal, watchdog
//   before    guards look once, probes must hold: else refused, nothing changed
//   during    the schedule, probes at their pace, guards; ends at its time or is stopped
//   rollback  newest first, then compared with what was read before
//   after     probes again: does the steady state come back
//   verdict   outcome and exit code

#include "scenarios/runner.hpp"

#include "safety/base/file.hpp"
#include "safety/controller.hpp"
#include "safety/lock.hpp"
#include "safety/recover.hpp"
#include "safety/undo/journal_file.hpp"
#include "safety/unsettled.hpp"
#include "scenarios/active_faults.hpp"
#include "scenarios/asio_loop.hpp"
#include "scenarios/control.hpp"
#include "scenarios/probing.hpp"
#include "scenarios/report.hpp"
#include "scenarios/run_id.hpp"
#include "scenarios/schedule.hpp"
#include "scenarios/verdict.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

namespace squall {
namespace {

class Runner {
 public:
  Runner(const RunSurroundings& around, CheckedScenario& scenario, const RunOptions& options)
      : around_(around),
        loop_(around.loop),
        scenario_(scenario),
        options_(options),
        rollback_([this](const UndoRecord& undo, const ChangeToken& token) {
          return revert(around_.registry, undo, around_.machine, token);
        }) {}

  RunResult go();
  // Brings the host back, then tells; also what an exception threw across.
  RunResult after_bug(const std::string& what);

 private:
  Result<> prepare();
  Result<> open_run_directory();
  Result<> start_watching();
  Controller::Watched what_to_watch();
  void write_guard(const Guard& guard, const GuardWord& said);
  void begin_during();
  void next_action();
  void act(const Action& action);
  void stop(StopReason reason);
  void roll_back();
  void finish();
  void let_go();
  RunResult conclude();
  void write_started();
  RunStatus status() const;
  std::int64_t elapsed_ns() const { return started_ns_ ? monotonic_ns() - started_ns_ : 0; }

  const RunSurroundings& around_;
  Loop& loop_;
  CheckedScenario& scenario_;
  const RunOptions& options_;
  Rollback rollback_;

  RunId id_ = new_run_id();
  Story story_;
  RunResult result_;
  StopSignals signals_;
  HostLock lock_;
  Fd claim_;  // on the journal, until the last process of this run is gone
  std::unique_ptr<JournalFile> journal_;
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<Watchdog> watchdog_;
  std::unique_ptr<ActiveFaults> faults_;
  std::unique_ptr<Probing> probing_;
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<ControlServer> control_;
  std::vector<PlannedFault> planned_;
  std::vector<Action> actions_;
  std::size_t next_ = 0;
  Watch action_timer_;
  Instant start_{};
  std::int64_t started_ns_ = 0;
  bool rolled_back_ = false;
};

RunResult Runner::go() {
  const auto begun = monotonic_ns();
  result_.run = id_.text;
  result_.scenario = scenario_.scenario.name;
  result_.hypothesis = scenario_.scenario.hypothesis;
  result_.file = scenario_.scenario.file;
  result_.started = rfc3339(realtime_ns());
  if (auto prepared = prepare(); !prepared) {
    story_.refused = std::move(prepared).error();
    let_go();
  } else {
    write_started();
    log_->write("phase", {{"phase", std::string("before")}});
    controller_->attend();
    probing_->ask_all(Phase::before, [this](const std::string& failure) {
      if (controller_->stopped()) return;
      if (!failure.empty()) {
        story_.refused = Error{ErrorKind::refused,
                               "the steady state is not met before the run: " + failure,
                               "mend the service, or the probe; nothing was changed",
                               {},
                               0};
        return finish();
      }
      begin_during();
    });
    loop_.run();
  }
  result_.duration_ns = monotonic_ns() - begun;
  return conclude();
}

RunResult Runner::after_bug(const std::string& what) {
  story_.bug = what;
  if (watchdog_) watchdog_->allow_rollback();
  if (faults_) faults_->end_all();
  if (faults_ && !rolled_back_) faults_->compare(result_);
  if (controller_) finish();
  let_go();
  return conclude();
}

RunResult Runner::conclude() {
  judge(story_, result_);
  if (log_)
    log_->write("run_finished", {{"outcome", std::string(word(result_.outcome))},
                                 {"exit_code", std::int64_t{result_.exit_code}},
                                 {"reason", result_.reason}});
  if (!result_.directory.empty())
    if (auto written = write_result(result_); !written) result_.hint += written.error().sentence();
  if (control_) control_->finish(std::string(word(result_.outcome)));
  return std::move(result_);
}

Result<> Runner::prepare() {
  SQUALL_TRY(signals_, StopSignals::block());
  SQUALL_TRY(lock_, HostLock::take(around_.paths, "run " + id_.text));
  SQUALL_CHECK(refuse_debts(around_.paths));
  auto without = options_.without;
  without.insert(without.end(), scenario_.scenario.without.begin(),
                 scenario_.scenario.without.end());
  result_.without = without;
  result_.seed = options_.seed ? *options_.seed : scenario_.scenario.seed.value_or(draw_seed());
  SQUALL_TRY(planned_, plan_run(scenario_, around_.machine, id_.mark, without, result_.seed));
  SQUALL_TRY(actions_, schedule(scenario_));
  SQUALL_CHECK(open_run_directory());
  faults_ = std::make_unique<ActiveFaults>(std::move(planned_), around_.machine, rollback_,
                                           *journal_, *log_);
  SQUALL_CHECK(faults_->look_before());
  return start_watching();
}

Result<> Runner::open_run_directory() {
  const auto directory = around_.paths.of_run(id_.text);
  const JournalHeader header{id_.text,
                             boot_id(),
                             SQUALL_VERSION,
                             scenario_.scenario.file,
                             scenario_.scenario.text,
                             result_.seed,
                             result_.without};
  auto made = [&]() -> Result<> {
    SQUALL_CHECK(make_directories(directory));
    SQUALL_CHECK(mark_unsettled(directory));
    SQUALL_TRY(journal_, JournalFile::create(directory, header));
    SQUALL_TRY(claim_, claim_run(directory));
    SQUALL_TRY(auto log, EventLog::create(directory + "/events.jsonl", id_.text));
    log_ = std::make_unique<EventLog>(std::move(log));
    return sync_directory(around_.paths.runs());
  }();
  if (!made) {
    auto error = std::move(made).error();
    error.kind = ErrorKind::refused;
    if (error.hint.empty()) error.hint = "set SQUALL_STATE_DIR to a directory that can be written";
    (void)forget_unsettled(directory);
    return error;
  }
  log_->listen(options_.listener);
  result_.directory = directory;
  return {};
}

Result<> Runner::start_watching() {
  if (around_.watched) {
    SQUALL_TRY(auto watchdog, Watchdog::start(options_.watchdog_program, result_.directory,
                                              lock_.fd(), claim_.get()));
    watchdog_ = std::make_unique<Watchdog>(std::move(watchdog));
    faults_->on_progress([this] {
      if (watchdog_) watchdog_->renew();
    });
  }
  probing_ = std::make_unique<Probing>(
      loop_, scenario_.probes, *log_, [this](const ProbeEntry& probe, const std::string& why) {
        story_.breached("probe '" + probe.name + "': " + why);
        if (probe.on_breach == OnBreach::abort)
          controller_->stop({"probe", "probe '" + probe.name + "': " + why});
      });
  controller_ = std::make_unique<Controller>(
      loop_, what_to_watch(),
      [this](const Guard& guard, const GuardWord& said) { write_guard(guard, said); },
      [this](StopReason reason) { stop(std::move(reason)); });
  SQUALL_CHECK(controller_->look_before());
  SQUALL_TRY(control_,
             ControlServer::listen(
                 loop_, around_.paths,
                 {[this] { return status(); },
                  [this] { controller_->stop({"operator", "'squall abort' was called"}); }}));
  return watchdog_ ? watchdog_->wait_until_ready() : Result<>{};
}

Controller::Watched Runner::what_to_watch() {
  Controller::Watched watched;
  for (auto& each : scenario_.guards) {
    watched.guards.push_back(each.guard.get());
    result_.guards.push_back(each.guard->name());
  }
  watched.watchdog = watchdog_.get();
  watched.signals = &signals_;
  watched.every_second = [this] {
    faults_->measure();
    if (options_.every_second) options_.every_second();
  };
  return watched;
}

void Runner::write_guard(const Guard& guard, const GuardWord& said) {
  if (watchdog_) watchdog_->renew();  // a guard's first look may take a while
  static constexpr const char* kWords[] = {"carry_on", "abort", "blind"};
  log_->write("guard_word", {{"guard", guard.name()},
                             {"word", std::string(kWords[static_cast<int>(said.kind)])},
                             {"value", said.value},
                             {"why", said.why}});
}

void Runner::write_started() {
  log_->write("run_started", {{"scenario", result_.scenario},
                              {"hypothesis", result_.hypothesis},
                              {"seed", static_cast<std::int64_t>(result_.seed)},
                              {"length_ns", scenario_.length.count()},
                              {"max_duration_ns", scenario_.scenario.max_duration.count()}});
  for (const auto& net : result_.without) log_->write("without_safety_net", {{"name", net}});
  if (watchdog_ && !watchdog_->weakness().empty())
    log_->write("watchdog_lacks", {{"what", watchdog_->weakness()}});
}

void Runner::begin_during() {
  log_->write("phase", {{"phase", std::string("during")}});
  started_ns_ = monotonic_ns();
  start_ = loop_.now();
  const auto& limit = scenario_.scenario.max_duration;
  // A run that is planned to last until its deadline ends at its time, not by it.
  const auto grace = scenario_.length >= limit ? Watchdog::kLease / 2 : 0s;
  if (auto armed = controller_->arm(limit + grace); !armed)
    return controller_->stop({"guard", armed.error().sentence()});
  probing_->start();
  next_action();
}

void Runner::next_action() {
  while (!controller_->stopped() && next_ < actions_.size()) {
    const auto wait = start_ + actions_[next_].at - loop_.now();
    if (wait > 0s) {
      action_timer_ = loop_.after(wait, [this] { next_action(); });
      return;
    }
    act(actions_[next_++]);
  }
  if (controller_->stopped()) return;
  if (const auto left = start_ + scenario_.length - loop_.now(); left > 0s)
    action_timer_ = loop_.after(left, [this] { next_action(); });
  else
    roll_back();
}

void Runner::act(const Action& action) {
  // Many faults that begin at one instant can take longer than the lease lasts.
  if (watchdog_) watchdog_->renew();
  Result<> done;
  switch (action.kind) {
    case Action::Kind::inject:
      done = faults_->inject(action.fault);
      break;
    case Action::Kind::adjust:
      done = faults_->adjust(action.fault, action.params);
      break;
    case Action::Kind::end:
      faults_->end(action.fault);
      break;
  }
  if (!done) controller_->stop({"fault", done.error().sentence()});
}

void Runner::stop(StopReason reason) {
  const auto decided = monotonic_ns();
  if (watchdog_) watchdog_->allow_rollback();
  faults_->end_all();
  const auto undone = monotonic_ns();
  if (!story_.breach.empty() && reason.by == "probe")
    story_.stopped_by_probe = true;
  else
    story_.aborted = reason;
  log_->write("abort", {{"by", reason.by}, {"why", reason.why}, {"decided_ns", decided}});
  if (started_ns_ == 0 || rolled_back_) return finish();
  result_.rollback_ns = undone - decided;
  roll_back();
}

void Runner::roll_back() {
  if (watchdog_) watchdog_->allow_rollback();
  log_->write("phase", {{"phase", std::string("rollback")}});
  action_timer_.cancel();
  probing_->stop();
  if (faults_->any_active()) {
    const auto begun = monotonic_ns();
    faults_->end_all();
    result_.rollback_ns = monotonic_ns() - begun;
  }
  log_->write("rolled_back", {{"changes", static_cast<std::int64_t>(faults_->changes())},
                              {"left", static_cast<std::int64_t>(faults_->left().size())},
                              {"took_ns", result_.rollback_ns}});
  faults_->compare(result_);
  log_->write("compared", {{"facts", static_cast<std::int64_t>(result_.compared)},
                           {"differences", static_cast<std::int64_t>(result_.residue.size())}});
  rolled_back_ = true;
  controller_->disarm();
  let_go();
  log_->write("phase", {{"phase", std::string("after")}});
  probing_->ask_all(Phase::after, [this](const std::string& failure) {
    if (!failure.empty()) story_.breached("after the rollback, " + failure);
    finish();
  });
}

void Runner::finish() {
  probing_->stop();
  controller_->leave();
  faults_->report(result_);
  probing_->report(result_);
  let_go();
  loop_.stop();
}

// The watchdog ends, and with a clean host the run no longer counts as unsettled.
void Runner::let_go() {
  if (auto watchdog = std::move(watchdog_)) watchdog->release();
  if (!result_.directory.empty() && result_.residue.empty())
    (void)forget_unsettled(result_.directory);
}

RunStatus Runner::status() const {
  RunStatus status;
  status.run = id_.text;
  status.scenario = result_.scenario;
  status.pid = ::getpid();
  status.elapsed_ns = elapsed_ns();
  status.left_ns = std::max<std::int64_t>(0, scenario_.length.count() - status.elapsed_ns);
  faults_->tell(status);
  status.probes = probing_->last_answers();
  return status;
}

}  // namespace

RunResult run_on(const RunSurroundings& surroundings, CheckedScenario& scenario,
                 const RunOptions& options) {
  Runner runner(surroundings, scenario, options);
  // Nothing of ours throws, but memory can run out.
  try {
    return runner.go();
  } catch (const std::exception& thrown) {
    return runner.after_bug(thrown.what());
  }
}

RunResult run_scenario(CheckedScenario& scenario, Machine& machine, const Registry& registry,
                       const Paths& paths, const RunOptions& options) {
  const auto loop = make_loop();
  return run_on({*loop, machine, registry, paths}, scenario, options);
}

}  // namespace squall
