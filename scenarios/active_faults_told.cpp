// SPDX-License-Identifier: Apache-2.0
//
// What looks and tells: the host before and after, and what became of each fault.

#include "safety/base/file.hpp"
#include "scenarios/active_fault.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

namespace squall {
namespace {

// The name of a program or a worker of ours, see program_name() and worker_name(); not that of
// an interface or a namespace that somebody called after us.
bool carries_our_mark(const std::string& fact) {
  constexpr std::string_view kPrefix = "squall";
  constexpr std::size_t kNumbers = 8;
  for (auto at = fact.find(kPrefix); at != std::string::npos; at = fact.find(kPrefix, at + 1)) {
    const auto rest = std::string_view(fact).substr(at + kPrefix.size());
    if (rest.size() <= kNumbers || (rest[0] != '_' && rest[0] != '-')) continue;
    if (std::ranges::all_of(rest.substr(1, kNumbers),
                            [](unsigned char each) { return std::isalnum(each) != 0; }))
      return true;
  }
  return false;
}

// Of everything that is still owed; of all its records where they were undone, and all the same
// something is there.
std::string by_hand_of(const std::vector<Owed>& owed) {
  std::string text;
  std::set<std::string> told;
  for (const auto& each : owed)
    if (const auto& line = each.intent.by_hand; !line.empty() && told.insert(line).second)
      text += (text.empty() ? "" : "; ") + line;
  return text;
}

}  // namespace

std::string settings_text(const Settings& settings) {
  std::string text;
  for (const auto& each : settings)
    text += (text.empty() ? "" : " ") + each.name + "=" + describe(each.raw);
  return text;
}

Result<> ActiveFaults::look_before() {
  for (auto& one : faults_) {
    // What cannot be read now could not be checked afterwards either.
    SQUALL_CHECK(one->fault().verify(one->params, machine_, one->planned.plan.run));
    SQUALL_TRY(one->before, one->fault().survey(one->params, machine_));
    SQUALL_CHECK(refuse_leftovers(*one));
  }
  return {};
}

Result<> ActiveFaults::refuse_leftovers(const One& one) const {
  const auto marked = std::ranges::find_if(one.before, carries_our_mark);
  if (marked == one.before.end()) return {};
  // A worker that a run with another SQUALL_RUN_DIR holds at this moment is no stray.
  const auto strays = one.fault().strays(machine_);
  if (strays.found.empty() && strays.unseen.empty()) return {};
  return Error{ErrorKind::refused,
               "fault '" + one.name() + "': an earlier run left something here: " + *marked,
               "remove it with 'squall recover'",
               {},
               0};
}

void ActiveFaults::compare(RunResult& result) const {
  for (const auto& one : faults_) {
    if (one->state == State::waiting) continue;
    progress_();
    for (const auto& left : one->left)
      result.residue.push_back({what_is_left(left), left.owed.intent.by_hand});
    const auto by_hand = by_hand_of(one->still_owed());
    const auto seen = one->fault().verify(one->params, machine_, one->planned.plan.run);
    // A target that is gone took what we put on it along.
    const bool gone = !seen && seen.error().kind == ErrorKind::gone;
    const bool left = seen ? *seen != Reading::absent : !gone;
    if (left && is_undone(one->fault()))
      result.residue.push_back({"fault '" + one->name() + "' " +
                                    (seen ? "still reads '" + std::string(word(seen->reading)) + "'"
                                          : "cannot be checked: " + seen.error().sentence()),
                                by_hand});
    compare_facts(*one, by_hand, result);
  }
}

void ActiveFaults::compare_facts(const One& one, const std::string& by_hand,
                                 RunResult& result) const {
  const auto after = one.fault().survey(one.params, machine_);
  if (!after) {
    if (after.error().kind != ErrorKind::gone)
      result.residue.push_back(
          {"fault '" + one.name() + "' cannot be compared: " + after.error().sentence(), by_hand});
    return;
  }
  result.compared += one.before.size() + 1;
  for (const auto& fact : *after)
    if (std::ranges::find(one.before, fact) == one.before.end()) {
      if (carries_our_mark(fact))
        result.residue.push_back({fact, by_hand});
      else
        result.foreign.push_back("new: " + fact);
    }
  for (const auto& fact : one.before)
    if (std::ranges::find(*after, fact) == after->end()) result.foreign.push_back("gone: " + fact);
}

void ActiveFaults::report(RunResult& result, std::int64_t run_started_ns) const {
  for (const auto& one : faults_) {
    FaultReport report;
    report.name = one->name();
    report.kind = one->fault().sheet().name;
    report.slot = one->checked().slot;
    report.injected = one->injected;
    if (one->started_ns) report.started_ns = one->started_ns - run_started_ns;
    report.active_ns = one->ended_ns - one->started_ns;
    report.requested = settings_text(one->fault().print(one->checked().params));
    report.effect = one->effect;
    report.error = one->error;
    if (report.error.empty() && !one->left.empty())
      report.error = "not undone: " + what_is_left(one->left.front());
    result.faults.push_back(std::move(report));
  }
  result.changes = changes();
}

void ActiveFaults::tell(RunStatus& status) const {
  static constexpr const char* kStates[] = {"waiting", "active", "ended", "failed", "not undone"};
  for (const auto& one : faults_) {
    const auto& fault = one->checked();
    status.faults.push_back({fault.entry.name, fault.entry.kind,
                             kStates[static_cast<int>(one->state)],
                             one->started_ns ? monotonic_ns() - one->started_ns : 0,
                             std::max<std::int64_t>(0, fault.end.count() - status.elapsed_ns)});
  }
}

}  // namespace squall
