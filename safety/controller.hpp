// SPDX-License-Identifier: Apache-2.0
//
// The safety controller of a run. It knows no fault: it sees time, guards, signals,
// the watchdog, and one opaque way to stop. Whatever comes first stops the run, once; and once
// more when the host is as it was.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/base/loop.hpp"
#include "safety/guard/guard.hpp"
#include "safety/watchdog.hpp"

#include <functional>
#include <string>
#include <vector>

namespace squall {

struct StopReason {
  std::string by;   // "guard", "deadline", "operator", "watchdog", …
  std::string why;  // one sentence
};

// Blocks the operator's stop signals for this process and makes them readable. Made
// before anything else of a run, so that none of them can kill it half-way.
class StopSignals {
 public:
  static Result<StopSignals> block();
  int fd() const { return file_.get(); }
  bool pending() const;
  std::string read_name() const;  // "SIGINT"

 private:
  Fd file_;
};

class Controller {
 public:
  using Stop = std::function<void(StopReason)>;
  using Seen = std::function<void(const Guard&, const GuardWord&)>;  // each look, for events

  struct Watched {
    std::vector<Guard*> guards;
    Watchdog* watchdog = nullptr;  // null in tests without one
    const StopSignals* signals = nullptr;
    std::function<void()> every_second;  // more to do at the one tick
  };

  Controller(Loop& loop, Watched watched, Seen seen, Stop stop);

  // A look at every guard before the first change: an objection, or a guard that cannot
  // see, refuses the run.
  Result<> look_before();
  // From now on: the operator's signals, the watchdog's life and lease, the one tick a second.
  void attend();
  // And the deadline and every guard, as long as something is disturbed.
  Result<> arm(Duration deadline);
  // The host is as it was: no guard, no deadline, no watchdog any more. `stop` is called once
  // more, should the operator not want to wait for what is still asked.
  void disarm();
  void leave();  // the run is over
  void stop(StopReason reason);
  bool stopped() const { return stopped_; }

 private:
  void tick();
  void hear(const Guard& guard, const GuardWord& word);

  Loop& loop_;
  Watched watched_;
  Seen seen_;
  Stop stop_;
  bool stopped_ = false;
  bool told_ = false;  // and the next one is not
  bool armed_ = false;
  std::vector<Watch> armed_watches_;
  Watch tick_;
  Watch signals_;
  Watch watchdog_;
};

}  // namespace squall
