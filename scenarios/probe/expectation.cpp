// SPDX-License-Identifier: Apache-2.0

#include "scenarios/probe/expectation.hpp"

#include "scenarios/probe/json_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace squall {
namespace {

std::string number_text(double value) { return Value<double>::print(value); }

Result<double> parse_percentile(const std::string& text) {
  double value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code == std::errc{} && stop == end && value > 0 && value <= 100) return value;
  return Error{ErrorKind::invalid,
               "'p" + text + "' is not a percentile",
               "write a number above 0 and up to 100 after the p, for example latency_p99",
               {},
               0};
}

// "status 503 is not 200", for a list "status 503 is none of 200, 204".
std::string none_of(const std::string& name, const std::vector<Limit<std::int64_t>>& allowed,
                    std::int64_t seen) {
  std::string list;
  for (const auto& each : allowed) {
    if (each.holds(seen)) return {};
    auto text = Value<Limit<std::int64_t>>::print(each);
    if (text.starts_with("= ")) text.erase(0, 2);
    list += (list.empty() ? "" : ", ") + text;
  }
  const auto what = name + " " + std::to_string(seen);
  return what + (allowed.size() == 1 ? " is not " : " is none of ") + list;
}

std::string json_breach(const std::string& pointer, const JsonExpectation& expect,
                        const JsonValue& value) {
  const auto name = "'" + pointer + "'";
  if (!expect.limit)
    return value.text == expect.text
               ? ""
               : name + " is '" + readable(value.text) + "', not '" + expect.text + "'";
  if (!value.number) return name + " is '" + readable(value.text) + "', not a number";
  return breach_of(name, *expect.limit, *value.number, number_text(*value.number));
}

}  // namespace

Result<JsonExpectation> Value<JsonExpectation>::parse(const Raw& raw) {
  if (std::holds_alternative<bool>(raw.value)) return JsonExpectation{describe(raw), {}};
  const auto* text = std::get_if<std::string>(&raw.value);
  if (!text) {
    SQUALL_TRY(const auto limit, Value<Limit<double>>::parse(raw));
    return JsonExpectation{{}, limit};
  }
  const auto parts = split_limit(*text);
  if (parts.bare) return JsonExpectation{*text, {}};
  auto limit = Value<Limit<double>>::parse(raw);
  if (limit) return JsonExpectation{{}, *limit};
  // "= <none>" is how a text is written that looks like a comparison; "a..b" is one by itself.
  if (parts.op == Op::equal) return JsonExpectation{parts.value, {}};
  if (parts.op == Op::between) return JsonExpectation{*text, {}};
  return std::move(limit).error();
}
std::string Value<JsonExpectation>::print(const JsonExpectation& value) {
  return value.limit ? Value<Limit<double>>::print(*value.limit) : value.text;
}
TypeSheet Value<JsonExpectation>::sheet() {
  return {"text, number or comparison",
          "< 100",
          "",
          {},
          {"string", "integer", "number", "boolean"},
          false};
}

std::vector<Field<Expectation>> status_fields() {
  return {field("status", &Expectation::status, "status of the answer, one or several")};
}

std::vector<Field<Expectation>> exit_code_fields() {
  return {field("exit_code", &Expectation::exit_code, "exit code, one or several")};
}

std::vector<Field<Expectation>> latency_fields() {
  auto percentiles = open_field("latency_p<percentile>", &Expectation::percentiles,
                                "percentile of the latency over the window");
  percentiles.set_open = [set = percentiles.set_open](Expectation& p, const std::string& rest,
                                                      const Raw& raw) -> Result<> {
    SQUALL_CHECK(parse_percentile(rest));
    return set(p, rest, raw);
  };
  return {field("latency", &Expectation::latency, "time from question to answer"),
          std::move(percentiles),
          field("window", &Expectation::window, "time over which percentiles are taken")
              .range<Duration>(100ms, 10min)};
}

std::vector<Field<Expectation>> text_fields() {
  auto json = open_field("json.<pointer>", &Expectation::json, "value at a JSON pointer");
  json.set_open = [set = json.set_open](Expectation& p, const std::string& rest,
                                        const Raw& raw) -> Result<> {
    SQUALL_CHECK(check_json_pointer(rest));
    return set(p, rest, raw);
  };
  return {field("matches", &Expectation::matches, "regular expression found in the text"),
          field("number", &Expectation::number,
                "number in the text: the first group of matches, or the first one there is"),
          std::move(json)};
}

std::string readable(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string made(text.substr(0, kLongest));
  for (char& c : made) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = ' ';
    if (static_cast<unsigned char>(c) > 0x7F) c = '?';
  }
  while (made.ends_with(' ')) made.pop_back();
  return text.size() > kLongest ? made + "…" : made;
}

