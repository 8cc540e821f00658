// SPDX-License-Identifier: Apache-2.0
//
// What a probe may expect of an answer, the same words for every kind:
//
//   expect = { status = 200, latency = "< 50ms", latency_p99 = "< 80ms", window = "10s",
//              matches = "depth=([0-9]+)", number = "< 100", json = { "/state" = "ok" } }
//
// Each kind takes the groups of fields that make sense for it.

#pragma once

#include "safety/base/limit.hpp"
#include "safety/base/pattern.hpp"
#include "scenarios/probe/probe.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace squall {

constexpr std::size_t kTextKept = 64 * 1024;  // of a body or output; the rest is read and dropped

// The value at a JSON pointer: the same text, or within a limit.
struct JsonExpectation {
  std::string text;
  std::optional<Limit<double>> limit;
};
SQUALL_DECLARE_VALUE(JsonExpectation);

struct Expectation {
  std::vector<Limit<std::int64_t>> status;  // any of them
  std::vector<Limit<std::int64_t>> exit_code;
  std::optional<Limit<Duration>> latency;
  OpenList<Limit<Duration>> percentiles;  // "99": "< 80ms"
  Duration window = 10s;                  // over which percentiles are taken
  std::optional<Pattern> matches;
  std::optional<Limit<double>> number;  // first group of `matches`, or the first number there is
  OpenList<JsonExpectation> json;

  bool asks_text() const { return matches || number || !json.empty(); }
};

std::vector<Field<Expectation>> status_fields();
std::vector<Field<Expectation>> exit_code_fields();
std::vector<Field<Expectation>> latency_fields();
std::vector<Field<Expectation>> text_fields();

struct Seen {
  std::string said;  // "connected", "200", "exit code 0"
  std::optional<std::int64_t> status;
  std::optional<std::int64_t> exit_code;
  std::optional<std::string_view> text;
  Pattern::Found found;  // of `matches` in the text
  bool cut = false;      // the text was longer than what was kept
  std::optional<Duration> latency;
  Duration took{};                    // where the latency is not the service's, and not judged
  std::optional<double> value;        // to chart, unless a number was asked for
  std::vector<std::string> breaches;  // of what only this kind expects
  std::string remark;                 // what else there is to say of an answer that breaches
};

// Judges answers; remembers their latencies for the percentiles.
class Judge {
 public:
  explicit Judge(Expectation expectation) : expect_(std::move(expectation)) {}
  const Expectation& expectation() const { return expect_; }

  ProbeAnswer judge(Instant now, const Seen& seen);
  // There was no answer: "connection refused". `waited` counts as its latency when it is
  // why (a timeout), since a percentile without the slowest answers would lie.
  ProbeAnswer fail(Instant now, std::string why, Duration waited, bool counts);
  void begin_phase() { window_.clear(); }

 private:
  void remember(Instant now, Duration latency);
  void judge_latency(const Seen& seen, std::vector<std::string>& breaches) const;
  void judge_text(const Seen& seen, std::vector<std::string>& breaches,
                  std::optional<double>& number) const;

  Expectation expect_;
  std::deque<std::pair<Instant, Duration>> window_;
};

// Nearest rank: the smallest latency that at least `percent` of the answers do not exceed; 0
// of none. Sorts `all` in part.
Duration percentile(std::vector<Duration>& all, double percent);

// For messages: shortened, and without what a terminal would act on, since what a service
// sent may be anything.
std::string readable(std::string_view text);
// As the end of a sentence: "connection refused", but "HTTP/0.9 is not allowed".
std::string as_reason(std::string text);
std::string reason_of(int error_number);
// The first number in a text, or none.
std::optional<double> first_number(std::string_view text);

}  // namespace squall
