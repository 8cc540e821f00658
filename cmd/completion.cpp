// SPDX-License-Identifier: Apache-2.0
//
// Completion scripts. They hold every command and option as text, so that a key press
// starts no program except for what changes: runs and installed scenarios.

#include "cmd/generate.hpp"
#include "faults/registry.hpp"
#include "scenarios/reference.hpp"

#include <algorithm>

namespace squall {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& each : words) text += (text.empty() ? "" : " ") + each;
  return text;
}

std::string fault_words() {
  std::vector<std::string> names;
  for (const auto* each : built_in_faults().all()) names.push_back(each->sheet().name);
  return joined(names);
}

std::string kind_words() {
  std::vector<std::string> names;
  for (const auto& each : references(built_in_faults())) names.push_back(each.name);
  return joined(names);
}

std::string command_words() {
  std::vector<std::string> names;
  for (const auto& each : commands())
    if (!each.group.empty()) names.emplace_back(each.name);
  return joined(names);
}

std::string switches(const std::vector<Option>& options) {
  std::vector<std::string> names;
  for (const auto& each : options)
    if (!each.positional()) names.push_back(each.name);
  return joined(names);
}

// The names of runs and scenarios are in the JSON that squall prints, one key each.
constexpr std::string_view kRuns =
    R"~(squall history --json 2>/dev/null | tr ',{' '\n\n' | sed -n 's/^"run":"\([^"]*\)".*/\1/p')~";
constexpr std::string_view kScenarios =
    R"~(squall list scenarios --json 2>/dev/null | tr ',{' '\n\n' | sed -n 's/^"name":"\([^"]*\)".*/\1/p')~";

std::string bash_values(const Option& option) {
  const auto words = [](const std::string& all) {
    return "COMPREPLY=($(compgen -W \"" + all + "\" -- \"$cur\"))";
  };
  switch (option.offer) {
    case Offer::nothing:
      return "COMPREPLY=()";
    case Offer::file:
      return "COMPREPLY=($(compgen -f -- \"$cur\"))";
    case Offer::directory:
      return "COMPREPLY=($(compgen -d -- \"$cur\"))";
    case Offer::scenario:
      return "COMPREPLY=($(compgen -f -- \"$cur\") $(compgen -W \"$(" + std::string(kScenarios) +
             ")\" -- \"$cur\"))";
    case Offer::fault:
      return words(fault_words());
    case Offer::kind:
      return words(kind_words());
    case Offer::run:
      return words("$(" + std::string(kRuns) + ")");
    case Offer::words:
      return words(joined(option.words));
  }
  return "";
}

std::string bash_case(const Invocation& each) {
  auto text = "    '" + std::string(each.command->name) +
              (each.fault.empty() ? "" : " " + each.fault) + "')\n      case \"$prev\" in\n";
  std::string place = "COMPREPLY=()";
  for (const auto& option : each.options) {
    if (option.positional()) {
      place = bash_values(option);
    } else if (!option.value.empty()) {
      text += "        " + option.name + ") " + bash_values(option) + "; return ;;\n";
    }
  }
  if (!each.fault.empty()) place = "COMPREPLY=()";
  return text + "      esac\n      options='" + switches(each.options) + "'\n      " +
         "[[ $cur == -* ]] || { " + place + "; return; } ;;\n";
}

// Quotes for a single-quoted word of zsh's _arguments or of fish.
std::string zsh_text(std::string_view text) {
  std::string made;
  for (const char c : text) {
    if (c == '\'') {
      made += "'\\''";
    } else {
      if (c == '[' || c == ']' || c == ':' || c == '\\') made += '\\';
      made += c;
    }
  }
  return made;
}

std::string zsh_values(const Option& option) {
  switch (option.offer) {
    case Offer::nothing:
      return " ";
    case Offer::file:
      return "_files";
    case Offer::directory:
      return "_files -/";
    case Offer::scenario:
      return "_squall_scenarios";
    case Offer::fault:
      return "(" + fault_words() + ")";
    case Offer::kind:
      return "(" + kind_words() + ")";
    case Offer::run:
      return "_squall_runs";
    case Offer::words:
      return "(" + joined(option.words) + ")";
  }
  return "";
}

std::string zsh_case(const Invocation& each) {
  auto text = "    '" + std::string(each.command->name) +
              (each.fault.empty() ? "" : " " + each.fault) + "')\n      _arguments -s";
  for (const auto& option : each.options) {
    const bool list = std::holds_alternative<std::vector<std::string>*>(option.into);
    if (option.positional())
      text += std::string(" \\\n        '") + (list ? "*" : "") + ":" + zsh_text(option.name) +
              ":" + zsh_values(option) + "'";
    else
      text +=
          std::string(" \\\n        '") + (list ? "*" : "") + option.name + "[" +
          zsh_text(option.help) + "]" +
          (option.value.empty() ? "" : ":" + zsh_text(option.value) + ":" + zsh_values(option)) +
          "'";
  }
  return text + " ;;\n";
}

std::string fish_text(std::string_view text) {
  std::string made;
  for (const char c : text) {
    if (c == '\'' || c == '\\') made += '\\';
    made += c;
  }
  return "'" + made + "'";
}

std::string fish_values(const Option& option) {
  switch (option.offer) {
    case Offer::nothing:
      return "";
    case Offer::file:
      return " -F";
    case Offer::directory:
      return " -a '(__fish_complete_directories)'";
    case Offer::scenario:
      return " -F -a " + fish_text("(" + std::string(kScenarios) + ")");
    case Offer::fault:
      return " -a " + fish_text(fault_words());
    case Offer::kind:
      return " -a " + fish_text(kind_words());
    case Offer::run:
      return " -a " + fish_text("(" + std::string(kRuns) + ")");
    case Offer::words:
      return " -a " + fish_text(joined(option.words));
  }
  return "";
}

std::string fish_lines(const Invocation& each) {
  auto when = "__fish_seen_subcommand_from " + std::string(each.command->name);
  if (!each.fault.empty()) when += "; and __fish_seen_subcommand_from " + each.fault;
  std::string text;
  for (const auto& option : each.options) {
    if (option.positional() && !each.fault.empty()) continue;
    text += "complete -c squall -n " + fish_text(when);
    if (!option.positional())
      text += " -l " + option.name.substr(2) + (option.value.empty() ? "" : " -x") + " -d " +
              fish_text(option.help);
    text += fish_values(option) + "\n";
  }
  return text;
}

}  // namespace

std::string bash_completion() {
  std::string text =
      "# bash completion of squall; made by 'squall generate bash'\n"
      "_squall() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} options=\n"
      "  local command=${COMP_WORDS[1]}\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    COMPREPLY=($(compgen -W \"" +
      command_words() +
      " help --help --version\" -- \"$cur\"))\n"
      "    return\n"
      "  fi\n"
      "  if [[ $command == inject ]] && ((COMP_CWORD > 2)); then\n"
      "    case \" " +
      fault_words() +
      " \" in *\" ${COMP_WORDS[2]} \"*) command+=\" ${COMP_WORDS[2]}\" ;; esac\n"
      "  fi\n"
      "  case \"$command\" in\n";
  for (const auto& each : invocations()) text += bash_case(each);
  return text +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
         "}\n"
         "complete -F _squall squall\n";
}

std::string zsh_completion() {
  std::string text =
      "#compdef squall\n"
      "# made by 'squall generate zsh'\n"
      "_squall_runs() { compadd -- ${(f)\"$(" +
      std::string(kRuns) +
      ")\"}; }\n"
      "_squall_scenarios() { _files -g '*.toml'; compadd -- ${(f)\"$(" +
      std::string(kScenarios) +
      ")\"}; }\n"
      "_squall() {\n"
      "  local command=$words[2]\n"
      "  if ((CURRENT == 2)); then\n"
      "    local -a all=(";
  for (const auto& each : commands())
    if (!each.group.empty())
      text += "\n      '" + std::string(each.name) + ":" + zsh_text(each.summary) + "'";
  text +=
      "\n      'help:all commands' '--help:all commands' '--version:version')\n"
      "    _describe command all\n    return\n  fi\n"
      "  shift words; ((CURRENT--))\n"
      "  if [[ $command == inject ]] && ((CURRENT > 2)) && [[ \" " +
      fault_words() +
      " \" == *\" $words[2] \"* ]]; then command+=\" $words[2]\"; fi\n"
      "  case \"$command\" in\n";
  for (const auto& each : invocations()) text += zsh_case(each);
  return text + "  esac\n}\n_squall \"$@\"\n";
}

std::string fish_completion() {
  std::string text =
      "# fish completion of squall; made by 'squall generate fish'\ncomplete -c squall -f\n";
  const auto first = "not __fish_seen_subcommand_from " + command_words();
  for (const auto& each : commands())
    if (!each.group.empty())
      text += "complete -c squall -n " + fish_text(first) + " -a " + std::string(each.name) +
              " -d " + fish_text(each.summary) + "\n";
  text += "complete -c squall -n " + fish_text(first) + " -l help -d 'all commands'\n";
  text += "complete -c squall -n " + fish_text(first) + " -l version -d version\n";
  for (const auto& each : invocations()) text += fish_lines(each);
  return text;
}

}  // namespace squall
