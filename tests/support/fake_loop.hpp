// SPDX-License-Identifier: Apache-2.0
//
// A loop whose time is made up: a ten-minute schedule runs in a millisecond, always
// in the same order. Descriptors are real and looked at by poll(2), or declared
// ready by hand.

#pragma once

#include "safety/base/loop.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>

namespace squall::testing {

class FakeLoop final : public Loop {
 public:
  Instant now() const override { return now_; }
  [[nodiscard]] Watch after(Duration delay, Task task) override;
  [[nodiscard]] Watch on_readable(int fd, Task task) override;
  [[nodiscard]] Watch on_writable(int fd, Task task) override;
  void post(Task task) override { posted_.push_back(std::move(task)); }

  // Jumps from timer to timer until stop(), or until nothing is left to wait for.
  void run() override;
  void stop() override { stopped_ = true; }

  // Lets this much time pass, with all that falls due in it; stop() ends it early.
  void advance(Duration span);
  // Runs what is due now; no time passes.
  void settle();
  // As if the kernel had said so, once.
  void make_readable(int fd);
  void make_writable(int fd);
  std::size_t timers() const;       // still waited for
  std::size_t descriptors() const;  // still watched

 private:
  struct Waiting {
    int fd = -1;
    short events = 0;
    Task task;
  };
  Watch watch(int fd, short events, Task task);
  void make_ready(int fd, short events);
  bool run_posted();
  bool run_ready(int wait_ms);
  void run_due();
  const Instant* next_timer();

  // Positive, as the clock is since boot.
  Instant now_{Duration{std::chrono::hours(1)}};
  std::uint64_t order_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::weak_ptr<Task>> timers_;
  std::map<std::uint64_t, std::weak_ptr<Waiting>> waiting_;
  std::deque<Task> posted_;
  bool stopped_ = false;
};

}  // namespace squall::testing
