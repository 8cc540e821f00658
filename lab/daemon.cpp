// SPDX-License-Identifier: Apache-2.0

#include "lab/daemon.hpp"

#include "safety/base/file.hpp"
#include "safety/base/process_stat.hpp"

#include "lab/network.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace squall::lab {
namespace {

constexpr int kReadyFd = 3;

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return sys_error("make a pipe");
  return Pipe{Fd{ends[0]}, Fd{ends[1]}};
}

// What the new process executes, made before the fork: after it nothing is allocated.
struct Start {
  const char* file;
  char* const* arguments;
  char* const* environment;
  int network, log, nothing, ready, report, go, go_write;
};

void tell(int report, int number) {
  if (::write(report, &number, sizeof number) != sizeof number) _exit(127);
}

[[noreturn]] void become_service(const Start& start) {
  char word = 0;
  if (::read(start.go, &word, 1) != 1) _exit(0);  // whoever started it is gone
  ::dup2(start.nothing, 0);
  ::dup2(start.log, 1);
  ::dup2(start.log, 2);
  ::dup2(start.ready, kReadyFd);
  ::syscall(SYS_close_range, kReadyFd + 1, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
  if (::chdir("/") == 0) ::execve(start.file, start.arguments, start.environment);
  tell(start.report, -errno);
  _exit(127);
}

// Twice forked, so that init inherits it whoever started it. Reports the pid, or a
// negative errno.
[[noreturn]] void start_detached(const Start& start) {
  ::close(start.go_write);
  ::setsid();
  if (::setns(start.network, CLONE_NEWNET) != 0) {
    tell(start.report, -errno);
    _exit(1);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const pid_t child = ::fork();
  if (child == 0) become_service(start);
  tell(start.report, child > 0 ? child : -errno);
  _exit(0);
}

// Copies above the numbers that the new process gives to its own descriptors.
Result<Fd> lifted(const Fd& fd) {
  Fd copy{::fcntl(fd.get(), F_DUPFD_CLOEXEC, kReadyFd + 1)};
  if (!copy) return sys_error("copy a descriptor");
  return copy;
}

Result<Fd> open_lifted(const std::string& path, int flags) {
  const Fd file{::open(path.c_str(), flags | O_CLOEXEC, 0644)};
  if (!file) return sys_error("open '" + path + "'");
  return lifted(file);
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (auto& each : words) all.push_back(each.data());
  all.push_back(nullptr);
  return all;
}

// The next number of the report; 0 at its end.
int hear(const Fd& report) {
  int number = 0;
  return ::read(report.get(), &number, sizeof number) == sizeof number ? number : 0;
}

unsigned long long born_at(pid_t pid) {
  const auto stat = read_process_stat(pid);
  return stat ? stat->start : 0;
}

template <class Visit>
void each_process(Visit visit) {
  const Handle<DIR, ::closedir> folder{::opendir("/proc")};
  if (!folder) return;
  while (const auto* entry = ::readdir(folder.get()))
    if (const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10)); pid > 1)
      visit(pid);
}

std::string last_line(const std::string& path) {
  const auto read = read_file(path);
  auto text = read ? *read : "";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

Error not_ready(const ServicePlan& plan, const std::string& how) {
  const auto said = last_line(plan.service.log);
  return {ErrorKind::system,
          "the " + plan.service.name + " " + how,
          said.empty() ? "" : "its last words: " + said,
          {},
          0};
}

Result<> signal_and_wait(std::vector<Fd>& pidfds, int signal, Duration limit) {
  for (const auto& each : pidfds) {
    ::syscall(SYS_pidfd_send_signal, each.get(), signal, nullptr, 0);
    ::syscall(SYS_pidfd_send_signal, each.get(), SIGCONT, nullptr, 0);  // it may be paused
  }
  const auto end = monotonic_ns() + limit.count();
  while (!pidfds.empty()) {
    pollfd wait{pidfds.back().get(), POLLIN, 0};
    const auto left = (end - monotonic_ns()) / 1'000'000;
    if (left <= 0) return Error{ErrorKind::system, "a service of the lab does not end", "", {}, 0};
    if (::poll(&wait, 1, static_cast<int>(left)) > 0) pidfds.pop_back();
  }
  return {};
}

// Other mounts mean another /run and so other labs (in a container, or of a test).
bool shares_our_mounts(pid_t pid) {
  struct stat ours{}, theirs{};
  return ::stat("/proc/self/ns/mnt", &ours) == 0 &&
         ::stat(("/proc/" + std::to_string(pid) + "/ns/mnt").c_str(), &theirs) == 0 &&
         ours.st_ino == theirs.st_ino;
}

}  // namespace

