// SPDX-License-Identifier: Apache-2.0
//
// One table per kind of thing that a user configures (fault, probe, guard):
//
//   table({field("delay", &Params::delay, "added to every packet").range(0s, 10s)})
//
// From it come parsing, checking, defaults, help, the reference docs and the
// JSON schema. The input is neutral (Raw, Setting), so that TOML and the command
// line meet here and no author of a fault sees either.

#pragma once

#include "safety/base/value.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace squall {

// One leaf of a table: "match.port" = 9001. Nested tables are flattened with dots.
struct Setting {
  std::string name;
  Raw raw;
  Place place;  // of the key
};
using Settings = std::vector<Setting>;

struct Complaint {
  Place place;
  std::string what;
  std::string hint;
  std::string text() const;  // "file:line:column: error: what" (and the hint on its own line)
};
using Complaints = std::vector<Complaint>;

// What is known of a field without its struct: for docs, help, completion, JSON schema.
struct FieldSheet {
  std::string
      name;  // dotted: "match.port"; "json.<pointer>" stands for any key that begins "json."
  std::string help;  // short noun phrase
  TypeSheet type;
  bool required = false;
  bool rampable = false;
  std::string fallback;  // the default as text; "" when there is none
  std::string range;     // "0s to 10s"; "" when unlimited

  std::string flag() const;  // "--port": the last part of the name, with '-' for '_'
  bool open() const { return name.ends_with('>'); }
  // What `key` has in the open place of the name: "/state" for "json./state"; nothing when the
  // key is not one of this field's.
  std::optional<std::string> rest_of(std::string_view key) const;
};

template <class P>
struct Field {
  FieldSheet sheet;
  std::function<Result<>(P&, const Raw&)> set;
  std::function<std::string(const P&)> print;
  std::function<void(P& out, const P& from, const P& to, double f)> blend;  // empty: no ramps
  // Of open fields only, in place of set and print.
  std::function<Result<>(P&, const std::string& rest, const Raw&)> set_open{};
  std::function<std::vector<std::pair<std::string, std::string>>(const P&)> print_open{};

  Field required() && {
    sheet.required = true;
    return std::move(*this);
  }
  // Not to be ramped: it counts when the fault begins.
  Field fixed() && {
    sheet.rampable = false;
    blend = nullptr;
    return std::move(*this);
  }

  Result<> put(P& params, const Setting& setting) const {
    if (set_open) return set_open(params, *sheet.rest_of(setting.name), setting.raw);
    return set(params, setting.raw);
  }

  // Both ends included. T must be the member's type (or convertible to it).
  template <class T>
  Field range(T low, T high) &&;
};

namespace detail {
template <class T>
struct Bare {
  using type = T;
};
template <class T>
struct Bare<std::optional<T>> {
  using type = T;
};
}  // namespace detail

template <class P, class T>
Field<P> field(std::string name, T P::* member, std::string help) {
  Field<P> made;
  made.sheet = {std::move(name),
                std::move(help),
                Value<T>::sheet(),
                false,
                false,
                Value<T>::print(P{}.*member),
                ""};
  made.set = [member](P& params, const Raw& raw) -> Result<> {
    SQUALL_TRY(params.*member, Value<T>::parse(raw));
    return {};
  };
  made.print = [member](const P& params) { return Value<T>::print(params.*member); };
  if constexpr (requires(const T& v) { Value<T>::blend(v, v, 0.5); }) {
    made.sheet.rampable = true;
    made.blend = [member](P& out, const P& from, const P& to, double f) {
      out.*member = Value<T>::blend(from.*member, to.*member, f);
    };
  }
  return made;
}

template <class T>
using OpenList = std::vector<std::pair<std::string, T>>;  // what filled the open place, its value

// A field whose key is the user's: open_field("json.<pointer>", &Params::json, "…") takes
// json = { "/state" = "ok", "/queue/depth" = "< 100" }.
template <class P, class T>
Field<P> open_field(std::string name, OpenList<T> P::* member, std::string help) {
  Field<P> made;
  made.sheet = {std::move(name), std::move(help), Value<T>::sheet(), false, false, "", ""};
  made.set_open = [member](P& params, const std::string& rest, const Raw& raw) -> Result<> {
    SQUALL_TRY(auto value, Value<T>::parse(raw));
    (params.*member).emplace_back(rest, std::move(value));
    return {};
  };
  made.print_open = [member](const P& params) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& [rest, value] : params.*member) all.emplace_back(rest, Value<T>::print(value));
    return all;
  };
  return made;
}

Error out_of_range(const std::string& value, const std::string& low, const std::string& high);

template <class P>
template <class T>
Field<P> Field<P>::range(T low, T high) && {
  const auto print_bound = [](T bound) { return Value<T>::print(bound); };
  sheet.range = print_bound(low) + " to " + print_bound(high);
  set = [inner = std::move(set), low, high, print_bound](P& params, const Raw& raw) -> Result<> {
    SQUALL_TRY(const T value, Value<T>::parse(raw));
    if (value < low || high < value)
      return out_of_range(Value<T>::print(value), print_bound(low), print_bound(high));
    return inner(params, raw);
  };
  return std::move(*this);
}

