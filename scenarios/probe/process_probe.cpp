// SPDX-License-Identifier: Apache-2.0
//
// process: how many processes of a name, command line or pid are there, and in which
// state. Reads /proc and touches none of them; a process of its own does, since a command
// line can be as stuck as what it belongs to.

#include "safety/base/file.hpp"
#include "safety/base/proc.hpp"
#include "safety/spare.hpp"
#include "scenarios/probe/expectation.hpp"
#include "scenarios/probe/make.hpp"
#include "scenarios/probe/onlooker.hpp"

#include <algorithm>
#include <cmath>
#include <dirent.h>
#include <unistd.h>

namespace squall {
namespace {

enum class ProcessState { running, sleeping, disk_sleep, stopped, traced, zombie, idle };

struct ProcessExpectation {
  Limit<std::int64_t> running{Op::at_least, 1, 1};
  std::vector<ProcessState> state;
};

struct Params {
  std::string program;
  std::optional<Pattern> command;
  std::optional<std::int64_t> pid;
  ProcessExpectation expect;
};

}  // namespace

template <>
struct Words<ProcessState> {
  static constexpr std::pair<ProcessState, std::string_view> list[] = {
      {ProcessState::running, "running"},
      {ProcessState::sleeping, "sleeping"},
      {ProcessState::disk_sleep, "disk_sleep"},
      {ProcessState::stopped, "stopped"},
      {ProcessState::traced, "traced"},
      {ProcessState::zombie, "zombie"},
      {ProcessState::idle, "idle"}};
};

namespace {

const Table<Params>& table() {
  static const Table<Params> made = [] {
    Table<Params> all(
        {field("program", &Params::program, "name of the program, as in /proc/PID/comm"),
         field("command", &Params::command, "regular expression found in the command line"),
         field("pid", &Params::pid, "process id").range<std::int64_t>(1, 4'194'304)},
        {{"say which process: by program, command or pid",
          [](const Params& p) { return !p.program.empty() || p.command || p.pid; }}});
    all.add(group<Params, ProcessExpectation>(
        "expect", &Params::expect,
        {field("running", &ProcessExpectation::running, "number of such processes"),
         field("state", &ProcessExpectation::state, "states that each of them may be in")}));
    return all;
  }();
  return made;
}

struct Process {
  std::string name;
  ProcessState state = ProcessState::running;
};

ProcessState state_of(char letter) {
  switch (letter) {
    case 'S':
      return ProcessState::sleeping;
    case 'D':
      return ProcessState::disk_sleep;
    case 'T':
      return ProcessState::stopped;
    case 't':
      return ProcessState::traced;
    case 'Z':
    case 'X':
      return ProcessState::zombie;
    case 'I':
      return ProcessState::idle;
    default:
      return ProcessState::running;
  }
}

// Nothing when it ended meanwhile. "123 (a) b) S 1 …": a name may hold parentheses.
std::optional<Process> read_process(const std::string& folder) {
  const auto stat = read_file(folder + "/stat", 4096);
  if (!stat) return std::nullopt;
  const auto open = stat->find('(');
  const auto close = stat->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 2 >= stat->size())
    return std::nullopt;
  return Process{stat->substr(open + 1, close - open - 1), state_of((*stat)[close + 2])};
}

bool is_named(const Process& process, const std::string& name) {
  constexpr std::size_t kKernelKeeps = 15;
  return process.name == name.substr(0, kKernelKeeps);
}

bool has_command(const std::string& folder, const Pattern& command) {
  auto line = read_file(folder + "/cmdline", kTextKept);
  if (!line) return false;
  while (line->ends_with('\0')) line->pop_back();
  std::replace(line->begin(), line->end(), '\0', ' ');
  PatternSearch search;
  while (!search.step(command, *line)) {
  }
  return static_cast<bool>(search.found());
}

// Kernel: reading cmdline waits for the memory of a process that is stuck in its own
// page faults, so it is read only where a command line was asked for.
void consider(const Params& params, const std::string& pid, std::vector<Process>& found) {
  const auto folder = "/proc/" + pid;
  auto process = read_process(folder);
  if (!process || process->name == Onlooker::kName) return;
  if (!params.program.empty() && !is_named(*process, params.program)) return;
  if (params.command && !has_command(folder, *params.command)) return;
  found.push_back(std::move(*process));
}

Result<std::vector<Process>> find_processes(const Params& params) {
  std::vector<Process> found;
  if (params.pid) {
    consider(params, std::to_string(*params.pid), found);
    return found;
  }
  const Handle<DIR, ::closedir> proc(::opendir("/proc"));
  if (!proc) return sys_error("read '/proc'");
  // The run's command line, and that of whoever started it (sudo, timeout), names the scenario.
  const auto callers = params.command ? find_ancestors() : std::vector{::getppid()};
  while (const auto* entry = ::readdir(proc.get())) {
    pid_t pid = 0;
    if (parse_number(entry->d_name, pid) && std::ranges::find(callers, pid) == callers.end())
      consider(params, entry->d_name, found);
  }
  return found;
}

ProbeAnswer look(const Params& params) {
  ProbeAnswer answer;
  const auto found = find_processes(params);
  if (!found) {
    answer.said = answer.why = found.error().sentence();
    return answer;
  }
  std::int64_t running = 0;
  for (const auto& each : *found) {
    if (each.state != ProcessState::zombie) ++running;
    const auto& allowed = params.expect.state;
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), each.state) == allowed.end())
      answer.why = "'" + each.name + "' is " + std::string(word(each.state)) + ", not " +
                   Value<std::vector<ProcessState>>::print(allowed);
  }
  answer.value = static_cast<double>(running);
  answer.said = std::to_string(running) + " running";
  if (found->size() == 1) answer.said = std::string(word(found->front().state));
  if (auto breach = breach_of("the number of processes", params.expect.running, running,
                              std::to_string(running));
      !breach.empty())
    answer.why = std::move(breach);
  answer.held = answer.why.empty();
  return answer;
}

