// SPDX-License-Identifier: Apache-2.0
//
// Drives one fault on this host for a test: injects, then obeys lines on stdin, each
// answered by one line of JSON, and reverts at the end.
//
//   drive_fault KIND name=value… [seed=N] [slot=N] [mark=HEX] [without=ssh,neighbours]
//     verify | measure | ease_off | records | survey | adjust name=value… | revert | quit (revert
//     nothing)
//   drive_fault --plan KIND name=value…      the plan as JSON
//   drive_fault --revert                     records on stdin are reverted
//   drive_fault --strays KIND [NAMESPACE] [--remove]   what carries our mark there

#include "faults/machine.hpp"
#include "faults/registry.hpp"
#include "safety/undo/rollback.hpp"
#include "tests/support/memory_journal.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

int say(const Json& json) {
  std::cout << json.dump() << "\n" << std::flush;
  return 0;
}

Json json_of(const Error& error) {
  return {
      {"error", error.sentence()}, {"hint", error.hint}, {"kind", static_cast<int>(error.kind)}};
}

Json json_of(const UndoRecord& record) {
  Json values = Json::object();
  for (const auto& [name, value] : record.values) values[name] = value;
  return {{"fault", record.fault}, {"values", values}};
}

Json json_of(const Intent& intent) {
  return {{"sentence", intent.sentence},
          {"undo", intent.undo_sentence},
          {"by_hand", intent.by_hand},
          {"record", json_of(intent.undo)}};
}

Json json_of(const Effect& effect) {
  Json json = {{"verdict", word(effect.verdict)}, {"why", effect.why}};
  for (const auto& each : effect.measures)
    json["measures"][each.what] = {{"requested", each.requested}, {"achieved", each.achieved}};
  for (const auto& [name, count] : effect.counters) json["counters"][name] = count;
  return json;
}

Json json_of(const Plan& plan) {
  Json json = {{"notes", plan.notes}, {"intents", Json::array()}};
  for (const auto& each : plan.intents) json["intents"].push_back(json_of(each));
  return json;
}

UndoRecord record_of(const Json& json) {
  UndoRecord record;
  record.fault = json.at("fault");
  for (const auto& [name, value] : json.at("values").items())
    record.values.emplace_back(name, value.get<std::string>());
  return record;
}

// Splits name=value; the words that are about the run and not the fault go to `run`.
void take(const std::string& word, Settings& settings, RunContext& run) {
  const auto equals = word.find('=');
  const auto name = word.substr(0, equals), value = word.substr(equals + 1);
  if (name == "seed") {
    run.seed = std::stoull(value);
  } else if (name == "slot") {
    run.slot = static_cast<unsigned>(std::stoul(value));
  } else if (name == "mark") {
    run.mark = value;
  } else if (name == "without") {
    run.spare.ssh = value.find("ssh") == std::string::npos;
    run.spare.neighbours = value.find("neighbours") == std::string::npos;
  } else {
    settings.push_back({name, {value, {}, true}, {}});
  }
}

class Drive {
 public:
  Drive(const Fault& fault, Machine& machine) : fault_(fault), machine_(machine) {}

  Boxed parse(const std::vector<std::string>& words) {
    for (const auto& each : words) {
      std::erase_if(settings_, [&](const auto& old) { return each.starts_with(old.name + "="); });
      take(each, settings_, run_);
    }
    Complaints complaints;
    auto params = fault_.parse(settings_, {}, complaints);
    for (const auto& each : complaints) std::cerr << each.text() << "\n";
    return complaints.empty() ? params : nullptr;
  }

  int plan(const std::vector<std::string>& words) {
    params_ = parse(words);
    if (!params_) return 2;
    const auto plan = fault_.plan(params_, machine_, run_);
    return plan ? say(json_of(*plan)) : say(json_of(plan.error()));
  }

  int run(const std::vector<std::string>& words) {
    params_ = parse(words);
    if (!params_) return 2;
    const auto plan = fault_.plan(params_, machine_, run_);
    if (!plan) return say(json_of(plan.error())) + 3;
    run_ = plan->run;
    auto hold = fault_.inject(params_, *plan, machine_, scope_);
    if (!hold) return say(json_of(hold.error())) + 3;
    hold_ = std::move(*hold);
    say({{"ready", true}});
    for (std::string line; std::getline(std::cin, line);) {
      if (line == "quit") return 0;
      say(obey(line));
    }
    return revert()["left"].empty() ? 0 : 5;
  }

