// SPDX-License-Identifier: Apache-2.0
//
// One run while it goes on, for the runner only.

#pragma once

#include "safety/controller.hpp"
#include "safety/lock.hpp"
#include "scenarios/active_faults.hpp"
#include "scenarios/control.hpp"
#include "scenarios/probing.hpp"
#include "scenarios/run_directory.hpp"
#include "scenarios/run_id.hpp"
#include "scenarios/runner.hpp"
#include "scenarios/schedule.hpp"
#include "scenarios/verdict.hpp"

#include <memory>
#include <string>
#include <vector>

namespace squall {

class Runner {
 public:
  Runner(const RunSurroundings& around, CheckedScenario& scenario, const RunOptions& options)
      : around_(around),
        loop_(around.loop),
        scenario_(scenario),
        options_(options),
        rollback_([this](const UndoRecord& undo, const ChangeToken& token) {
          if (watchdog_) watchdog_->renew();  // each undo is bounded, all together are not
          return revert(around_.registry, undo, around_.machine, token);
        }) {}

  RunResult go();
  // Brings the host back, then tells; also what an exception threw across.
  RunResult after_bug(const std::string& what);

 private:
  Result<> prepare();
  Result<> start_watching();
  Controller::Watched what_to_watch();
  void ask_before();
  void begin_during();
  void next_action();
  void act(const Action& action);
  void do_later(Action action, Duration after);
  void breached(const ProbeEntry& probe, const std::string& why);
  void refuse(Error why);
  void stop(StopReason reason);
  void cut_short(StopReason reason);
  void take_back(std::int64_t decided_ns);
  void roll_back(std::int64_t decided_ns);
  void ask_after();
  void finish();
  void let_go();
  RunResult conclude();
  RunStatus status() const;

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
  RunDirectory directory_;
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

}  // namespace squall
