// SPDX-License-Identifier: Apache-2.0

#include "faults/process_kill/restart_record.hpp"

#include <algorithm>
#include <limits>

namespace squall {
namespace {

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

void put_list(UndoRecord& undo, const std::string& key, const std::vector<std::string>& list) {
  for (std::size_t at = 0; at < list.size(); ++at)
    undo.values.emplace_back(key + "." + std::to_string(at), list[at]);
}

std::vector<std::string> list_of(const UndoRecord& undo, const std::string& key) {
  std::vector<std::string> list;
  while (const auto* word = undo.find(key + "." + std::to_string(list.size())))
    list.push_back(*word);
  return list;
}

// The values that are one text; empty ones are not written.
template <class Record, class Visit>
void each_text(Record& record, Visit visit) {
  visit("restart.unit", record.unit);
  visit("name", record.target.name);
  visit("command", record.target.command);
  visit("cgroup", record.target.cgroup);
  visit("unit", record.target.unit);
  visit("target.namespace", record.target.netns);
  visit("directory", record.directory);
  visit("mark", record.mark);
  visit("worker", record.starter);
}

// In which namespace a match has to be; 0: in one that is not there. The one that is recorded
// goes before whatever has its name by now.
Result<std::uint64_t> wanted_namespace(const RestartRecord& record, const Machine& host) {
  if (record.netns) {
    const auto held = host.network().hold_namespace(*record.netns);
    if (held) return record.netns->inode;
    if (held.error().kind != ErrorKind::gone) return held.error();
  }
  auto named = host.processes().read_netns(record.target.netns);
  if (!named && named.error().kind == ErrorKind::gone) return std::uint64_t{0};
  return named;
}

}  // namespace

std::string RestartRecord::how() const {
  return unit.empty() ? "'" + command_line(argv) + "'" : "unit '" + unit + "'";
}

std::string RestartRecord::by_hand() const {
  return unit.empty() ? mark + " " + command_line(argv) : "systemctl start " + shell_quoted(unit);
}

UndoRecord to_undo(const RestartRecord& record) {
  UndoRecord undo{"process_kill", {{"restart", record.unit.empty() ? "command" : "unit"}}};
  each_text(record, [&](const char* key, const std::string& value) {
    if (!value.empty()) undo.values.emplace_back(key, value);
  });
  put_list(undo, "restart", record.argv);
  put_list(undo, "group", record.groups);
  std::vector<std::string> others;
  for (const auto& each : record.others) others.push_back(to_text(each));
  put_list(undo, "other", others);
  if (record.netns) {
    undo.values.emplace_back("cookie", std::to_string(record.netns->cookie));
    undo.values.emplace_back("inode", std::to_string(record.netns->inode));
    undo.values.emplace_back("namespace", record.netns->hint);
  }
  return undo;
}

Result<RestartRecord> restart_of(const UndoRecord& undo) {
  RestartRecord record;
  each_text(record, [&](const char* key, std::string& value) {
    if (const auto* found = undo.find(key)) value = *found;
  });
  record.argv = list_of(undo, "restart");
  record.groups = list_of(undo, "group");
  record.others = planned_processes(list_of(undo, "other"));
  record.target.at_most = std::numeric_limits<std::int64_t>::max();
  if (!undo.find("cookie")) return record;
  SQUALL_TRY(const auto cookie, undo.number("cookie"));
  SQUALL_TRY(const auto inode, undo.number("inode"));
  SQUALL_TRY(const auto hint, undo.text("namespace"));
  record.netns = network::NamespaceId{static_cast<std::uint64_t>(cookie),
                                      static_cast<std::uint64_t>(inode), hint};
  return record;
}

Result<std::vector<ProcessInfo>> find_running(const RestartRecord& record, const Machine& host) {
  auto anywhere = record.target;
  anywhere.netns.clear();
  auto found = find_targets(anywhere, host, {});
  if (!found && (found.error().kind == ErrorKind::gone || found.error().kind == ErrorKind::refused))
    return std::vector<ProcessInfo>();
  SQUALL_CHECK(found);
  const bool only_there = !record.target.netns.empty();
  std::uint64_t wanted = 0;
  if (only_there) {
    SQUALL_TRY(wanted, wanted_namespace(record, host));
  }
  std::erase_if(*found, [&](const ProcessInfo& each) {
    return std::ranges::find(record.others, each.id) != record.others.end() ||
           (only_there && (wanted == 0 || each.netns != wanted));
  });
  return found;
}

}  // namespace squall
