// SPDX-License-Identifier: Apache-2.0
//
// The course of a run: before, during, rollback, after.

#include "scenarios/running.hpp"

#include "safety/base/file.hpp"
#include "safety/unsettled.hpp"
#include "scenarios/run_events.hpp"

#include <utility>

namespace squall {

void Runner::ask_before() {
  directory_.log->write("phase", {{"phase", std::string("before")}});
  controller_->attend();
  const auto& limit = scenario_.scenario.max_duration;
  action_timer_ = loop_.after(limit, [this, limit] {
    refuse({ErrorKind::refused,
            "the steady state was not known before the run within its max_duration of " +
                to_text(limit),
            "let the probes ask more often or breach sooner; nothing was changed",
            {},
            0});
  });
  probing_->ask_all(Phase::before, [this](const std::string& failure) {
    if (controller_->stopped()) return;
    if (failure.empty()) return begin_during();
    refuse({ErrorKind::refused,
            "the steady state is not met before the run: " + failure,
            "mend the service, or the probe; nothing was changed",
            {},
            0});
  });
}

void Runner::refuse(Error why) {
  story_.refused = std::move(why);
  finish();
}

void Runner::begin_during() {
  action_timer_.cancel();
  directory_.log->write("phase", {{"phase", std::string("during")}});
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
    return void(action_timer_ = loop_.after(left, [this] { next_action(); }));
  roll_back(monotonic_ns());
  ask_after();
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
      if (const auto again = faults_->ease_off(action.fault); again > 0s)
        return do_later(action, again);
      done = faults_->end(action.fault);
      break;
  }
  if (!done) controller_->stop({"fault", done.error().sentence()});
}

void Runner::do_later(Action action, Duration after) {
  action.at = loop_.now() - start_ + after;
  const auto behind = std::ranges::upper_bound(actions_, action.at, {}, &Action::at);
  actions_.insert(std::max(behind, actions_.begin() + static_cast<std::ptrdiff_t>(next_)), action);
}

void Runner::breached(const ProbeEntry& probe, const std::string& why) {
  const auto what = "probe '" + probe.name + "': " + why;
  story_.breached(what);
  directory_.log->write(
      "breach",
      {{"probe", probe.name}, {"why", why}, {"action", std::string(word(probe.on_breach))}});
  if (probe.on_breach == OnBreach::abort) controller_->stop({"probe", what});
}

void Runner::stop(StopReason reason) {
  if (rolled_back_) return cut_short(std::move(reason));
  const auto decided = monotonic_ns();
  take_back(decided);
  if (reason.by != "probe") story_.aborted = reason;
  write_abort(*directory_.log, reason, decided);
  if (started_ns_ == 0) return finish();
  roll_back(decided);
  ask_after();
}

// Everything is back: only the questions for the steady state end. A run that was stopped
// before, or whose hypothesis did not hold, remains what it was.
void Runner::cut_short(StopReason reason) {
  write_abort(*directory_.log, reason, monotonic_ns());
  result_.notes.push_back("the steady state after the rollback was not asked for to the end: " +
                          reason.why);
  if (!story_.aborted && story_.breach.empty()) story_.aborted = std::move(reason);
  finish();
}

// Before anything is told: no event keeps a fault in force.
void Runner::take_back(std::int64_t decided_ns) {
  if (watchdog_) watchdog_->allow_rollback();
  if (!faults_->any_active()) return;
  faults_->end_all();
  result_.rollback_ns = monotonic_ns() - decided_ns;
}

void Runner::roll_back(std::int64_t decided_ns) {
  auto& log = *directory_.log;
  if (watchdog_) watchdog_->allow_rollback();
  log.write("phase", {{"phase", std::string("rollback")}});
  action_timer_.cancel();
  probing_->stop();
  take_back(decided_ns);
  if (faults_->any_active()) {
    faults_->retry_left();
    result_.rollback_ns = monotonic_ns() - decided_ns;
  }
  log.write("rolled_back", {{"changes", static_cast<std::int64_t>(faults_->changes())},
                            {"left", static_cast<std::int64_t>(faults_->left())},
                            {"took_ns", result_.rollback_ns}});
  faults_->compare(result_);
  log.write("compared", {{"facts", static_cast<std::int64_t>(result_.compared)},
                         {"differences", static_cast<std::int64_t>(result_.residue.size())}});
  rolled_back_ = true;
  controller_->disarm();
  let_go();
}

void Runner::ask_after() {
  directory_.log->write("phase", {{"phase", std::string("after")}});
  probing_->ask_all(Phase::after, [this](const std::string& failure) {
    if (!failure.empty()) story_.breached("after the rollback, " + failure);
    finish();
  });
}

void Runner::finish() {
  probing_->stop();
  controller_->leave();
  faults_->report(result_, started_ns_);
  probing_->report(result_);
  let_go();
  loop_.stop();
}

// The watchdog ends, and with a clean host the run no longer counts as unsettled. What is left
// was tried with the watchdog's own patience: it would only meet 'squall recover' at the same work.
void Runner::let_go() {
  if (auto watchdog = std::move(watchdog_)) watchdog->release();
  if (!result_.directory.empty() && result_.residue.empty())
    (void)forget_unsettled(result_.directory);
}

}  // namespace squall
