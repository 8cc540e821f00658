// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/worker.hpp"

#include "faults/kit/procfs.hpp"
#include "faults/kit/worker_life.hpp"
#include "safety/base/fd.hpp"
#include "safety/base/process_stat.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <fcntl.h>
#include <linux/futex.h>
#include <new>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace squall {
namespace {

constexpr int kStartLimit = 2000;       // milliseconds
constexpr Duration kEndLimit = 2s;      // of one that holds nothing
constexpr Duration kLetGoLimit = 50ms;  // of one that may hold much: there may be many
// The kernel takes its time to free what a process holds. Beyond this others' undos come first.
constexpr Duration kPatience = 200ms;

struct Unmap {
  void operator()(WorkerPage* page) const { ::munmap(page, sizeof(WorkerPage)); }
};
using SharedPage = std::unique_ptr<WorkerPage, Unmap>;

bool has_ended(int pidfd, int wait = 0) {
  pollfd gone{pidfd, POLLIN, 0};
  return ::poll(&gone, 1, wait) > 0;
}

void send_kill(int pidfd) { ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0); }

// Kernel: a process becomes a zombie, which its descriptor tells, after its memory was freed.
void reap(int pidfd, Duration limit) {
  has_ended(pidfd, static_cast<int>(limit / 1ms));
  siginfo_t info{};
  // Whoever is not the parent has nothing to reap: that is init's work then.
  ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
}

// One that takes longer is reaped by its record's undo.
void kill_and_reap(int pidfd, Duration limit) {
  send_kill(pidfd);
  reap(pidfd, limit);
}

// Kernel: a futex is 32 bits wide; what is waited for is that they are no longer 0.
static_assert(std::endian::native == std::endian::little);
const void* futex_of(const std::atomic<std::uint64_t>& word) { return &word; }

class ThisHostsWorker final : public Worker {
 public:
  ThisHostsWorker(ProcessId id, Fd held, Fd lifeline, SharedPage page)
      : id_(id), held_(std::move(held)), lifeline_(std::move(lifeline)), page_(std::move(page)) {}
  ThisHostsWorker(const ThisHostsWorker&) = delete;
  ThisHostsWorker& operator=(const ThisHostsWorker&) = delete;
  ~ThisHostsWorker() override { kill_and_reap(held_.get(), kLetGoLimit); }

  ProcessId id() const override { return id_; }
  std::uint64_t read_report(std::size_t which) const override {
    return page_->reports.at(which).load(std::memory_order_acquire);
  }
  bool wait_for_report(std::size_t which, Duration limit) const override {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (read_report(which) == 0) {
      if (ended() || std::chrono::steady_clock::now() >= until) return read_report(which) != 0;
      const timespec look_again{0, 50'000'000};  // whether it ended: nobody wakes us then
      ::syscall(SYS_futex, futex_of(page_->reports.at(which)), FUTEX_WAIT, 0, &look_again, nullptr,
                0);
    }
    return true;
  }
  bool ended() const override { return has_ended(held_.get()); }
  Duration read_cpu_time() const override {
    clockid_t clock{};
    timespec used{};
    if (::clock_getcpuclockid(id_.pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0)
      return Duration{};
    return Duration(used.tv_sec * 1'000'000'000LL + used.tv_nsec);
  }
  void set(const ChangeToken&, std::size_t which, std::uint64_t value) override {
    page_->settings.at(which).store(value, std::memory_order_release);
  }
  Result<> pin(const ChangeToken&, int cpu) override {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    if (::sched_setaffinity(id_.pid, sizeof set, &set) != 0)
      return sys_error("pin worker " + std::to_string(id_.pid) + " to CPU " + std::to_string(cpu));
    return {};
  }
  Result<> go(const ChangeToken&) override {
    if (::write(lifeline_.get(), "g", 1) != 1)
      return sys_error("let worker " + std::to_string(id_.pid) + " go");
    return {};
  }

 private:
  ProcessId id_;
  Fd held_;
  Fd lifeline_;
  SharedPage page_;
};

Result<std::vector<int>> read_affinity(pid_t pid) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(pid, sizeof set, &set) != 0)
    return sys_error("read the CPUs of process " + std::to_string(pid));
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

// Waits until the worker idles; what it could not set up is an error.
Result<> hear_ready(const Fd& ready, const WorkerOrder& order) {
  pollfd said{ready.get(), POLLIN, 0};
  WorkerTrouble trouble;
  if (::poll(&said, 1, kStartLimit) <= 0 ||
      ::read(ready.get(), &trouble, sizeof trouble) != sizeof trouble)
    return Error{ErrorKind::system,
                 "worker '" + order.name + "' did not start",
                 "look for the OOM killer in the kernel's log",
                 {},
                 0};
  if (trouble.error == 0) return {};
  return sys_error(std::string(trouble.attempt) + " of worker '" + order.name + "'", trouble.error);
}

class ThisHostsWorkers final : public Workers {
 public:
  std::vector<int> read_usable_cpus() const override {
    auto cpus = read_affinity(0);
    return cpus ? std::move(*cpus) : std::vector<int>{};
  }
  Result<std::vector<int>> read_cpus(const ProcessId& id) const override {
    return read_affinity(id.pid);
  }