// The fields of a nested struct under a common prefix, or under none (""): group("match",
// &Params::match, match_fields()).
template <class P, class Q>
std::vector<Field<P>> group(const std::string& prefix, Q P::* member, std::vector<Field<Q>> inner) {
  std::vector<Field<P>> outer;
  for (auto& each : inner) {
    Field<P> made;
    made.sheet = each.sheet;
    made.sheet.name = prefix.empty() ? each.sheet.name : prefix + "." + each.sheet.name;
    made.set = [member, set = each.set](P& p, const Raw& raw) { return set(p.*member, raw); };
    made.print = [member, print = each.print](const P& p) { return print(p.*member); };
    if (each.set_open) {
      made.set_open = [member, set = each.set_open](P& p, const std::string& rest, const Raw& raw) {
        return set(p.*member, rest, raw);
      };
      made.print_open = [member, print = each.print_open](const P& p) { return print(p.*member); };
    }
    if (each.blend)
      made.blend = [member, blend = each.blend](P& out, const P& from, const P& to, double f) {
        blend(out.*member, from.*member, to.*member, f);
      };
    outer.push_back(std::move(made));
  }
  return outer;
}

// A rule across fields, documented by its own sentence: {"jitter needs a delay", holds}.
template <class P>
struct Rule {
  std::string sentence;
  std::function<bool(const P&)> holds;
};

struct TableSheet {
  std::vector<FieldSheet> fields;
  std::vector<std::string> rules;
};

void complain_unknown(const Setting& setting, const TableSheet& sheet, const std::string& owner,
                      Complaints& complaints);
void complain_missing(const FieldSheet& field, const std::string& owner, const Place& at,
                      Complaints& complaints);

// How far a ramp has gone, from 0 to 1, by the name of its field.
using ShareOf = std::function<double(const std::string& field)>;

template <class P>
class Table {
 public:
  Table(std::vector<Field<P>> fields, std::vector<Rule<P>> rules = {})
      : fields_(std::move(fields)), rules_(std::move(rules)) {}

  Table& add(std::vector<Field<P>> more) {
    for (auto& each : more) fields_.push_back(std::move(each));
    return *this;
  }

  TableSheet sheet() const {
    TableSheet made;
    for (const auto& each : fields_) made.fields.push_back(each.sheet);
    for (const auto& each : rules_) made.rules.push_back(each.sentence);
    return made;
  }

  // Reports every complaint, not the first. `owner` is the name in messages ("netem"),
  // `at` the place for what is missing as a whole.
  P parse(const Settings& settings, const std::string& owner, const Place& at,
          Complaints& complaints) const;

  Settings print(const P& params) const;  // every field that differs from its default

  // Each field at its share of the way; the rules may be broken in between.
  P blend(const P& from, const P& to, const ShareOf& share_of) const;

  // The sentence of the first rule that does not hold, or "".
  std::string broken_rule(const P& params) const;

 private:
  std::vector<Field<P>> fields_;
  std::vector<Rule<P>> rules_;
};

template <class P>
P Table<P>::parse(const Settings& settings, const std::string& owner, const Place& at,
                  Complaints& complaints) const {
  P params{};
  const auto before = complaints.size();
  bool whole = true;
  for (const auto& setting : settings) {
    const auto found = std::find_if(fields_.begin(), fields_.end(), [&](const auto& each) {
      return each.sheet.rest_of(setting.name).has_value();
    });
    if (found == fields_.end()) {
      complain_unknown(setting, sheet(), owner, complaints);
    } else if (setting.raw.broken) {
      whole = false;
    } else if (auto set = found->put(params, setting); !set) {
      complaints.push_back(
          {setting.raw.place, setting.name + ": " + set.error().what, set.error().hint});
    }
  }
  for (const auto& each : fields_) {
    const bool given = std::any_of(settings.begin(), settings.end(),
                                   [&](const auto& s) { return s.name == each.sheet.name; });
    if (each.sheet.required && !given) complain_missing(each.sheet, owner, at, complaints);
  }
  if (whole && complaints.size() == before)
    for (const auto& rule : rules_)
      if (!rule.holds(params)) complaints.push_back({at, owner + ": " + rule.sentence, ""});
  return params;
}

template <class P>
Settings Table<P>::print(const P& params) const {
  Settings made;
  const P plain{};
  for (const auto& each : fields_) {
    if (each.print_open) {
      const auto prefix = each.sheet.name.substr(0, each.sheet.name.find('<'));
      for (auto& [rest, text] : each.print_open(params))
        made.push_back({prefix + rest, {std::move(text), {}, true}, {}});
    } else if (const auto text = each.print(params); text != each.print(plain)) {
      made.push_back({each.sheet.name, {text, {}, true}, {}});
    }
  }
  return made;
}

template <class P>
P Table<P>::blend(const P& from, const P& to, const ShareOf& share_of) const {
  P now = from;
  for (const auto& each : fields_)
    if (each.blend) each.blend(now, from, to, share_of(each.sheet.name));
  return now;
}

template <class P>
std::string Table<P>::broken_rule(const P& params) const {
  for (const auto& rule : rules_)
    if (!rule.holds(params)) return rule.sentence;
  return {};
}

}  // namespace squall