std::string as_reason(std::string text) {
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a')
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

std::string reason_of(int error_number) { return as_reason(std::strerror(error_number)); }

std::optional<double> first_number(std::string_view text) {
  const auto* const end = text.data() + text.size();
  for (const auto* at = text.data(); at != end; ++at) {
    const bool digit = *at >= '0' && *at <= '9';
    const bool sign = *at == '-' && at + 1 != end && at[1] >= '0' && at[1] <= '9';
    if (!digit && !sign) continue;
    double value = 0;
    if (std::from_chars(at, end, value).ec == std::errc{}) return value;
  }
  return std::nullopt;
}

Duration percentile(std::vector<Duration>& all, double percent) {
  if (all.empty()) return {};
  const auto rank = std::ceil(percent / 100 * static_cast<double>(all.size()));
  const auto at = std::clamp<std::size_t>(static_cast<std::size_t>(rank), 1, all.size()) - 1;
  std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(at), all.end());
  return all[at];
}

ProbeAnswer Judge::judge(Instant now, const Seen& seen) {
  std::vector<std::string> breaches = seen.breaches;
  const auto note = [&](std::string breach) {
    if (!breach.empty()) breaches.push_back(std::move(breach));
  };
  ProbeAnswer answer;
  answer.latency = seen.latency.value_or(seen.took);
  answer.value = seen.value;
  if (seen.latency && !seen.value)
    answer.value = std::chrono::duration<double>(*seen.latency).count();
  if (seen.status && !expect_.status.empty()) note(none_of("status", expect_.status, *seen.status));
  if (seen.exit_code && !expect_.exit_code.empty())
    note(none_of("exit code", expect_.exit_code, *seen.exit_code));
  std::optional<double> number;
  if (seen.text && expect_.asks_text()) judge_text(seen, breaches, number);
  if (seen.latency) {
    remember(now, *seen.latency);
    judge_latency(seen, breaches);
  }
  if (number) answer.value = number;
  answer.said = seen.said;
  if (number) answer.said += ", " + number_text(*number);
  if (seen.latency) answer.said += " in " + to_rounded_text(*seen.latency);
  for (const auto& each : breaches) answer.why += (answer.why.empty() ? "" : "; ") + each;
  answer.held = breaches.empty();
  if (!answer.held && !seen.remark.empty()) answer.why += " (" + seen.remark + ")";
  return answer;
}

ProbeAnswer Judge::fail(Instant now, std::string why, Duration waited, bool counts) {
  if (counts) remember(now, waited);
  ProbeAnswer answer;
  answer.said = why;
  answer.why = std::move(why);
  answer.latency = waited;
  answer.timed = counts;
  return answer;
}

void Judge::remember(Instant now, Duration latency) {
  constexpr std::size_t kMost = 10'000;
  if (expect_.percentiles.empty()) return;
  window_.emplace_back(now, latency);
  while (window_.size() > kMost || window_.front().first + expect_.window < now)
    window_.pop_front();
}

void Judge::judge_latency(const Seen& seen, std::vector<std::string>& breaches) const {
  if (expect_.latency)
    if (auto breach =
            breach_of("latency", *expect_.latency, *seen.latency, to_rounded_text(*seen.latency));
        !breach.empty())
      breaches.push_back(std::move(breach));
  if (expect_.percentiles.empty()) return;
  std::vector<Duration> all;
  for (const auto& [at, latency] : window_) all.push_back(latency);
  for (const auto& [rank, limit] : expect_.percentiles) {
    const auto at = percentile(all, *parse_percentile(rank));
    auto breach = breach_of("p" + rank + " latency of the last " + std::to_string(all.size()) +
                                (all.size() == 1 ? " answer" : " answers"),
                            limit, at, to_rounded_text(at));
    if (!breach.empty()) breaches.push_back(std::move(breach));
  }
}

void Judge::judge_text(const Seen& seen, std::vector<std::string>& breaches,
                       std::optional<double>& number) const {
  std::optional<std::string_view> group;
  if (expect_.matches) {
    const auto& found = seen.found;
    if (found)
      group = found.match->group.value_or(found.match->whole);
    else
      breaches.push_back("'" + expect_.matches->text() +
                         (found.gave_up ? "' takes too long on '" : "' does not match '") +
                         readable(*seen.text) + "'");
  }
  if (expect_.number) {
    number = first_number(expect_.matches ? group.value_or("") : *seen.text);
    if (!number)
      breaches.push_back("there is no number in '" + readable(*seen.text) + "'");
    else if (auto breach = breach_of("number", *expect_.number, *number, number_text(*number));
             !breach.empty())
      breaches.push_back(std::move(breach));
  }
  if (expect_.json.empty()) return;
  const auto json = JsonText::parse(*seen.text);
  if (!json) {
    breaches.push_back(seen.cut ? "the JSON is longer than " + to_text(Bytes{kTextKept})
                                : "'" + readable(*seen.text) + "' is not JSON");
    return;
  }
  for (const auto& [pointer, expect] : expect_.json) {
    const auto value = json->find(pointer);
    if (!value) {
      breaches.push_back("there is no '" + pointer + "' in the JSON");
      continue;
    }
    if (!number && expect.limit) number = value->number;
    if (auto breach = json_breach(pointer, expect, *value); !breach.empty())
      breaches.push_back(std::move(breach));
  }
}

}  // namespace squall
