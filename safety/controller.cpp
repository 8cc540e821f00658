// SPDX-License-Identifier: Apache-2.0

#include "safety/controller.hpp"

#include <csignal>
#include <cstring>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace squall {

namespace {

bool is_ignored(int signal) {
  struct sigaction now{};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

Result<StopSignals> StopSignals::block() {
  sigset_t set;
  ::sigemptyset(&set);
  // What the caller had us ignore (nohup) stays ignored.
  for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGQUIT})
    if (!is_ignored(each)) ::sigaddset(&set, each);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return sys_error("block the stop signals");
  // A run that is put into the background by Ctrl-Z would lose its lease: it goes on instead.
  for (const int each : {SIGTSTP, SIGTTOU, SIGTTIN}) std::signal(each, SIG_IGN);
  StopSignals signals;
  signals.file_ = Fd{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!signals.file_) return sys_error("make the stop signals readable");
  return signals;
}

bool StopSignals::pending() const {
  pollfd sent{file_.get(), POLLIN, 0};
  return ::poll(&sent, 1, 0) > 0;
}

std::string StopSignals::read_name() const {
  signalfd_siginfo info{};
  if (::read(file_.get(), &info, sizeof info) != sizeof info) return "";
  return std::string("SIG") + ::sigabbrev_np(static_cast<int>(info.ssi_signo));
}

Controller::Controller(Loop& loop, Watched watched, Seen seen, Stop stop)
    : loop_(loop), watched_(std::move(watched)), seen_(std::move(seen)), stop_(std::move(stop)) {}

Result<> Controller::look_before() {
  for (auto* guard : watched_.guards) {
    const auto word = guard->first_look([this] {
      if (watched_.watchdog) watched_.watchdog->renew();
      return !watched_.signals || !watched_.signals->pending();
    });
    seen_(*guard, word);
    if (watched_.signals && watched_.signals->pending())
      return Error{ErrorKind::refused,
                   "the operator sent " + watched_.signals->read_name() + " before any change",
                   {},
                   {},
                   0};
    if (word.kind == GuardWord::Kind::abort)
      return Error{ErrorKind::refused,
                   "guard '" + guard->name() + "' objects: " + word.why,
                   "wait until the host is calm, or change the guard's limit",
                   {},
                   0};
    if (word.kind == GuardWord::Kind::blind)
      return Error{
          ErrorKind::refused, "guard '" + guard->name() + "' cannot see: " + word.why, {}, {}, 0};
  }
  return {};
}

void Controller::attend() {
  if (watched_.signals)
    signals_ = loop_.on_readable(watched_.signals->fd(), [this] {
      if (const auto name = watched_.signals->read_name(); !name.empty())
        stop({"operator", "the operator sent " + name});
    });
  if (watched_.watchdog)
    watchdog_ = loop_.on_readable(watched_.watchdog->pidfd(),
                                  [this] { stop({"watchdog", "the watchdog died"}); });
  tick();
}

Result<> Controller::arm(Duration deadline) {
  armed_ = true;
  if (watched_.watchdog) watched_.watchdog->end_by(deadline);
  armed_watches_.push_back(loop_.after(deadline, [this, deadline] {
    stop({"deadline", "the run's max_duration of " + to_text(deadline) + " is over"});
  }));
  for (auto* guard : watched_.guards) {
    SQUALL_TRY(auto watch,
               guard->arm(loop_, [this, guard](const GuardWord& word) { hear(*guard, word); }));
    if (watch) armed_watches_.push_back(std::move(watch));
  }
  return {};
}

void Controller::tick() {
  if (watched_.watchdog) watched_.watchdog->renew();
  if (armed_)
    for (auto* guard : watched_.guards)
      if (!stopped_) hear(*guard, guard->look());
  if (watched_.every_second) watched_.every_second();
  tick_ = loop_.after(1s, [this] { tick(); });
}

void Controller::hear(const Guard& guard, const GuardWord& word) {
  if (word.kind == GuardWord::Kind::abort)
    stop({"guard", "guard '" + guard.name() + "': " + word.why});
  if (word.kind == GuardWord::Kind::blind)
    stop({"guard", "guard '" + guard.name() + "' cannot see any more: " + word.why});
  seen_(guard, word);  // only then: it may write, to a disk that stalls
}

void Controller::stop(StopReason reason) {
  if (std::exchange(told_, true)) return;
  stopped_ = true;
  stop_(std::move(reason));
}

void Controller::disarm() {
  armed_ = false;
  told_ = false;
  armed_watches_.clear();
  watchdog_.cancel();
  watched_.watchdog = nullptr;
}

void Controller::leave() {
  disarm();
  told_ = true;
  tick_.cancel();
  signals_.cancel();
}

}  // namespace squall
