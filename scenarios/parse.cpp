// SPDX-License-Identifier: Apache-2.0
//
// TOML to a Document. The only file that knows toml++, and the one that catches
// what it throws.

#include "scenarios/parse.hpp"

#include "scenarios/document.hpp"
#include "scenarios/keys.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <set>

namespace squall {
namespace {

constexpr int kDeepest = 8;  // of tables in an entry; "ramp.match.port.to" is 4

class Reader {
 public:
  Reader(const std::string& file, Complaints& complaints) : file_(file), complaints_(complaints) {}

  Document read(const toml::table& root) {
    Document document;
    for (const auto& [key, node] : root) {
      const std::string_view name = key.str();
      if (name == "scenario") {
        document.scenario = section(key, node);
      } else if (name == "parameters") {
        document.parameters = section(key, node);
      } else if (name == "limits") {
        document.limits = section(key, node);
      } else if (name == "probe") {
        document.probes = sections(key, node);
      } else if (name == "guard") {
        document.guards = sections(key, node);
      } else if (name == "fault") {
        document.faults = sections(key, node);
      } else {
        complain_top_level(key);
      }
    }
    return document;
  }

  Place place(const toml::source_region& region) const {
    return {file_, static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
  }

 private:
  void complain(const Place& at, std::string what, std::string hint) {
    complaints_.push_back({at, std::move(what), std::move(hint)});
  }

  // Also finds what stands at the top but belongs into a section: max_duration.
  void complain_top_level(const toml::key& key) {
    TableSheet known;
    for (const auto* name : {"scenario", "parameters", "limits", "probe", "guard", "fault"})
      known.fields.push_back({name, "", {}, false, false, "", ""});
    const auto add = [&](const std::string& owner, const TableSheet& sheet) {
      for (auto each : sheet.fields) {
        each.name = owner + "." + each.name;
        known.fields.push_back(each);
      }
    };
    add("scenario", scenario_keys().sheet());
    add("limits", limit_keys().sheet());
    const auto at = place(key.source());
    complain_unknown({std::string(key.str()), {}, at}, known, "scenario file", complaints_);
    auto& hint = complaints_.back().hint;
    if (!hint.empty())
      hint = "a file has [scenario], [parameters], [limits], [[probe]], [[guard]] and [[fault]]";
  }

  Section section(const toml::key& key, const toml::node& node) {
    const auto* table = node.as_table();
    if (!table) {
      complain(place(key.source()), "'" + std::string(key.str()) + "' is not a table",
               "write it as [" + std::string(key.str()) + "], with its keys below");
      return {place(key.source()), {}};
    }
    return section(*table);
  }

  Section section(const toml::table& table) {
    Section made{place(table.source()), {}};
    flatten(table, "", 1, made.settings);
    std::stable_sort(made.settings.begin(), made.settings.end(), [](const auto& a, const auto& b) {
      return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
    });
    refuse_twice(made.settings);
    return made;
  }

  // Quoted keys may hold dots, so "match.port" = 1 can stand beside match = { port = 2 }.
  void refuse_twice(const Settings& settings) {
    std::set<std::string_view> seen;
    for (const auto& each : settings)
      if (!seen.insert(each.name).second)
        complain(each.place, "'" + each.name + "' is given twice", "remove one of the two");
  }

  std::vector<Section> sections(const toml::key& key, const toml::node& node) {
    const auto* array = node.as_array();
    std::vector<Section> made;
    const bool tables = array && std::all_of(array->begin(), array->end(),
                                             [](const auto& each) { return each.is_table(); });
    if (!tables) {
      const std::string name(key.str());
      complain(place(key.source()), "'" + name + "' is not a list of tables",
               "write each one as [[" + name + "]], with two brackets");
      return made;
    }
    for (const auto& each : *array) made.push_back(section(*each.as_table()));
    return made;
  }

  void flatten(const toml::table& table, const std::string& prefix, int depth, Settings& out) {
    for (const auto& [key, node] : table) {
      const auto name = prefix + std::string(key.str());
      const auto at = place(key.source());
      const auto* inner = node.as_table();
      if (key.str().empty()) {
        complain(at, "a key is empty", "");
      } else if (!inner) {
        if (auto raw = value(node)) out.push_back({name, std::move(*raw), at});
      } else if (inner->empty()) {
        complain(at, "'" + name + "' is an empty table", "fill it or remove it");
      } else if (depth == kDeepest) {
        complain(at, "'" + name + "' is nested too deeply", "");
      } else {
        flatten(*inner, name + ".", depth + 1, out);
      }
    }
  }

  // Null when it was complained of; its key then counts as not written.
  std::optional<Raw> value(const toml::node& node) {
    const auto at = place(node.source());
    if (const auto* text = node.as_string()) return Raw{text->get(), at};
    if (const auto* whole = node.as_integer()) return Raw{whole->get(), at};
    if (const auto* number = node.as_floating_point()) return Raw{number->get(), at};
    if (const auto* flag = node.as_boolean()) return Raw{flag->get(), at};
    if (const auto* array = node.as_array()) {
      Raw::List list;
      for (const auto& each : *array) {
        auto raw = value(each);
        if (!raw) return std::nullopt;
        list.push_back(std::move(*raw));
      }
      return Raw{std::move(list), at};
    }
    if (node.is_table())
      complain(at, "a table has no place in this list", "");
    else
      complain(at, "dates and times are not known here", "put the value in quotes");
    return std::nullopt;
  }

  const std::string& file_;
  Complaints& complaints_;
};

// "Error while parsing decimal integer: expected digit, saw 's'" is what
// `delay = 20ms` gives: its author needs to hear of quotes.
Complaint not_toml(const toml::parse_error& error, const Place& at) {
  constexpr std::string_view kPrefix = "Error while parsing ";
  std::string text(error.description());
  if (text.starts_with(kPrefix)) text.erase(0, kPrefix.size());
  if (text.find("TOML_MAX_NESTED_VALUES") != std::string::npos)
    return {at, "not valid TOML: lists in lists, nested too deeply", ""};
  std::string hint;
  for (const auto* number : {"integer:", "floating-point:", "value:", "date:", "time:"})
    if (text.find(number) != std::string::npos)
      hint = "all values but plain numbers, true and false stand in quotes: delay = \"20ms\"";
  return {at, "not valid TOML: " + text, hint};
}

}  // namespace

std::optional<Document> parse_document(const std::string& file, const std::string& text,
                                       Complaints& complaints) {
  Reader reader(file, complaints);
  try {
    return reader.read(toml::parse(std::string_view(text), std::string_view(file)));
  } catch (const toml::parse_error& error) {
    complaints.push_back(not_toml(error, reader.place(error.source())));
    return std::nullopt;
  }
}

}  // namespace squall
