// SPDX-License-Identifier: Apache-2.0
//
// squall(1) in roff. What cannot be generated stands here as text; the commands, their
// options and the exit codes come from where they are declared.

#include "cmd/generate.hpp"
#include "cmd/help.hpp"

#include <cstdio>

namespace squall {
namespace {

// Roff takes a dot or quote at the start of a line as a request, and '-' as a hyphen. What
// is not ASCII is written by its number, so that no reader has to know the encoding.
std::string escaped(std::string_view text) {
  std::string made;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0xC0) {
      const int more = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
      unsigned code = byte & (0x3Fu >> more);
      for (int i = 0; i < more && at + 1 < text.size(); ++i)
        code = code << 6 | (static_cast<unsigned char>(text[++at]) & 0x3Fu);
      char number[16];
      std::snprintf(number, sizeof number, "\\[u%04X]", code);
      made += number;
    } else if (text[at] == '\\') {
      made += "\\e";
    } else if (text[at] == '-') {
      made += "\\-";
    } else {
      if ((text[at] == '.' || text[at] == '\'') && (made.empty() || made.back() == '\n'))
        made += "\\&";
      made += text[at];
    }
  }
  return made;
}

std::string paragraphs(std::string_view text) {
  std::string made;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find("\n\n", at), text.size());
    made += ".PP\n" + escaped(text.substr(at, end - at)) + "\n";
    at = end + 2;
  }
  return made;
}

std::string item(const Option& option) {
  auto text = ".TP\n\\fB" + escaped(option.name) + "\\fR";
  if (!option.value.empty()) text += " \\fI" + escaped(option.value) + "\\fR";
  text += "\n" + escaped(option.help);
  for (bool first = true; const auto& each : option.words)
    text +=
        (std::exchange(first, false) ? (option.help.empty() ? "" : ": ") : ", ") + escaped(each);
  return text + "\n";
}

std::string command_text(const Invocation& each) {
  const auto& command = *each.command;
  if (!each.fault.empty()) {
    auto text = ".SS squall inject " + escaped(each.fault) + "\n";
    // The options that every fault shares stand under `squall inject` already.
    const auto shared = command.make({}).options;
    for (const auto& option : each.options) {
      bool known = option.name == "--help";
      for (const auto& one : shared) known = known || one.name == option.name;
      if (!known) text += item(option);
    }
    return text;
  }
  auto text = ".SS " + escaped(usage_line(command, each.options)) + "\n" +
              escaped(command.summary) + ".\n" + paragraphs(command.details);
  for (const auto& option : each.options) text += item(option);
  return text;
}

constexpr std::string_view kHead = R"(.TH SQUALL 1 "" "squall )" SQUALL_VERSION R"(" "User Commands"
.SH NAME
squall \- disturb a Linux host on purpose, judge what happens, put everything back
.SH SYNOPSIS
.B squall
.I COMMAND
.RI [ OPTION ...]
.br
.B squall
.B \-\-help
|
.B \-\-version
.SH DESCRIPTION
A
.I scenario
is a TOML file that says what to disturb, for how long, what must stay true meanwhile, and when to
stop. A
.I fault
is one disturbance. A
.I probe
is a question asked of the system under test; together the probes are the steady\-state hypothesis. A
.I guard
is a reason to abort that watches the host. A
.I run
is one execution.
.PP
Nothing is changed before the undo record of that change is durable in the journal. However a run
ends, the host is brought back: by squall, failing that by its watchdog, failing that by the kernel,
failing that by
.BR "squall recover" .
Rolled back means compared: what the host looked like before is read again after.
.PP
Results go to standard output; errors and logs to standard error.
)";

constexpr std::string_view kTail = R"(.SH ENVIRONMENT
.TP
.B SQUALL_STATE_DIR
Runs with their journals, event logs and results; /var/lib/squall unless set.
.TP
.B SQUALL_RUN_DIR
Lock and control socket; /run/squall unless set.
.TP
.B SQUALL_CONFIG_DIR
Host policy; /etc/squall unless set.
.TP
.B SQUALL_SCENARIO_PATH
Folders with scenarios that can be called by name, separated by colons.
.TP
.B NO_COLOR
No colour, when set to anything.
.TP
.B TERM
With
.B dumb
nothing is coloured or redrawn, and only ASCII is drawn.
.SH FILES
.TP
.I /var/lib/squall/runs/RUN/journal.jsonl
What is owed and what is settled, one JSON object per line; each owed line carries the command by
which a person could undo it by hand.
.TP
.I /var/lib/squall/runs/RUN/events.jsonl
Every event of the run.
.TP
.I /var/lib/squall/runs/RUN/result.json
What
.B squall report
shows.
.TP
.I /etc/squall/policy.toml
What this host allows.
.SH EXAMPLES
.TP
.B squall doctor
What works here, and what to do next.
.TP
.B squall plan slow_edge.toml \-\-set interface=eth1
Each change the scenario would make.
.TP
.B squall inject packet_loss \-\-interface eth0 \-\-loss 5% \-\-for 30s
One fault, under the same safety.
.TP
.B squall run slow_edge.toml \-\-json | jq \-c 'select(.event == "probe_answer")'
The answers of the probes, as they come.
.SH NOTES
In CI, where standard input is no terminal,
.B squall run
does not ask before it begins.
)";

}  // namespace

std::string manual_page() {
  std::string text(kHead);
  text += ".SH COMMANDS\n";
  for (const auto& each : invocations()) text += command_text(each);
  text += ".SH EXIT STATUS\n";
  for (const auto& each : kExitMeanings)
    text +=
        ".TP\n.B " + std::to_string(static_cast<int>(each.code)) + "\n" + escaped(each.text) + "\n";
  return text + std::string(kTail);
}

}  // namespace squall
