// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/worker.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>

namespace squall {
namespace {

// "1234@567890,1235@567890"
Result<std::vector<ProcessId>> listed_workers(const std::string& text) {
  std::vector<ProcessId> ids;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    ProcessId id;
    const auto pid = std::from_chars(at, end, id.pid);
    if (pid.ec != std::errc{} || pid.ptr == end || *pid.ptr != '@') break;
    const auto start = std::from_chars(pid.ptr + 1, end, id.start);
    if (start.ec != std::errc{}) break;
    ids.push_back(id);
    if (start.ptr == end) return ids;
    if (*start.ptr != ',') break;
    at = start.ptr + 1;
  }
  return Error{ErrorKind::invalid, "a record's workers '" + text + "' are damaged", {}, {}, 0};
}

}  // namespace

Intent with_workers(const Intent& intent, const std::vector<ProcessId>& ids) {
  std::string text;
  for (const auto& each : ids)
    text += (text.empty() ? "" : ",") + std::to_string(each.pid) + "@" + std::to_string(each.start);
  return intent.with("workers", text);
}

std::string worker_name(const std::string& mark, unsigned slot) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "squall-%.6s%02x", mark.c_str(), slot & 0xffu);
  return text.data();
}

bool is_worker_name(const std::string& comm) {
  return comm.size() == 15 && comm.starts_with("squall-") &&
         std::ranges::all_of(comm.substr(7), [](unsigned char c) { return std::isxdigit(c) != 0; });
}

Result<> delete_recorded_worker(const UndoRecord& undo, Workers& workers,
                                const ChangeToken& token) {
  SQUALL_TRY(const auto name, undo.text("worker"));
  if (const auto* listed = undo.find("workers")) {
    SQUALL_TRY(const auto ids, listed_workers(*listed));
    return workers.delete_if_ours(token, ids, name);
  }
  if (undo.find("pid")) {
    SQUALL_TRY(const auto id, process_of(undo));
    return workers.delete_if_ours(token, {id}, name);
  }
  SQUALL_TRY(const auto all, workers.find_all());
  std::vector<ProcessId> named;
  for (const auto& each : all)
    if (each.name == name) named.push_back(each.id);
  return workers.delete_if_ours(token, named, name);
}

Strays find_stray_workers(const std::string& fault, const Machine& host) {
  Strays strays;
  const auto all = host.workers().find_all();
  if (!strays.saw(all)) return strays;
  for (const auto& each : *all) {
    const auto maker = host.processes().read_pid(each.parent);
    if (maker && maker->program == each.program) continue;
    strays.found.push_back(with_process({"worker " + describe(each),
                                         {fault, {{"worker", each.name}}},
                                         "end it",
                                         "kill -KILL " + std::to_string(each.id.pid)},
                                        each.id));
  }
  return strays;
}

Result<std::vector<std::string>> survey_workers(const Workers& workers) {
  SQUALL_TRY(const auto all, workers.find_all());
  std::vector<std::string> facts;
  for (const auto& each : all) facts.push_back(describe(each) + " runs");
  return facts;
}

}  // namespace squall
