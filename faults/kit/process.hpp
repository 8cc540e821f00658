// SPDX-License-Identifier: Apache-2.0
//
// Processes: reading them, signalling them by identity, starting a command. A process
// is known by pid and start time together; a pid alone may be somebody else by now.

#pragma once

#include "faults/kit/network.hpp"
#include "safety/base/schema.hpp"
#include "safety/base/units.hpp"
#include "safety/undo/change.hpp"

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace squall {

// `stop` and `cont` are no words of users: a stop that nobody takes back would stay.
enum class Signal { stop, cont, kill, term, int_, hup, quit, abrt, usr1, usr2, segv };
template <>
struct Words<Signal> {
  static constexpr std::pair<Signal, std::string_view> list[] = {
      {Signal::kill, "kill"}, {Signal::term, "term"}, {Signal::int_, "int"},
      {Signal::hup, "hup"},   {Signal::quit, "quit"}, {Signal::abrt, "abrt"},
      {Signal::usr1, "usr1"}, {Signal::usr2, "usr2"}, {Signal::segv, "segv"}};
};

struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start = 0;  // clock ticks after boot: field 22 of /proc/<pid>/stat
  auto operator<=>(const ProcessId&) const = default;
};

// As values of an undo record, and back.
Intent with_process(const Intent& intent, const ProcessId& id);
Result<ProcessId> process_of(const UndoRecord& undo);

struct ProcessInfo {
  ProcessId id;
  pid_t parent = 0;
  std::string name;     // comm: at most 15 characters
  std::string program;  // base name of the executable; "" when it cannot be read
  std::string command;  // command line, arguments joined by spaces
  char state = '?';     // R S D T t Z X …
  bool kernel_thread = false;
  std::vector<std::pair<std::string, std::string>> cgroups;  // v1 controllers ("" for v2), path
  std::uint64_t netns = 0;                                   // inode of its network namespace

  bool stopped() const { return state == 'T'; }
  bool ended() const { return state == 'Z' || state == 'X'; }
};

std::string describe(const ProcessInfo& process);  // "process 1234 'order_gateway'"

// What a command that outlives us is started with.
struct StartOrder {
  std::vector<std::string> argv{};
  std::string directory{};  // "" for the root
  std::string mark{};       // "NAME=value", first in its environment
  std::string starter{};    // what the process is called until it is the program
  std::optional<network::NamespaceId> netns{};  // none: ours
  std::vector<std::string> groups{};            // directories of control groups it is put into
};

// What systemd says of a service.
struct Service {
  pid_t main = 0;     // 0: it knows of none
  std::string group;  // path of its control group; "" when it does not run
};

class Processes {
 public:
  virtual ~Processes() = default;

  // Each one that lives while being read; those that vanish meanwhile are left out.
  virtual Result<std::vector<ProcessInfo>> read_all() const = 0;
  // Error (gone): no such process, or another one has this pid now.
  virtual Result<ProcessInfo> read(const ProcessId& id) const = 0;
  virtual Result<ProcessInfo> read_pid(pid_t pid) const = 0;
  virtual Result<std::string> read_directory(const ProcessId& id) const = 0;
  // Inode of a network namespace, by name in /run/netns or by pid.
  virtual Result<std::uint64_t> read_netns(const std::string& name_or_pid) const = 0;
  // Those that have `mark` in their environment: what was started with it, and its children.
  virtual Result<std::vector<ProcessId>> find_marked(const std::string& mark) const = 0;
  // Error (unsupported): no systemd runs here.
  virtual Result<Service> read_service(const std::string& unit) const = 0;
  // Waits until it has stopped or ended, at most `limit`; false when it has not.
  virtual bool wait_until_stopped(const ProcessId& id, Duration limit) const = 0;
  virtual bool wait_until_gone(const ProcessId& id, Duration limit) const = 0;

  // Checked against the identity after the process is held, so never a stranger.
  virtual Result<> send_signal(const ChangeToken&, const ProcessId& id, Signal signal) = 0;
  // Starts a command that is nobody's child afterwards, in a session of its own. Its groups are
  // a matter of good will: one that is gone or barred is left out.
  virtual Result<> start(const ChangeToken&, const StartOrder& order) = 0;
  // Runs a command to its end, at most `limit`; a failing one is an error.
  virtual Result<> run(const ChangeToken&, const std::vector<std::string>& argv,
                       Duration limit) = 0;
};

std::unique_ptr<Processes> this_hosts_processes();

}  // namespace squall
