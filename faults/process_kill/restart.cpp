// SPDX-License-Identifier: Apache-2.0

#include "faults/process_kill/restart.hpp"

#include "faults/kit/process.hpp"

#include <algorithm>

namespace squall {
namespace {

constexpr Duration kSystemdLimit = 1s;  // for taking the order, not for the unit's start

std::string shell_quoted(const std::string& word) {
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("_-./:=@%+,").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, plain)) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string command_line(const std::vector<std::string>& argv) {
  std::string text;
  for (const auto& each : argv) text += (text.empty() ? "" : " ") + shell_quoted(each);
  return text;
}

std::string key_of_word(std::size_t at) { return "restart." + std::to_string(at); }
std::string key_of_other(std::size_t at) { return "other." + std::to_string(at); }

ProcessTarget recorded_target(const UndoRecord& undo) {
  const auto text = [&](const char* key) {
    const auto* found = undo.find(key);
    return found ? *found : std::string();
  };
  ProcessTarget target;
  target.name = text("name");
  target.command = text("command");
  target.cgroup = text("cgroup");
  target.unit = text("unit");
  target.netns = text("namespace");
  return target;
}

}  // namespace

Intent restart_intent(const Restart& restart, const ProcessTarget& target,
                      const ProcessInfo& killed, const std::vector<ProcessInfo>& spared,
                      const Machine& host) {
  const auto how =
      restart.unit.empty() ? "'" + command_line(restart.argv) + "'" : "unit '" + restart.unit + "'";
  Intent intent{"at the end start " + how + ", unless " + describe(target) + " runs again by then",
                {"process_kill", {{"restart", restart.unit.empty() ? "command" : "unit"}}},
                "start " + how,
                restart.unit.empty() ? command_line(restart.argv)
                                     : "systemctl start " + shell_quoted(restart.unit)};
  const auto keep = [&](const char* key, const std::string& value) {
    if (!value.empty()) intent = intent.with(key, value);
  };
  keep("restart.unit", restart.unit);
  for (std::size_t at = 0; at < restart.argv.size(); ++at)
    intent = intent.with(key_of_word(at), restart.argv[at]);
  keep("name", target.name);
  keep("command", target.pid ? killed.command : target.command);
  keep("cgroup", target.cgroup);
  keep("unit", target.unit);
  keep("namespace", target.netns);
  if (const auto directory = host.processes().read_directory(killed.id))
    keep("directory", *directory);
  for (std::size_t at = 0; at < spared.size(); ++at)
    intent = intent.with(key_of_other(at), to_text(spared[at].id));
  return intent;
}

bool is_restart(const UndoRecord& undo) { return undo.find("restart") != nullptr; }

Result<> restart_unless_running(const UndoRecord& undo, Machine& machine,
                                const ChangeToken& token) {
  const auto target = recorded_target(undo);
  std::vector<std::string> others;
  for (std::size_t at = 0; const auto* other = undo.find(key_of_other(at)); ++at)
    others.push_back(*other);
  SQUALL_TRY(const bool running, is_running(target, machine, planned_processes(others)));
  if (running) return {};
  if (const auto* unit = undo.find("restart.unit"))
    return machine.processes().run(token, {"systemctl", "--no-block", "start", *unit},
                                   kSystemdLimit);
  StartOrder order;
  for (std::size_t at = 0; const auto* word = undo.find(key_of_word(at)); ++at)
    order.argv.push_back(*word);
  if (const auto* directory = undo.find("directory")) order.directory = *directory;
  order.netns = target.netns;
  return machine.processes().start(token, order);
}

}  // namespace squall
