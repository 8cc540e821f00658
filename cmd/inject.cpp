// SPDX-License-Identifier: Apache-2.0
//
// squall inject: one fault from flags. Only the named fault's options are made.

#include "cmd/inject.hpp"

#include "cmd/command.hpp"
#include "cmd/execute.hpp"
#include "cmd/files.hpp"

#include <algorithm>
#include <deque>
#include <memory>

namespace squall {
namespace {

// Flags that every kind has; a field may not take them.
constexpr std::string_view kTaken[] = {"--for",  "--ramp", "--seed", "--without",
                                       "--json", "--yes",  "--help", "--set"};

struct Arguments {
  std::string kind, duration, seed;
  std::vector<std::string> ramps, set, without;
  bool json = false, yes = false;
  std::deque<std::string> values;  // one per field; a deque, for its addresses stay
  std::deque<bool> switches;
};

bool is_switch(const FieldSheet& field) { return field.type.name == "flag" && !field.type.list; }

std::string help_of(const FieldSheet& field) {
  auto help = field.help;
  if (field.required) help += ", required";
  if (!field.range.empty()) help += ", " + field.range;
  if (!field.fallback.empty() && !field.required && !is_switch(field))
    help += ", default " + field.fallback;
  return help;
}

std::string value_name(const FieldSheet& field) {
  auto name = field.type.words.empty() ? field.type.name : std::string("word");
  std::ranges::transform(name, name.begin(), [](char c) {
    return c == ' ' ? '-' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return field.type.list ? name + ",…" : name;
}

void add_fields(const FaultSheet& sheet, Arguments& given, std::vector<Option>& options) {
  const auto& fields = sheet.params.fields;
  const auto flags = flags_of(fields);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    auto& value = given.values.emplace_back();
    auto& on = given.switches.emplace_back(false);
    if (is_switch(fields[i])) {
      options.push_back({flags[i], "", help_of(fields[i]), &on});
      continue;
    }
    Option option{flags[i], value_name(fields[i]), help_of(fields[i]), &value};
    if (!fields[i].type.words.empty() && !fields[i].type.list) {
      option.offer = Offer::words;
      option.words = fields[i].type.words;
    }
    options.push_back(std::move(option));
  }
}

Result<InjectFlags> flags_from(const FaultSheet& sheet, const Arguments& given) {
  InjectFlags flags{given.duration, given.ramps, {}};
  const auto& fields = sheet.params.fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (given.switches[i]) flags.settings.emplace_back(fields[i].name, "true");
    if (!given.values[i].empty()) flags.settings.emplace_back(fields[i].name, given.values[i]);
  }
  SQUALL_TRY(auto more, overrides(given.set));
  std::ranges::move(more, std::back_inserter(flags.settings));
  return flags;
}

Result<ExitCode> inject_fault(const Arguments& given, Print& print) {
  SQUALL_TRY(const auto* fault, built_in_faults().get(given.kind));
  SQUALL_TRY(const auto seed, whole_number(given.seed, "seed"));
  SQUALL_TRY(const auto flags, flags_from(fault->sheet(), given));
  SQUALL_TRY(auto scenario, scenario_of(fault->sheet(), flags));
  return execute(std::move(scenario), {}, {seed, given.without, given.json, given.yes}, print);
}

// The kind is the first word; after options, the first one that names a fault. None: which
// options there are cannot be said.
Result<const Fault*> kind_in(const std::vector<std::string>& words) {
  if (words.empty()) return nullptr;
  if (!words.front().starts_with('-')) return built_in_faults().get(words.front());
  for (const auto& each : words)
    if (const auto* fault = built_in_faults().find(each)) return fault;
  return nullptr;
}

}  // namespace

std::vector<std::string> flags_of(const std::vector<FieldSheet>& fields) {
  std::vector<std::string> flags;
  for (const auto& each : fields) flags.push_back(each.flag());
  const auto short_flags = flags;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    const bool shared = std::ranges::count(short_flags, short_flags[i]) > 1 ||
                        std::ranges::find(kTaken, short_flags[i]) != std::end(kTaken);
    if (!shared) continue;
    flags[i] = "--" + fields[i].name;
    std::ranges::replace(flags[i], '.', '-');
    std::ranges::replace(flags[i], '_', '-');
    if (std::ranges::find(kTaken, flags[i]) != std::end(kTaken)) flags[i] += "-of-fault";
  }
  return flags;
}

CommandLine inject_command(const std::vector<std::string>& words) {
  const auto given = std::make_shared<Arguments>();
  std::vector<Option> options = {
      {"KIND",
       "",
       "fault to inject; 'squall list faults' shows them",
       &given->kind,
       Offer::fault,
       {},
       true},
      {"--for", "TIME", "how long, for example 30s", &given->duration, Offer::nothing, {}, true}};
  const auto kind = kind_in(words);
  if (kind && *kind) {
    const auto& sheet = (*kind)->sheet();
    add_fields(sheet, *given, options);
    if (sheet.adjustable)
      options.push_back({"--ramp", "NAME=VALUE/TIME",
                         "move a parameter to a value over a time, as in loss=10%/30s",
                         &given->ramps});
  }
  options.push_back({"--set", "NAME=VALUE",
                     "a parameter of the fault by its full name, as in match.port=9001",
                     &given->set});
  options.push_back(seed_option(&given->seed));
  options.push_back(
      {"--json", "", "print events as JSON Lines, and the result as the last line", &given->json});
  options.push_back({"--yes", "", "run without asking", &given->yes});
  options.push_back(without_option(&given->without));
  return {std::move(options),
          [given](Print& print) { return finish(print, inject_fault(*given, print)); },
          kind ? std::nullopt : std::optional(kind.error())};
}

}  // namespace squall
