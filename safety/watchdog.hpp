// SPDX-License-Identifier: Apache-2.0
//
// The watchdog: a second, small process that rolls back when the runner cannot.
// It is started before the first change and is told of the runner by a pidfd, so a
// death wakes it at once, and by a lease in a shared page, so a runner that hangs or
// was stopped is noticed when the lease runs out. A runner that lost its lease is
// killed before anything is undone: it must not go on changing the machine.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/base/units.hpp"
#include "safety/undo/rollback.hpp"

#include <string>

namespace squall {

struct LeasePage;

// The runner's side.
class Watchdog {
 public:
  static constexpr Duration kLease = 2s;
  static constexpr int kPriority = 60;  // real-time; above that of every fault

  // Starts it; it inherits the host's lock and the hold on the run's journal.
  static Result<Watchdog> start(const std::string& program, const std::string& run_directory,
                                int lock_fd, int claim_fd);
  // Waits until its memory is locked and it watches; at most `limit`.
  Result<> wait_until_ready(Duration limit = 5s);

  // From now on no renewal reaches beyond this: the watchdog keeps the deadline even if the
  // runner's own timers do not.
  void end_by(Duration deadline);
  // The rollback has begun and may reach beyond the deadline, by a bounded time.
  void allow_rollback();
  void renew();                                 // called once a second
  int pidfd() const { return process_.get(); }  // readable: it died
  int pid() const { return pid_; }
  const std::string& weakness() const {
    return weakness_;
  }  // protection it could not get; "" for none
  // The run is over and nothing is owed: lets it go and waits for its end.
  void release();

  Watchdog(Watchdog&&) = default;
  Watchdog& operator=(Watchdog&&) = default;
  ~Watchdog() = default;

 private:
  Watchdog() = default;
  Fd process_;
  Fd ready_;
  int pid_ = 0;
  LeasePage* page_ = nullptr;
  Duration lease_;                     // long until it is ready: nothing was changed yet
  Instant last_{Duration::max() / 2};  // bounds every renewal
  bool rolling_back_ = false;
  std::string weakness_;
};

// The watchdog's own life: returns its exit code. Descriptors are at the fixed
// numbers that start() gives them.
int watch_over_runner(const std::string& run_directory, const Reverter& reverter);

}  // namespace squall
