// SPDX-License-Identifier: Apache-2.0
//
// The one event loop of a run, as everything but its implementation sees it:
// timers on CLOCK_MONOTONIC and readiness of descriptors. Guards, probes and the
// runner are written against it, so a ten-minute scenario takes a millisecond in
// tests with a loop whose time is made up.

#pragma once

#include "safety/base/units.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace squall {

// Something that is waited for; destroying it stops the waiting, and its task
// then never runs.
class Watch {
 public:
  Watch() = default;
  explicit Watch(std::shared_ptr<void> held) : held_(std::move(held)) {}
  explicit operator bool() const { return held_ != nullptr; }
  void cancel() { held_.reset(); }

 private:
  std::shared_ptr<void> held_;
};

class Loop {
 public:
  using Task = std::function<void()>;
  virtual ~Loop() = default;

  virtual Instant now() const = 0;
  [[nodiscard]] virtual Watch after(Duration delay, Task task) = 0;  // once
  // Again and again until the watch is destroyed; the descriptor stays the caller's.
  [[nodiscard]] virtual Watch on_readable(int fd, Task task) = 0;
  [[nodiscard]] virtual Watch on_writable(int fd, Task task) = 0;
  virtual void post(Task task) = 0;  // at the next turn
  virtual void run() = 0;            // until stop()
  virtual void stop() = 0;
};

}  // namespace squall
