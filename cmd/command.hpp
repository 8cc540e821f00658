// SPDX-License-Identifier: Apache-2.0
//
// What a command of squall declares, as data: from it come parsing, --help, the man
// page and the completion of three shells, so that none of them can forget an option.

#pragma once

#include "cmd/exit_codes.hpp"
#include "cmd/print.hpp"
#include "safety/base/result.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace squall {

// What a shell may offer for a value.
enum class Offer { nothing, file, directory, scenario, fault, kind, run, words };

struct Option {
  std::string name;   // "--seed"; a positional has no dashes: "FILE"
  std::string value;  // "N" in --seed N; "" for a switch
  std::string help;
  std::variant<bool*, std::string*, std::vector<std::string>*> into;  // a list: may be repeated
  Offer offer = Offer::nothing;
  std::vector<std::string> words{};  // the only values; for Offer::words
  bool required = false;

  bool positional() const { return name.front() != '-'; }
};

struct CommandLine {
  std::vector<Option> options;
  std::function<ExitCode(Print&)> run;  // owns what the options point into
  std::optional<Error> objection{};     // to the words, where the options themselves depend on them
};

struct Command {
  std::string_view name;
  std::string_view group;    // heading in `squall --help`
  std::string_view summary;  // one line, lower case
  std::string_view details;  // paragraphs for --help and the man page
  // `words` follow the command's name: the options of inject depend on the fault they name.
  CommandLine (*make)(const std::vector<std::string>& words);
};

// In the order of `squall --help`. Commands without a group are not shown.
const std::vector<Command>& commands();
const Command* find_command(std::string_view name);

// Options that several commands share.
Option json_switch(bool* into);
Option scenario_argument(std::string* into);
Option set_option(std::vector<std::string>* into);
Option seed_option(std::string* into);
Option without_option(std::vector<std::string>* into);

// The end of every command: an error is told, and becomes its exit code.
ExitCode finish(Print& print, const Result<ExitCode>& result);

// One per file.
CommandLine doctor_command(const std::vector<std::string>&);
CommandLine lab_command(const std::vector<std::string>&);
CommandLine list_command(const std::vector<std::string>&);
CommandLine explain_command(const std::vector<std::string>&);
CommandLine schema_command(const std::vector<std::string>&);
CommandLine check_command(const std::vector<std::string>&);
CommandLine plan_command(const std::vector<std::string>&);
CommandLine run_command(const std::vector<std::string>&);
CommandLine inject_command(const std::vector<std::string>&);
CommandLine status_command(const std::vector<std::string>&);
CommandLine abort_command(const std::vector<std::string>&);
CommandLine recover_command(const std::vector<std::string>&);
CommandLine history_command(const std::vector<std::string>&);
CommandLine report_command(const std::vector<std::string>&);
CommandLine generate_command(const std::vector<std::string>&);

}  // namespace squall
