// SPDX-License-Identifier: Apache-2.0
//
// The only file that knows CLI11 and catches its exceptions. Only the command that
// was named is built: a fault from the command line must be quick.

#include "cmd/app.hpp"

#include "cmd/help.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace squall {
namespace {

Error wrong(std::string what, std::string hint) {
  return {ErrorKind::usage, std::move(what), std::move(hint), {}, 0};
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const auto meant = nearest(word, known);
  return meant.empty() ? "" : " (did you mean '" + meant + "'?)";
}

void declare(CLI::App& app, const Option& option) {
  if (auto* const* flag = std::get_if<bool*>(&option.into)) {
    app.add_flag(option.name, **flag);
    return;
  }
  CLI::Option* made = nullptr;
  if (auto* const* text = std::get_if<std::string*>(&option.into)) {
    made = app.add_option(option.name, **text)->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  } else {
    made = app.add_option(option.name, *std::get<std::vector<std::string>*>(option.into));
    // One value each: `--set a=b FILE` must not swallow the file.
    if (!option.positional())
      made->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  if (option.required) made->required();
}

std::vector<std::string> values_of(const Option& option) {
  if (auto* const* all = std::get_if<std::vector<std::string>*>(&option.into)) return **all;
  auto* const* one = std::get_if<std::string*>(&option.into);
  return one && !(*one)->empty() ? std::vector{**one} : std::vector<std::string>{};
}

Result<> check_words(const std::vector<Option>& options) {
  for (const auto& each : options) {
    if (each.offer != Offer::words) continue;
    for (const auto& value : values_of(each)) {
      if (std::ranges::find(each.words, value) != each.words.end()) continue;
      std::string known;
      for (const auto& word : each.words) known += (known.empty() ? "" : ", ") + word;
      return wrong("'" + value + "' is not a word that " + each.name + " takes" +
                       did_you_mean(value, each.words),
                   "it takes " + known);
    }
  }
  return {};
}

Error unexpected(const std::string& word, const Command& command,
                 const std::vector<Option>& options) {
  const auto hint = "'squall " + std::string(command.name) + " --help' lists the options";
  if (!word.starts_with('-')) return wrong("'" + word + "' is not expected here", hint);
  std::vector<std::string> known = {"--help"};
  for (const auto& each : options)
    if (!each.positional()) known.push_back(each.name);
  const auto name = word.substr(0, word.find('='));
  return wrong("unknown option '" + name + "'" + did_you_mean(name, known), hint);
}

struct Parsed {
  bool help = false;
};

Result<Parsed> parse(const Command& command, const std::vector<Option>& options,
                     const std::vector<std::string>& words) {
  const auto hint = "usage: " + usage_line(command, options);
  try {
    CLI::App app;
    app.allow_extras();
    for (const auto& each : options) declare(app, each);
    auto reversed = words;  // CLI11 takes them from the back
    std::ranges::reverse(reversed);
    app.parse(reversed);
    if (const auto rest = app.remaining(); !rest.empty())
      return unexpected(rest.front(), command, options);
  } catch (const CLI::CallForHelp&) {
    return Parsed{true};
  } catch (const CLI::RequiredError& error) {
    const std::string text = error.what();
    return wrong(text.substr(0, text.find(' ')) + " is missing", hint);
  } catch (const CLI::ArgumentMismatch& error) {
    return wrong(error.what(), hint);
  } catch (const CLI::Error& error) {
    return wrong(error.what(), hint);
  }
  SQUALL_CHECK(check_words(options));
  return Parsed{};
}

ExitCode tell(Print& print, const Error& error) {
  print.error(error);
  return exit_code(error.kind);
}

ExitCode unknown_command(Print& print, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& each : commands())
    if (!each.group.empty()) known.emplace_back(each.name);
  const bool option = name.starts_with('-');
  if (option) known = {"--help", "--version"};
  return tell(print, wrong((option ? "unknown option '" : "unknown command '") + name + "'" +
                               did_you_mean(name, known),
                           "'squall --help' lists the commands"));
}

ExitCode show_help(Print& print, const Command& command, const std::vector<Option>& options) {
  print.out(help_text(command, options, print.look()));
  return ExitCode::held;
}

}  // namespace

ExitCode run_app(const std::vector<std::string>& words, Print& print) {
  // No command is a mistake, in a script at least: it must not look like a held hypothesis.
  if (words.empty()) {
    print.out(overview(print.look()));
    return ExitCode::usage;
  }
  const bool asks_help = words[0] == "help" || words[0] == "--help" || words[0] == "-h";
  if (asks_help && words.size() == 1) {
    print.out(overview(print.look()));
    return ExitCode::held;
  }
  if (words[0] == "--version") {
    print.line("squall " SQUALL_VERSION);
    return ExitCode::held;
  }
  const auto& name = words[asks_help ? 1 : 0];
  const auto* command = find_command(name);
  if (!command) return unknown_command(print, name);
  const std::vector<std::string> rest(words.begin() + (asks_help ? 2 : 1), words.end());
  const auto made = command->make(rest);
  if (asks_help) return show_help(print, *command, made.options);
  if (made.objection) return tell(print, *made.objection);
  const auto parsed = parse(*command, made.options, rest);
  if (!parsed) return tell(print, parsed.error());
  return parsed->help ? show_help(print, *command, made.options) : made.run(print);
}

}  // namespace squall
