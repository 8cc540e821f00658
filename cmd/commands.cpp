// SPDX-License-Identifier: Apache-2.0

#include "cmd/command.hpp"
#include "safety/spare.hpp"

#include <algorithm>

namespace squall {

// NOLINTNEXTLINE(readability-function-size): a table
const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"doctor", "Start here", "what works on this host, and what is missing for the rest",
       "Looks at the kernel, the privileges and the processes of this host and says which faults "
       "can "
       "work here. For each that cannot it says what is missing and how to get it. Also shows owed "
       "repairs, an active run, and what would mislead a run: time daemons, kernel-bypass stacks. "
       "Reads only.\n\nExits with 0 when at least one fault can work, else with 3.",
       doctor_command},
      {"lab", "Start here", "a playground: network namespaces with small services to hurt",
       "'lab up' makes network namespaces joined by veth pairs, with an order gateway, its client "
       "and a price service in them. 'lab status' shows the map. 'lab down' removes all of it.",
       lab_command},
      {"list", "Write a scenario", "the faults, probes, guards and installed scenarios", "",
       list_command},
      {"explain", "Write a scenario", "the reference of one fault, probe or guard",
       "Prints what the kind does, what it needs, each of its parameters with its default and "
       "range, "
       "and an example.",
       explain_command},
      {"schema", "Write a scenario", "JSON schema of scenario files, for editors",
       "Editors that know JSON schema (Taplo, Even Better TOML) complete and check scenario files "
       "with it.",
       schema_command},
      {"check", "Write a scenario", "read scenarios and report every mistake in them",
       "Needs no privileges and looks at nothing but the files. Each mistake is one line: "
       "file:line:column: error: what is wrong. Exits with 2 when there is one.",
       check_command},
      {"plan", "Run", "each change a scenario would make, and how each is undone",
       "Reads the host and writes nothing. What cannot work here is refused with the same words as "
       "'squall run' would use.",
       plan_command},
      {"run", "Run", "run a scenario: disturb, watch, judge, put everything back",
       "SCENARIO is a file, or the name of an installed scenario ('squall list scenarios').\n\n"
       "On a terminal the plan is shown and must be confirmed; --yes skips the question. When "
       "standard input is not a terminal (CI, cron, a pipe) nobody could answer, so the run begins "
       "at once: a pipeline that calls 'squall run' has already decided.\n\nWith --json each event "
       "is a line of JSON on standard output, as it happens, and the last line is the result.",
       run_command},
      {"inject", "Run", "one fault from the command line, under the same safety",
       "Makes a scenario of one fault in memory and runs it like 'squall run': journal, watchdog, "
       "deadline, effect check and comparison included. The options of a fault are the last parts "
       "of its parameters' names ('squall inject KIND --help').",
       inject_command},
      {"status", "Run", "what is active on this host, since when and how long still", "",
       status_command},
      {"abort", "Run", "stop the active run and put everything back",
       "Returns when the run has rolled back. Succeeds when no run is active and nothing is owed.",
       abort_command},
      {"recover", "Afterwards", "settle what any earlier run still owes, also after a crash",
       "Reads the journals of earlier runs and undoes what they still owe; then looks for anything "
       "else on the host that carries squall's mark, and removes it. May be repeated at any time. "
       "Installed as a boot unit (squall-recover.service). Exits with 5 when something could not "
       "be "
       "undone, and says how to do it by hand.",
       recover_command},
      {"history", "Afterwards", "earlier runs, newest first", "", history_command},
      {"report", "Afterwards", "one earlier run: verdict, effects, probes, proof of rollback",
       "RUN is the id of a run or the beginning of one ('squall history'); without it, the newest.",
       report_command},
      {"generate", "", "man page and shell completion, for packaging", "", generate_command},
  };
  return all;
}

const Command* find_command(std::string_view name) {
  const auto& all = commands();
  const auto found = std::ranges::find(all, name, &Command::name);
  return found == all.end() ? nullptr : &*found;
}

ExitCode finish(Print& print, const Result<ExitCode>& result) {
  if (result) return *result;
  print.error(result.error());
  return exit_code(result.error().kind);
}

Option json_switch(bool* into) { return {"--json", "", "print JSON instead of text", into}; }

Option scenario_argument(std::string* into) {
  return {"SCENARIO", "",  "scenario file, or name of an installed one", into, Offer::scenario,
          {},         true};
}

Option set_option(std::vector<std::string>* into) {
  return {"--set", "NAME=VALUE", "value of a parameter of the scenario", into};
}

Option seed_option(std::string* into) {
  return {"--seed", "N", "seed of every random decision; the same seed decides the same", into};
}

Option without_option(std::vector<std::string>* into) {
  Option made{"--without", "NET", "safety net to give up, which is logged", into, Offer::words};
  for (const auto& [net, name] : Words<SafetyNet>::list) made.words.emplace_back(name);
  return made;
}

}  // namespace squall
