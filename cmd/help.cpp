// SPDX-License-Identifier: Apache-2.0

#include "cmd/help.hpp"

#include <algorithm>

namespace squall {
namespace {

constexpr int kWidest = 100;  // long lines are hard to read on wide terminals
constexpr int kLabel = 26;    // columns of an option before its help moves to the next line

Look readable(Look look) {
  look.width = std::min(look.width, kWidest);
  return look;
}

bool repeats(const Option& option) {
  return std::holds_alternative<std::vector<std::string>*>(option.into);
}

std::string described(const Option& option, const std::string& label, int width, const Look& look) {
  auto text = option.help;
  if (option.offer == Offer::words) {
    text += text.empty() ? "" : ": ";
    for (std::size_t i = 0; i < option.words.size(); ++i) text += (i ? ", " : "") + option.words[i];
  }
  if (repeats(option) && !option.positional()) text += " (may be repeated)";
  const auto margin = std::string(static_cast<std::size_t>(width) + 4, ' ');
  std::string made = "  " + look.paint(Tone::accent, label);
  bool first = columns(label) <= width;
  if (first) made = pad(made, width + 4);
  if (!first) made += "\n";
  for (const auto& line : wrap(text, std::max(30, look.width - width - 4)))
    made += (std::exchange(first, false) ? "" : margin) + line + "\n";
  return made;
}

std::string label(const Option& option) {
  return option.value.empty() ? option.name : option.name + " " + option.value;
}

}  // namespace

Option help_switch() { return {"--help", "", "this text", static_cast<bool*>(nullptr)}; }

std::string usage_line(const Command& command, const std::vector<Option>& options) {
  std::string line = "squall " + std::string(command.name);
  bool optional = false;
  for (const auto& each : options)
    if (each.positional()) {
      const auto shown = each.name + (repeats(each) ? "…" : "");
      line += each.required ? " " + shown : " [" + shown + "]";
    }
  for (const auto& each : options) {
    if (each.positional()) continue;
    if (each.required) line += " " + label(each);
    optional = optional || !each.required;
  }
  return line + (optional ? " [OPTION…]" : "");
}

std::string help_text(const Command& command, const std::vector<Option>& options,
                      const Look& wide) {
  const auto look = readable(wide);
  auto all = options;
  all.push_back(help_switch());
  int width = 0;
  for (const auto& each : all)
    if (columns(label(each)) <= kLabel) width = std::max(width, columns(label(each)));
  std::string places;
  std::string switches;
  for (const auto& each : all)
    (each.positional() ? places : switches) += described(each, label(each), width, look);
  auto text = "squall " + std::string(command.name) + ": " + std::string(command.summary) +
              "\n\nusage: " + usage_line(command, options) + "\n";
  if (!command.details.empty()) text += "\n" + paragraph(command.details, 0, look);
  if (!places.empty()) text += "\n" + places;
  return text + "\n" + switches;
}

std::string overview(const Look& wide) {
  const auto look = readable(wide);
  std::string text =
      "squall " SQUALL_VERSION
      ": disturb a Linux host on purpose, judge what happens, put everything back\n\n"
      "usage: squall COMMAND [OPTION…]\n";
  std::string_view group;
  for (const auto& each : commands()) {
    if (each.group.empty()) continue;
    if (std::exchange(group, each.group) != each.group)
      text += "\n" + look.paint(Tone::strong, each.group) + "\n";
    text += "  " + pad(look.paint(Tone::accent, each.name), 10) + std::string(each.summary) + "\n";
  }
  return text +
         "\n'squall COMMAND --help' tells more, 'man squall' everything. New here? Try 'squall "
         "doctor'.\n";
}

}  // namespace squall