 private:
  Json obey(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "verify") {
      const auto seen = fault_.verify(params_, machine_, run_);
      return seen ? Json{{"reading", word(seen->reading)}, {"lost", seen->lost}}
                  : json_of(seen.error());
    }
    if (verb == "measure") {
      const auto effect = fault_.measure(params_, hold_, machine_);
      return effect ? json_of(*effect) : json_of(effect.error());
    }
    if (verb == "ease_off") {
      const auto again = fault_.ease_off(params_, hold_, machine_, scope_);
      return again ? Json{{"again_ns", again->count()}} : json_of(again.error());
    }
    if (verb == "survey") {
      const auto lines = fault_.survey(params_, machine_);
      return lines ? Json(*lines) : json_of(lines.error());
    }
    if (verb == "records") {
      Json all = Json::array();
      for (const auto& each : journal_.owed()) all.push_back(json_of(each.intent.undo));
      return all;
    }
    if (verb == "adjust") return adjust(words);
    if (verb == "revert") return revert();
    return {{"error", "unknown command"}};
  }

  Json adjust(std::istringstream& words) {
    std::vector<std::string> list;
    for (std::string each; words >> each;) list.push_back(each);
    const auto next = parse(list);
    if (!next) return {{"error", "invalid"}};
    const auto done = fault_.adjust(next, hold_, machine_, scope_);
    if (!done) return json_of(done.error());
    params_ = next;
    return {{"adjusted", true}};
  }

  Json revert() {
    const Rollback rollback([&](const UndoRecord& record, const ChangeToken& token) {
      return squall::revert(built_in_faults(), record, machine_, token);
    });
    const auto report = rollback.patiently(journal_, journal_.owed());
    Json json = {{"settled", report.settled}, {"left", Json::array()}};
    for (const auto& each : report.left) json["left"].push_back(each.error.sentence());
    return json;
  }

  const Fault& fault_;
  Machine& machine_;
  Settings settings_;
  RunContext run_{"7e5700", 0, 42, find_spare_list({})};
  testing::WriteGate gate_;
  testing::MemoryJournal journal_{gate_};
  Scope scope_{journal_};
  Boxed params_;
  BoxedHold hold_{nullptr, [](void*) {}};
};

int revert_records(Machine& machine) {
  const Rollback rollback([&](const UndoRecord& record, const ChangeToken& token) {
    return squall::revert(built_in_faults(), record, machine, token);
  });
  const auto records = Json::parse(std::cin);
  Json left = Json::array();
  for (auto each = records.rbegin(); each != records.rend(); ++each)
    if (auto undone = rollback.stray(record_of(*each)); !undone)
      left.push_back(undone.error().sentence());
  return say({{"left", left}});
}

int show_strays(const Fault& fault, Machine& machine, const std::vector<std::string>& words) {
  const bool remove = !words.empty() && words.back() == "--remove";
  const auto strays = fault.strays(machine);
  if (!strays.unseen.empty()) return say({{"unseen", strays.unseen}}) + 1;
  Json all = Json::array();
  const Rollback rollback([&](const UndoRecord& record, const ChangeToken& token) {
    return squall::revert(built_in_faults(), record, machine, token);
  });
  for (const auto& each : strays.found) {
    // A stray in a namespace that was not named is somebody else's.
    if (const auto* where = each.undo.find("namespace"))
      if (words.empty() || *where != words.front()) continue;
    all.push_back(json_of(each));
    if (remove)
      if (auto undone = rollback.stray(each.undo); !undone)
        all.back()["error"] = undone.error().sentence();
  }
  return say(all);
}

int drive(std::vector<std::string> words) {
  const auto machine = this_machine();
  const auto mode = words.front().starts_with("--") ? words.front() : "";
  if (!mode.empty()) words.erase(words.begin());
  if (mode == "--revert") return revert_records(*machine);
  const auto* fault = words.empty() ? nullptr : built_in_faults().find(words.front());
  if (!fault) return 2;
  words.erase(words.begin());
  if (mode == "--strays") return show_strays(*fault, *machine, words);
  Drive driver(*fault, *machine);
  return mode == "--plan" ? driver.plan(words) : driver.run(words);
}

}  // namespace
}  // namespace squall

int main(int count, char** words) {
  if (count < 2) return 2;
  return squall::drive({words + 1, words + count});
}
