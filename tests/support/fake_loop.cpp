// SPDX-License-Identifier: Apache-2.0

#include "tests/support/fake_loop.hpp"

#include <algorithm>
#include <poll.h>
#include <vector>

namespace squall::testing {

Watch FakeLoop::after(Duration delay, Task task) {
  auto held = std::make_shared<Task>(std::move(task));
  timers_.emplace(std::pair(now_ + std::max(delay, Duration::zero()), order_++), held);
  return Watch(std::move(held));
}

Watch FakeLoop::on_readable(int fd, Task task) { return watch(fd, POLLIN, std::move(task)); }
Watch FakeLoop::on_writable(int fd, Task task) { return watch(fd, POLLOUT, std::move(task)); }

Watch FakeLoop::watch(int fd, short events, Task task) {
  auto held = std::make_shared<Waiting>(Waiting{fd, events, std::move(task)});
  waiting_.emplace(order_++, held);
  return Watch(std::move(held));
}

void FakeLoop::make_readable(int fd) { make_ready(fd, POLLIN); }
void FakeLoop::make_writable(int fd) { make_ready(fd, POLLOUT); }

void FakeLoop::make_ready(int fd, short events) {
  for (const auto& [order, weak] : waiting_)
    if (const auto held = weak.lock(); held && held->fd == fd && held->events == events)
      post([weak_held = std::weak_ptr(held)] {
        if (const auto still = weak_held.lock()) still->task();
      });
}

bool FakeLoop::run_posted() {
  if (posted_.empty()) return false;
  // What these post comes at the next turn.
  for (auto left = posted_.size(); left > 0 && !stopped_; --left) {
    const auto task = std::move(posted_.front());
    posted_.pop_front();
    task();
  }
  return true;
}

bool FakeLoop::run_ready(int wait_ms) {
  std::erase_if(waiting_, [](const auto& each) { return each.second.expired(); });
  std::vector<pollfd> polled;
  std::vector<std::weak_ptr<Waiting>> waiting;
  for (const auto& [order, weak] : waiting_)
    if (const auto held = weak.lock()) {
      polled.push_back({held->fd, held->events, 0});
      waiting.push_back(weak);
    }
  if (::poll(polled.data(), polled.size(), wait_ms) <= 0) return false;
  bool any = false;
  for (std::size_t i = 0; i < polled.size() && !stopped_; ++i) {
    // A number that is no descriptor (any more) is left to make_readable().
    if (polled[i].revents == 0 || (polled[i].revents & POLLNVAL) != 0) continue;
    if (const auto held = waiting[i].lock()) held->task();
    any = true;
  }
  return any;
}

const Instant* FakeLoop::next_timer() {
  std::erase_if(timers_, [](const auto& each) { return each.second.expired(); });
  return timers_.empty() ? nullptr : &timers_.begin()->first.first;
}

void FakeLoop::run_due() {
  while (!stopped_) {
    const auto* next = next_timer();
    if (!next || *next > now_) return;
    const auto task = timers_.begin()->second.lock();
    timers_.erase(timers_.begin());
    (*task)();
  }
}

void FakeLoop::settle() {
  // A descriptor that stays ready must not hold time up for ever.
  constexpr int kTurns = 1000;
  for (int turn = 0; turn < kTurns && !stopped_; ++turn) {
    run_due();
    const bool posted = run_posted();
    const bool ready = run_ready(0);
    if (!posted && !ready && (!next_timer() || *next_timer() > now_)) return;
  }
}

void FakeLoop::advance(Duration span) {
  const auto end = now_ + span;
  while (!stopped_) {
    settle();
    const auto* next = next_timer();
    if (stopped_ || !next || *next > end) break;
    now_ = std::max(now_, *next);
  }
  if (!stopped_) now_ = end;
  stopped_ = false;
}

void FakeLoop::run() {
  constexpr int kPatienceMs = 5000;
  while (!stopped_) {
    settle();
    if (stopped_) break;
    if (const auto* next = next_timer())
      now_ = std::max(now_, *next);
    else if (!run_ready(kPatienceMs))
      break;
  }
  stopped_ = false;
}

std::size_t FakeLoop::timers() const {
  return static_cast<std::size_t>(std::count_if(
      timers_.begin(), timers_.end(), [](const auto& each) { return !each.second.expired(); }));
}

std::size_t FakeLoop::descriptors() const {
  return static_cast<std::size_t>(std::count_if(
      waiting_.begin(), waiting_.end(), [](const auto& each) { return !each.second.expired(); }));
}

}  // namespace squall::testing
