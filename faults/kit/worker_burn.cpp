// SPDX-License-Identifier: Apache-2.0
//
// A share of one CPU, used up exactly: each period it computes until the thread's own
// CPU clock has reached what was asked up to the period's end, and sleeps for the rest.
// What one period has too much or too little, the next ones make up for.

#include "faults/kit/worker_burn.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

namespace squall::burn {
namespace {

// Kernel: /proc/stat is sampled by the tick (1, 4 or 10 ms), so a period in step with it
// would be counted at the same point every time. This one has the golden ratio to it.
constexpr std::int64_t kPeriod = 9'527'864;
constexpr std::int64_t kSecond = 1'000'000'000;
// Time lost to others is made up for only as far as this, so that no burst follows.
constexpr double kMostDebt = 50e6;
constexpr std::size_t kLoad = 0;  // the setting, in millionths
constexpr int kPeriodsBetweenLooks = 10;

std::int64_t read_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

std::int64_t now() { return read_clock(CLOCK_MONOTONIC); }
std::int64_t cpu_time() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

bool alive(int lifeline) {
  pollfd line{lifeline, POLLIN, 0};
  return ::poll(&line, 1, 0) == 0;
}

void sleep_until(std::int64_t instant) {
  const timespec until{instant / kSecond, instant % kSecond};
  // Interrupted or late makes no difference: the next period corrects it.
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

// Until the CPU clock shows `want`, or it is `end`. The CPU clock costs a system call, so
// the time in between is spent computing, which observers count as user time.
std::int64_t compute_until(double want, std::int64_t cpu_start, std::int64_t end) {
  for (;;) {
    const auto used = cpu_time() - cpu_start;
    const auto instant = now();
    const double missing = want - static_cast<double>(used);
    if (missing <= 0 || instant >= end) return used;
    const auto until = std::min(end, instant + static_cast<std::int64_t>(missing) + 1);
    while (now() < until) {
    }
  }
}

// How long this process was ready to run while others did; below 0: this kernel does not say.
std::int64_t read_waited() {
  char text[96];
  const int file = ::open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
  const auto got = file < 0 ? 0 : ::read(file, text, sizeof text);
  if (file >= 0) ::close(file);
  const char* end = text + std::max<ssize_t>(got, 0);
  const char* second = std::find(static_cast<const char*>(text), end, ' ');
  std::int64_t waited = -1;
  if (second != end) std::from_chars(second + 1, end, waited);
  return waited;
}

// The largest deviations over whole seconds, for the report. What others took in a second
// explains a deviation of it, and of the next one, which makes up for it.
struct Seconds {
  std::int64_t start = 0;
  double asked = 0;
  std::int64_t used = 0;
  std::int64_t waited = 0, waited_before = 0;  // in all; in the last second
  double worst = 0, unexplained = 0;

  void note(std::int64_t instant, double asked_now, std::int64_t used_now) {
    if (instant - start < kSecond) return;
    const auto length = static_cast<double>(instant - start);
    const double off = std::abs(static_cast<double>(used_now - used) - (asked_now - asked));
    const auto waited_now = read_waited();
    const auto others = waited_now - waited;
    worst = std::max(worst, off / length * 1e6);
    if (waited_now >= 0)
      unexplained =
          std::max(unexplained, (off - static_cast<double>(others + waited_before)) / length * 1e6);
    *this = {instant, asked_now, used_now, waited_now, others, worst, unexplained};
  }
};

}  // namespace

void set_load(const ChangeToken& token, Worker& worker, Percent load) {
  worker.set(token, kLoad, static_cast<std::uint64_t>(std::llround(load.share() * 1e6)));
}

void work(WorkerPage& page, int lifeline) {
  const auto start = now();
  const auto cpu_start = cpu_time();
  auto end = start;
  double want = 0;   // of the CPU clock, at the period's end
  double total = 0;  // what was asked since the go, never forgiven
  Seconds seconds;
  seconds.start = start;
  seconds.waited = read_waited();
  for (int period = 0;; ++period) {
    if (period % kPeriodsBetweenLooks == 0 && !alive(lifeline)) return;
    const auto before = end;
    end += kPeriod * std::max<std::int64_t>(1, (now() - end) / kPeriod);
    const double share =
        static_cast<double>(page.settings[kLoad].load(std::memory_order_acquire)) / 1e6;
    const double more = share * static_cast<double>(end - before);
    want += more;
    total += more;
    const auto spent = compute_until(want, cpu_start, end);
    want = std::min(want, static_cast<double>(spent) + kMostDebt);
    page.reports[elapsed].store(static_cast<std::uint64_t>(end - start), std::memory_order_release);
    page.reports[asked].store(static_cast<std::uint64_t>(total), std::memory_order_release);
    page.reports[used].store(static_cast<std::uint64_t>(spent), std::memory_order_release);
    seconds.note(end, total, spent);
    page.reports[worst_second].store(static_cast<std::uint64_t>(seconds.worst),
                                     std::memory_order_release);
    page.reports[worst_unexplained].store(static_cast<std::uint64_t>(seconds.unexplained),
                                          std::memory_order_release);
    if (now() < end) sleep_until(end);
  }
}

}  // namespace squall::burn
