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
#include "safety/recover.hpp"
#include "scenarios/asio_loop.hpp"
#include "scenarios/report.hpp"
#include "scenarios/run_events.hpp"
#include "scenarios/running.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

namespace squall {

RunResult Runner::go() {
  const auto begun = monotonic_ns();
  result_.run = id_.text;
  result_.scenario = scenario_.scenario.name;
  result_.hypothesis = scenario_.scenario.hypothesis;
  result_.file = scenario_.scenario.file;
  result_.parameters = scenario_.scenario.parameters;
  result_.started = rfc3339(realtime_ns());
  if (auto prepared = prepare(); !prepared) {
    story_.refused = std::move(prepared).error();
    let_go();
  } else {
    write_started(*directory_.log, result_, scenario_, watchdog_ ? watchdog_->weakness() : "");
    ask_before();
    loop_.run();
  }
  result_.duration_ns = monotonic_ns() - begun;
  return conclude();
}

RunResult Runner::after_bug(const std::string& what) {
  story_.bug = what;
  const auto decided = monotonic_ns();
  if (faults_) take_back(decided);
  if (started_ns_ != 0 && !rolled_back_) roll_back(decided);
  if (controller_) finish();
  let_go();
  return conclude();
}

RunResult Runner::conclude() {
  judge(story_, result_);
  if (directory_.log) {
    directory_.log->write("run_finished", {{"outcome", std::string(word(result_.outcome))},
                                           {"exit_code", std::int64_t{result_.exit_code}},
                                           {"reason", result_.reason}});
    if (const auto lost = directory_.log->lost())
      result_.notes.push_back(std::to_string(lost) + (lost == 1 ? " event" : " events") +
                              " could not be written to the event log");
  }
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
  actions_ = schedule(scenario_);
  const auto& text = scenario_.scenario;
  SQUALL_TRY(directory_, RunDirectory::make(around_.paths, {id_.text, boot_id(), SQUALL_VERSION,
                                                            text.file, text.text, result_.seed,
                                                            without, as_used(text.parameters)}));
  directory_.log->listen(options_.listener);
  result_.directory = directory_.path;
  faults_ = std::make_unique<ActiveFaults>(std::move(planned_), around_.machine, rollback_,
                                           *directory_.journal, *directory_.log, without);
  SQUALL_CHECK(faults_->look_before());
  return start_watching();
}

Result<> Runner::start_watching() {
  if (around_.watched) {
    SQUALL_TRY(auto watchdog, Watchdog::start(options_.watchdog_program, result_.directory,
                                              lock_.fd(), directory_.claim.get()));
    watchdog_ = std::make_unique<Watchdog>(std::move(watchdog));
    faults_->on_progress([this] {
      if (watchdog_) watchdog_->renew();
    });
  }
  probing_ = std::make_unique<Probing>(
      loop_, scenario_.probes, *directory_.log,
      [this](const ProbeEntry& probe, const std::string& why) { breached(probe, why); });
  controller_ = std::make_unique<Controller>(
      loop_, what_to_watch(),
      [this](const Guard& guard, const GuardWord& said) {
        if (watchdog_) watchdog_->renew();  // a guard's first look may take a while
        write_guard(*directory_.log, guard, said);
      },
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
    if (auto held = faults_->watch(); !held) controller_->stop({"fault", held.error().sentence()});
    if (options_.every_second) options_.every_second();
  };
  return watched;
}

RunStatus Runner::status() const {
  RunStatus status;
  status.run = id_.text;
  status.scenario = result_.scenario;
  status.pid = ::getpid();
  status.elapsed_ns = started_ns_ ? monotonic_ns() - started_ns_ : 0;
  status.left_ns = std::max<std::int64_t>(0, scenario_.length.count() - status.elapsed_ns);
  faults_->tell(status);
  status.probes = probing_->last_answers();
  return status;
}

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
