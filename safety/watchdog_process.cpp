// SPDX-License-Identifier: Apache-2.0
//
// The watchdog's own life: protect itself, wait for the runner's death or a lease
// that ran out, then roll back from the journal.

#include "safety/base/file.hpp"
#include "safety/base/proc.hpp"
#include "safety/event_log.hpp"
#include "safety/lease.hpp"
#include "safety/undo/journal_file.hpp"
#include "safety/unsettled.hpp"
#include "safety/watchdog.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace squall {
namespace {

// What could not be had, for the runner to report; the run goes on without it.
std::string protect_itself() {
  std::string missing;
  const auto lacks = [&](const char* what) {
    missing += (missing.empty() ? "" : ", ") + std::string(what);
  };
  // Everything it will need is touched by now or later; nothing of it may be paged out.
  if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) lacks("locked memory");
  const Fd score{::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)};
  if (!score || ::write(score.get(), "-1000", 5) != 5) lacks("protection from the OOM killer");
  const sched_param priority{.sched_priority = Watchdog::kPriority};
  if (::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority) != 0)
    lacks("real-time priority");
  return missing;
}

enum class Woken { runner_died, lease_lost, released };

Woken wait_for_trouble(const LeasePage& page) {
  std::array<pollfd, 1> watched{{{lease_fd::runner, POLLIN, 0}}};
  sigset_t wake;
  ::sigemptyset(&wake);
  for (;;) {
    if (page.released.load(std::memory_order_acquire) != 0) return Woken::released;
    const auto left = page.valid_until_ns.load(std::memory_order_acquire) - monotonic_ns();
    if (left <= 0) return Woken::lease_lost;
    const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
    const int ready = ::ppoll(watched.data(), watched.size(), &timeout, &wake);
    if (ready > 0)
      return page.released.load(std::memory_order_acquire) != 0 ? Woken::released
                                                                : Woken::runner_died;
  }
}

void tell(const std::string& run_directory, const JournalFile& journal,
          const RollbackReport& report, const char* why) {
  auto log = EventLog::append_to(run_directory + "/events.jsonl", journal.header().run);
  if (!log) return;
  for (const auto& left : report.left)
    log->write("left", {{"what", left.owed.intent.sentence},
                        {"error", left.error.sentence()},
                        {"by_hand", left.owed.intent.by_hand}});
  log->write("watchdog_rolled_back", {{"why", std::string(why)},
                                      {"undone", static_cast<std::int64_t>(report.settled)},
                                      {"left", static_cast<std::int64_t>(report.left.size())}});
}

int roll_back(const std::string& run_directory, const Reverter& reverter, const char* why) {
  const auto journal = JournalFile::open(lease_fd::claim);
  if (!journal) return 5;
  const auto report = Rollback(reverter).patiently(**journal, (*journal)->owed());
  tell(run_directory, **journal, report, why);
  if (!report.clean() || !(*journal)->problems().empty()) return 5;
  (void)forget_unsettled(run_directory);
  return 0;
}

int stop_and_roll_back(const std::string& run_directory, const Reverter& reverter) {
  ::syscall(SYS_pidfd_send_signal, lease_fd::runner, SIGKILL, nullptr, 0);
  if (!ends_within(lease_fd::runner, 500ms)) {
    // It is in the kernel still, and what it began there may be done at any time. Undone now,
    // settled only after a second time behind its last write.
    if (const auto journal = JournalFile::open(lease_fd::claim))
      (void)Rollback(reverter).undo((*journal)->owed());
    while (!ends_within(lease_fd::runner, 1h)) {
    }
  }
  return roll_back(run_directory, reverter, "the runner did not renew its lease");
}

// Nothing of ours throws, but memory can run out: the more so where it may not be paged out.
template <class Work>
int in_spite_of_memory(Work work) {
  for (int tries = 0; tries < 2; ++tries) {
    try {
      return work();
    } catch (const std::exception&) {
      ::munlockall();
    }
  }
  return 5;
}

}  // namespace

int watch_over_runner(const std::string& run_directory, const Reverter& reverter) {
  for (const int terminal : {SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) std::signal(terminal, SIG_IGN);
  // SIGTERM only interrupts the wait: the page says what it meant.
  struct sigaction wake{};
  wake.sa_handler = [](int) {};
  ::sigaction(SIGTERM, &wake, nullptr);
  sigset_t held;
  ::sigemptyset(&held);
  ::sigaddset(&held, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &held, nullptr);
  void* mapped = ::mmap(nullptr, sizeof(LeasePage), PROT_READ, MAP_SHARED, lease_fd::page, 0);
  if (mapped == MAP_FAILED) return 70;
  const auto& page = *static_cast<const LeasePage*>(mapped);
  const auto missing = "+" + protect_itself();
  if (::write(lease_fd::ready, missing.data(), missing.size()) < 0) return 70;
  ::close(lease_fd::ready);

  switch (wait_for_trouble(page)) {
    case Woken::released:
      return 0;
    case Woken::runner_died:
      return in_spite_of_memory(
          [&] { return roll_back(run_directory, reverter, "the runner died"); });
    case Woken::lease_lost:
      return in_spite_of_memory([&] { return stop_and_roll_back(run_directory, reverter); });
  }
  return 70;
}

}  // namespace squall
