// SPDX-License-Identifier: Apache-2.0
//
// A fault that limits a cgroup of the fake machine, from its settings to its end.

#pragma once

#include "faults/registry.hpp"
#include "tests/support/fake_machine.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/undo_all.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace squall::testing {

using Words = std::initializer_list<std::pair<const char*, const char*>>;

class Limiting {
 public:
  explicit Limiting(const char* kind, unsigned slot = 0, std::shared_ptr<FakeMachine> shared = {})
      : fault(*built_in_faults().find(kind)),
        machine(shared ? shared : std::shared_ptr<FakeMachine>(clean_machine())),
        run{"3f2a9c", slot, 7, {}} {}

  Boxed parse(Words words) {
    Settings settings = {{"target.cgroup", {std::string("/trading"), {}, true}, {}}};
    for (const auto& [name, value] : words)
      if (std::string(name) == "target.unit")
        settings[0] = {name, {std::string(value), {}, true}, {}};
      else
        settings.push_back({name, {std::string(value), {}, true}, {}});
    complaints.clear();
    return fault.parse(settings, {}, complaints);
  }
  Result<Plan> plan(Words words) { return fault.plan(params = parse(words), *machine, run); }
  // The sentence of the refusal, or of the first intent.
  std::string said(Words words) {
    const auto made = plan(words);
    return made ? made->intents.front().sentence : made.error().what;
  }
  Result<> begin(Words words) {
    SQUALL_TRY(const auto made, plan(words));
    SQUALL_TRY(hold, fault.inject(params, made, *machine, scope));
    return {};
  }
  Result<> adjust(Words words) {
    return fault.adjust(params = parse(words), hold, *machine, scope);
  }
  Reading reading() { return fault.verify(params, *machine, run)->reading; }
  Effect effect() { return *fault.measure(params, hold, *machine); }
  bool end() {
    const Rollback rollback([&](const UndoRecord& undo, const ChangeToken& token) {
      return revert(built_in_faults(), undo, *machine, token);
    });
    return undo_all(rollback, journal).clean();
  }
  std::string& file(const std::string& name, const std::string& group = "/trading") {
    return machine->cgroups().edit().groups[group][name];
  }

  const Fault& fault;
  std::shared_ptr<FakeMachine> machine;
  RunContext run;
  Complaints complaints;
  MemoryJournal journal{machine->gate()};
  Scope scope{journal};
  Boxed params;
  BoxedHold hold{nullptr, [](void*) {}};
};

}  // namespace squall::testing
