// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/process.hpp"

#include "faults/kit/process_start.hpp"
#include "faults/kit/procfs.hpp"
#include "safety/base/child.hpp"
#include "safety/base/fd.hpp"
#include "safety/base/file.hpp"
#include "safety/base/netns.hpp"
#include "safety/base/proc.hpp"
#include "safety/base/process_stat.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace squall {
namespace {

const std::string kProc = "/proc";
constexpr Duration kSystemdLimit = 1s;  // for its answer

Error is_somebody_else(const ProcessId& id) {
  return {
      ErrorKind::gone, "process " + std::to_string(id.pid) + " is another one by now", {}, {}, 0};
}

// Holds the process, then makes sure that it is the one that is meant.
Result<Fd> hold(const ProcessId& id) {
  Fd held{static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0))};
  if (!held) return sys_error("hold process " + std::to_string(id.pid));
  SQUALL_TRY(const auto stat, read_process_stat(id.pid));
  if (stat.start != id.start) return is_somebody_else(id);
  return held;
}

int number_of(Signal signal) {
  static constexpr std::pair<Signal, int> kNumbers[] = {
      {Signal::stop, SIGSTOP}, {Signal::cont, SIGCONT}, {Signal::kill, SIGKILL},
      {Signal::term, SIGTERM}, {Signal::int_, SIGINT},  {Signal::hup, SIGHUP},
      {Signal::quit, SIGQUIT}, {Signal::abrt, SIGABRT}, {Signal::usr1, SIGUSR1},
      {Signal::usr2, SIGUSR2}, {Signal::segv, SIGSEGV}};
  for (const auto& [each, number] : kNumbers)
    if (each == signal) return number;
  return 0;
}

Result<Service> ask_systemd(const std::string& unit) {
  const auto said = run_child_now(
      {{"systemctl", "show", "--property=MainPID", "--property=ControlGroup", "--", unit}, {}},
      kSystemdLimit);
  if (said.kind == ChildEnd::Kind::not_started ||
      (said.kind == ChildEnd::Kind::exited && said.code != 0))
    return Error{ErrorKind::unsupported, "no systemd runs here", {}, {}, 0};
  if (said.kind != ChildEnd::Kind::exited)
    return Error{ErrorKind::system,
                 "systemd does not tell about unit '" + unit + "': systemctl " + said.why,
                 "see 'systemctl status " + unit + "'",
                 {},
                 0};
  Service service;
  std::istringstream lines(said.output);
  for (std::string line; std::getline(lines, line);) {
    const auto equals = std::min(line.find('='), line.size() - 1);
    const auto value = line.substr(equals + 1);
    if (line.starts_with("MainPID=")) (void)parse_number(value, service.main);
    if (line.starts_with("ControlGroup=")) service.group = value;
  }
  return service;
}

class ThisHostsProcesses final : public Processes {
 public:
  Result<std::vector<ProcessInfo>> read_all() const override {
    SQUALL_TRY(const auto pids, procfs::read_pids(kProc));
    std::vector<ProcessInfo> all;
    for (const auto pid : pids)
      if (auto process = procfs::read_process(kProc, pid)) all.push_back(std::move(*process));
    return all;
  }

  Result<ProcessInfo> read(const ProcessId& id) const override {
    SQUALL_TRY(auto process, procfs::read_process(kProc, id.pid));
    if (process.id != id) return is_somebody_else(id);
    return process;
  }

  Result<ProcessInfo> read_pid(pid_t pid) const override {
    return procfs::read_process(kProc, pid);
  }

  Result<std::string> read_directory(const ProcessId& id) const override {
    const auto link = kProc + "/" + std::to_string(id.pid) + "/cwd";
    std::array<char, 4096> target{};
    const auto length = ::readlink(link.c_str(), target.data(), target.size());
    if (length < 0) return sys_error("read '" + link + "'");
    return std::string(target.data(), static_cast<std::size_t>(length));
  }

  Result<std::uint64_t> read_netns(const std::string& name_or_pid) const override {
    const auto path = netns_path(name_or_pid);
    struct stat found{};
    if (::stat(path.c_str(), &found) == 0) return static_cast<std::uint64_t>(found.st_ino);
    return no_such_netns(name_or_pid, sys_error("look at '" + path + "'"));
  }

  Result<std::vector<ProcessId>> find_marked(const std::string& mark) const override {
    SQUALL_TRY(const auto pids, procfs::read_pids(kProc));
    const std::string zero(1, '\0');
    std::vector<ProcessId> found;
    for (const auto pid : pids) {
      // Whose environment we may not read, we have not started.
      const auto environment = read_file(kProc + "/" + std::to_string(pid) + "/environ");
      if (!environment || !(zero + *environment).contains(zero + mark + zero)) continue;
      if (const auto stat = read_process_stat(pid)) found.push_back({pid, stat->start});
    }
    return found;
  }

  Result<Service> read_service(const std::string& unit) const override { return ask_systemd(unit); }

  bool wait_until_stopped(const ProcessId& id, Duration limit) const override {
    // Kernel: nothing tells a process that is not the parent that another one stopped.
    const timespec pause{0, 200'000};
    for (const auto until = monotonic_ns() + limit.count();;) {
      const auto stat = read_process_stat(id.pid);
      if (!stat || stat->start != id.start || stat->state == 'T' || stat->ended()) return true;
      if (monotonic_ns() > until) return false;
      ::nanosleep(&pause, nullptr);
    }
  }

  bool wait_until_gone(const ProcessId& id, Duration limit) const override {
    const auto held = hold(id);
    if (!held) return held.error().kind == ErrorKind::gone;
    pollfd gone{held->get(), POLLIN, 0};
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
    return ::poll(&gone, 1, static_cast<int>(time)) > 0;
  }

  Result<> send_signal(const ChangeToken&, const ProcessId& id, Signal signal) override {
    SQUALL_TRY(const Fd held, hold(id));
    if (::syscall(SYS_pidfd_send_signal, held.get(), number_of(signal), nullptr, 0) != 0)
      return sys_error(std::string("send SIG") + ::sigabbrev_np(number_of(signal)) +
                       " to process " + std::to_string(id.pid));
    return {};
  }

  Result<> start(const ChangeToken&, const StartOrder& order) override {
    return start_detached(order);
  }

  Result<> run(const ChangeToken&, const std::vector<std::string>& argv, Duration limit) override {
    return run_to_end(argv, limit);
  }
};

}  // namespace

Intent with_process(const Intent& intent, const ProcessId& id) {
  return intent.with("pid", std::to_string(id.pid)).with("start", std::to_string(id.start));
}

Result<ProcessId> process_of(const UndoRecord& undo) {
  SQUALL_TRY(const auto pid, undo.number("pid"));
  SQUALL_TRY(const auto start, undo.number("start"));
  return ProcessId{static_cast<pid_t>(pid), static_cast<std::uint64_t>(start)};
}

std::string describe(const ProcessInfo& process) {
  return "process " + std::to_string(process.id.pid) + " '" + process.name + "'";
}

std::unique_ptr<Processes> this_hosts_processes() { return std::make_unique<ThisHostsProcesses>(); }

}  // namespace squall