Result<Starting> prepare_daemon(const ServicePlan& plan, const std::string& file,
                                const std::string& mark) {
  SQUALL_TRY(const Fd network, open_network(plan.service.network));
  SQUALL_TRY(Pipe report, make_pipe());
  SQUALL_TRY(Pipe ready, make_pipe());
  SQUALL_TRY(Pipe go, make_pipe());
  SQUALL_TRY(const Fd log, open_lifted(plan.service.log, O_WRONLY | O_CREAT | O_TRUNC));
  SQUALL_TRY(const Fd nothing, open_lifted("/dev/null", O_RDWR));
  SQUALL_TRY(const Fd ready_end, lifted(ready.write));

  std::vector<std::string> words{file};
  words.insert(words.end(), plan.arguments.begin(), plan.arguments.end());
  words.insert(words.end(), {"--ready-fd", std::to_string(kReadyFd)});
  std::vector<std::string> settings{"PATH=/usr/bin:/bin", "SQUALL_LAB=" + mark};
  const auto arguments = pointers(words), environment = pointers(settings);

  const pid_t child = ::fork();
  if (child < 0) return sys_error("start '" + file + "'");
  if (child == 0)
    start_detached({file.c_str(), arguments.data(), environment.data(), network.get(), log.get(),
                    nothing.get(), ready_end.get(), report.write.get(), go.read.get(),
                    go.write.get()});
  report.write.reset();
  ::waitpid(child, nullptr, 0);
  const int pid = hear(report.read);
  if (pid <= 0) return sys_error("start '" + file + "'", -pid);
  return Starting{
      {pid, born_at(pid)}, std::move(go.write), std::move(report.read), std::move(ready.read)};
}

Result<> let_go(Starting& starting, const std::string& file) {
  if (::write(starting.go.get(), "g", 1) != 1) return sys_error("start '" + file + "'");
  starting.go.reset();
  if (const int problem = hear(starting.report); problem != 0)
    return sys_error("start '" + file + "'", -problem);
  return {};
}

Result<> wait_until_ready(std::vector<Starting>& starting, const std::vector<ServicePlan>& plans,
                          Duration limit) {
  const auto end = monotonic_ns() + limit.count();
  for (std::size_t i = 0; i < starting.size(); ++i) {
    pollfd wait{starting[i].ready.get(), POLLIN, 0};
    const auto left = (end - monotonic_ns()) / 1'000'000;
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) <= 0)
      return not_ready(plans[i], "does not answer within " + to_text(limit));
    std::array<char, 8> line{};
    if (::read(starting[i].ready.get(), line.data(), line.size()) <= 0)
      return not_ready(plans[i], "ended at once");
  }
  return {};
}

bool is_alive(const Daemon& daemon) {
  if (daemon.pid <= 0) return false;
  const auto stat = read_process_stat(daemon.pid);
  return stat && stat->start == daemon.born && !stat->ended();
}

Result<> end_daemons(const std::vector<Daemon>& daemons) {
  std::vector<Fd> pidfds;
  for (const auto& each : daemons) {
    // The descriptor first, then the check: from then on it cannot be another process.
    Fd held{static_cast<int>(::syscall(SYS_pidfd_open, each.pid, 0))};
    if (held && is_alive(each)) pidfds.push_back(std::move(held));
  }
  if (auto ended = signal_and_wait(pidfds, SIGTERM, 2s)) return {};
  return signal_and_wait(pidfds, SIGKILL, 2s);
}

std::vector<Daemon> find_marked(const std::string& mark) {
  std::vector<Daemon> found;
  const std::string wanted = "SQUALL_LAB=" + mark + std::string(1, '\0');
  each_process([&](pid_t pid) {
    const auto environment = read_file("/proc/" + std::to_string(pid) + "/environ");
    if (!environment || !shares_our_mounts(pid)) return;
    const auto text = std::string(1, '\0') + *environment;
    if (text.find(std::string(1, '\0') + wanted) != std::string::npos)
      found.push_back({pid, born_at(pid)});
  });
  return found;
}

Daemon find_service(const std::string& program, std::uint64_t network_inode) {
  Daemon found;
  each_process([&](pid_t pid) {
    const auto folder = "/proc/" + std::to_string(pid);
    std::array<char, 4096> target{};
    const auto size = ::readlink((folder + "/exe").c_str(), target.data(), target.size());
    const std::string file(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    struct stat network{};
    if (!file.ends_with("/" + program) || ::stat((folder + "/ns/net").c_str(), &network) != 0 ||
        network.st_ino != network_inode)
      return;
    const auto stat = read_process_stat(pid);
    if (stat && !stat->ended()) found = {pid, stat->start};
  });
  return found;
}

}  // namespace squall::lab