// As it comes from the process that looks: "1<value>\0<said>\0<why>". No name holds a zero.
std::string packed(const ProbeAnswer& answer) {
  std::string made(answer.held ? "1" : "0");
  if (answer.value) made += std::to_string(std::llround(*answer.value));
  return made.append(1, '\0').append(answer.said).append(1, '\0').append(answer.why);
}

ProbeAnswer unpacked(const Sight& sight) {
  ProbeAnswer answer;
  answer.latency = sight.took;
  answer.timed = sight.error.empty() || sight.timed_out;
  answer.said = answer.why = sight.error;
  const std::string_view text = sight.text;
  const auto value = text.find('\0');
  const auto said = text.find('\0', value + 1);
  if (!sight.error.empty() || said == std::string_view::npos) return answer;
  std::int64_t number = 0;
  if (parse_number(text.substr(1, value - 1), number)) answer.value = static_cast<double>(number);
  answer.held = text[0] == '1';
  answer.said = text.substr(value + 1, said - value - 1);
  answer.why = text.substr(said + 1);
  return answer;
}

class ProcessProbe final : public Probe {
 public:
  explicit ProcessProbe(Params params)
      : onlooker_([params = std::move(params)] { return packed(look(params)); }) {}
  Watch ask(Loop& loop, Duration timeout, Done done) override {
    return onlooker_.ask(loop, timeout,
                         [done = std::move(done)](const Sight& sight) { done(unpacked(sight)); });
  }

 private:
  Onlooker onlooker_;
};

}  // namespace

const ProbeKind& process_probe_kind() {
  static const ProbeKind kind{
      "process", "count processes and see their state", table().sheet(),
      "[[probe]]\nname = \"gateway is running\"\nkind = \"process\"\nprogram = \"order-gateway\"\n"
      "expect = { running = 1, state = [\"running\", \"sleeping\"] }\n",
      probe_maker<ProcessProbe>("process", table())};
  return kind;
}

}  // namespace squall