  Result<std::vector<ProcessInfo>> find_all() const override {
    SQUALL_TRY(const auto pids, procfs::read_pids("/proc"));
    std::vector<ProcessInfo> found;
    for (const auto pid : pids) {
      const auto stat = read_process_stat(pid);
      if (!stat || !is_worker_name(stat->name)) continue;
      auto process = procfs::read_process("/proc", pid);
      if (process && !process->ended()) found.push_back(std::move(*process));
    }
    return found;
  }

  Result<std::unique_ptr<Worker>> make_idle(const WorkerOrder& order) override {
    void* mapped = ::mmap(nullptr, sizeof(WorkerPage), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return sys_error("map the page of worker '" + order.name + "'");
    SharedPage page(new (mapped) WorkerPage);
    if (order.text.size() >= page->text.size())
      return Error{ErrorKind::invalid, "'" + order.text + "' is too long", {}, {}, 0};
    order.text.copy(page->text.data(), order.text.size());
    int lifeline[2];
    int ready[2];
    if (::pipe2(lifeline, O_CLOEXEC) != 0) return sys_error("make a pipe");
    Fd lifeline_theirs{lifeline[0]}, lifeline_ours{lifeline[1]};
    if (::pipe2(ready, O_CLOEXEC) != 0) return sys_error("make a pipe");
    Fd ready_ours{ready[0]}, ready_theirs{ready[1]};
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) return sys_error("make worker '" + order.name + "'");
    if (child == 0) live_as_worker(order, *page, parent, lifeline_theirs.get(), ready_theirs.get());
    Fd held{static_cast<int>(::syscall(SYS_pidfd_open, child, 0))};
    lifeline_theirs.reset();
    ready_theirs.reset();
    auto heard = hear_ready(ready_ours, order);
    const auto stat = read_process_stat(child);
    if (!heard || !stat) {
      kill_and_reap(held.get(), kEndLimit);
      return heard ? stat.error() : std::move(heard).error();
    }
    return std::unique_ptr<Worker>(std::make_unique<ThisHostsWorker>(
        ProcessId{child, stat->start}, std::move(held), std::move(lifeline_ours), std::move(page)));
  }

  Result<> delete_if_ours(const ChangeToken&, const std::vector<ProcessId>& ids,
                          const std::string& name) override {
    Result<> done;
    std::vector<Ending> ending;
    for (const auto& id : ids) {
      auto held = hold_if_ours(id, name);
      if (!held) {
        done = std::move(held).error();
        continue;
      }
      if (!*held) continue;
      ending.push_back({id.pid, std::move(*held)});
      send_kill(ending.back().held.get());
    }
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (const auto& each : ending) {
      reap(each.held.get(), std::max(Duration{}, until - std::chrono::steady_clock::now()));
      if (has_ended(each.held.get())) continue;
      const auto pid = std::to_string(each.pid);
      done =
          Error{ErrorKind::busy, "worker " + pid + " has not ended yet", "kill -9 " + pid, {}, 0};
    }
    return done;
  }

 private:
  struct Ending {
    pid_t pid;
    Fd held;
  };
  // Nothing where there is no such worker.
  static Result<Fd> hold_if_ours(const ProcessId& id, const std::string& name) {
    Fd held{static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0))};
    if (!held && errno == ESRCH) return Fd{};
    if (!held) return sys_error("hold worker " + std::to_string(id.pid));
    const auto stat = read_process_stat(id.pid);
    if (!stat && stat.error().kind != ErrorKind::gone) return stat.error();
    if (!stat || stat->start != id.start || stat->name != name) return Fd{};
    return held;
  }
};

}  // namespace

void publish_report(WorkerPage& page, std::size_t which, std::uint64_t value) {
  auto& report = page.reports.at(which);
  report.store(value, std::memory_order_release);
  ::syscall(SYS_futex, futex_of(report), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

std::unique_ptr<Workers> this_hosts_workers() { return std::make_unique<ThisHostsWorkers>(); }

}  // namespace squall
