// SPDX-License-Identifier: Apache-2.0

#include "cmd/panel.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace squall {
namespace {

using Trend = std::deque<std::optional<double>>;

const Look kPlain{false, true, 100};

Panel example() {
  Panel panel;
  panel.name = "slow gateway";
  panel.hypothesis = "orders are acknowledged";
  panel.length = 60s;
  PanelFault fault;
  fault.name = "lossy uplink";
  fault.kind = "packet_loss";
  fault.start = 5s;
  fault.end = 35s;
  fault.ramped = {"loss"};
  panel.faults.push_back(fault);
  PanelProbe probe;
  probe.name = "gateway answers";
  probe.tolerated = 3;
  panel.probes.push_back(probe);
  panel.guards.push_back({"free_memory > 64MiB", {}, {}});
  return panel;
}

Event event(std::string name, std::vector<std::pair<std::string, EventValue>> keys,
            std::int64_t at_ns) {
  return {std::move(name), std::move(keys), 0, at_ns};
}

void begin(Panel& panel) {
  apply(panel, event("run_started", {{"seed", std::int64_t{42}}}, 1'000'000'000));
  apply(panel, event("phase", {{"phase", std::string("during")}}, 2'000'000'000));
}

Event answer(bool held, double value, std::int64_t in_a_row, std::int64_t at_ns) {
  return event("probe_answer",
               {{"probe", std::string("gateway answers")},
                {"held", held},
                {"said", std::string("answered in 3ms")},
                {"why", std::string(held ? "" : "latency 71ms is not < 50ms")},
                {"value", value},
                {"breaches", in_a_row}},
               at_ns);
}

std::string all(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

bool shows(const Panel& panel, const std::string& text, const Look& look = kPlain) {
  return all(panel_lines(panel, look, 50)).find(text) != std::string::npos;
}

TEST_CASE("a sparkline spans from the least to the largest value") {
  CHECK(sparkline(Trend{0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0}, kPlain) == "▁▂▃▄▅▆▇█");
  CHECK(sparkline(Trend{0.0, std::nullopt, 7.0}, kPlain) == "▁×█");
  CHECK(sparkline(Trend{}, kPlain) == "");
  CHECK(sparkline(Trend{0.0, 7.0}, Look{false, false, 80}) == "_@");
}

TEST_CASE("noise of a few per cent is drawn flat") {
  CHECK(sparkline(Trend{100.0, 100.5, 100.2}, kPlain) == "▁▁▁");
  CHECK(sparkline(Trend{0.0, 0.0}, kPlain) == "▁▁");
}

TEST_CASE("times on the panel") {
  CHECK(clock_text(12s) == "00:12");
  CHECK(clock_text(-3s) == "00:00");
  CHECK(clock_text(1h + 2min + 3s) == "1:02:03");
  CHECK(clock_text(11s + 600ms) == "00:12");
}

TEST_CASE("a bar is as wide as asked at every share") {
  for (const double share : {-1.0, 0.0, 0.3, 1.0, 2.0})
    for (const bool unicode : {true, false})
      CHECK(columns(bar(share, 20, Look{false, unicode, 80})) == 20);
  CHECK(bar(0.5, 4, Look{false, false, 80}) == "##..");
}

TEST_CASE("a fault waits, is active, and ends") {
  auto panel = example();
  begin(panel);
  panel.elapsed = 2s;
  CHECK(shows(panel, "begins in 00:03"));
  const std::pair<std::string, EventValue> slot{"slot", std::int64_t{0}};
  apply(panel, event("fault_active", {slot}, 7'000'000'000));
  panel.elapsed = 10s;
  CHECK(shows(panel, "active, still 00:25"));
  apply(panel, event("fault_adjusted",
                     {slot, {"strength", std::string("interface='eth0' loss='7.2%'")}}, 0));
  CHECK(shows(panel, "  loss 7.2%\n"));
  apply(panel, event("fault_effect", {slot, {"verdict", std::string("confirmed")}}, 0));
  apply(panel, event("fault_ended", {slot, {"active_ns", std::int64_t{30'000'000'000}}}, 0));
  CHECK(shows(panel, "ended after 30s"));
  CHECK(shows(panel, "confirmed"));
}

TEST_CASE("a probe shows its last answer, its trend and its breaches") {
  auto panel = example();
  begin(panel);
  CHECK(shows(panel, "not asked yet"));
  for (int i = 0; i < 40; ++i) apply(panel, answer(true, 0.003, 0, 3'000'000'000 + i));
  CHECK(panel.probes[0].trend.size() == kTrend);
  CHECK(shows(panel, "answered in 3ms"));
  CHECK(shows(panel, "0 of 40 breached"));
  apply(panel, answer(false, 0.071, 1, 4'000'000'000));
  apply(panel, answer(false, 0.071, 2, 5'000'000'000));
  CHECK(shows(panel, "latency 71ms is not < 50ms"));
  CHECK(shows(panel, "breach 2 of 3 in a row"));
}

TEST_CASE("a fault that cannot be undone, or failed before it ended, has no tick") {
  auto panel = example();
  begin(panel);
  const std::pair<std::string, EventValue> slot{"slot", std::int64_t{0}};
  const auto failed = event("fault_failed", {slot, {"error", std::string("no such loss")}}, 0);
  const auto ended = event("fault_ended", {slot, {"active_ns", std::int64_t{1}}}, 0);
  const auto left = event("left",
                          {slot,
                           {"fault", std::string("lossy uplink")},
                           {"what", std::string("attach a program")},
                           {"error", std::string("it is busy")}},
                          0);
  apply(panel, failed);
  apply(panel, ended);
  CHECK(shows(panel, "✖ lossy uplink"));
  CHECK(shows(panel, "no such loss"));
  apply(panel, left);
  CHECK(shows(panel, "not undone: it is busy"));
  CHECK(event_line(panel, left, kPlain)
            .find("fault 'lossy uplink' is not undone: attach a program: it is busy") !=
        std::string::npos);
}

TEST_CASE("a seed of any size is shown as it is") {
  auto panel = example();
  apply(panel, event("run_started", {{"seed", std::uint64_t{18446744073709551615u}}}, 0));
  CHECK(shows(panel, "seed 18446744073709551615"));
}

TEST_CASE("a guard that objects is shown with what it saw") {
  auto panel = example();
  apply(panel, event("guard_word",
                     {{"guard", std::string("free_memory > 64MiB")},
                      {"word", std::string("abort")},
                      {"value", std::string("12MiB")}},
                     0));
  CHECK(shows(panel, "✖ free_memory > 64MiB  12MiB"));
}

TEST_CASE("no line is wider than the terminal, and no more lines than it has") {
  auto panel = example();
  panel.name = std::string(200, 'n');
  panel.hypothesis = std::string(300, 'h');
  begin(panel);
  apply(panel, answer(false, 0.071, 1, 4'000'000'000));
  for (const bool color : {true, false})
    for (const int width : {20, 60, 80, 200})
      for (const auto& line : panel_lines(panel, Look{color, true, width}, 50))
        CHECK(columns(line) <= width);
  CHECK(panel_lines(panel, kPlain, 5).size() == 5);
  CHECK(panel_lines(panel, kPlain, 5).back() == "  and 5 more lines");
}

TEST_CASE("control characters from outside reach no terminal") {
  auto panel = example();
  begin(panel);
  apply(panel, event("probe_answer",
                     {{"probe", std::string("gateway answers")},
                      {"held", true},
                      {"said", std::string("ok\x1b[2J\nand \xc2\x9b more")}},
                     0));
  const auto text = all(panel_lines(panel, kPlain, 50));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("\xc2\x9b") == std::string::npos);
  CHECK(text.find("ok?[2J and ? more") != std::string::npos);
}

TEST_CASE("plain lines tell what changed, not every answer") {
  auto panel = example();
  begin(panel);
  const auto tell = [&](const Event& one) {
    apply(panel, one);
    return event_line(panel, one, kPlain);
  };
  CHECK(tell(answer(true, 0.003, 0, 3'000'000'000)) ==
        "00:01.0  probe 'gateway answers': holds: answered in 3ms\n");
  CHECK(tell(answer(true, 0.003, 0, 4'000'000'000)).empty());
  CHECK(tell(answer(false, 0.071, 1, 5'000'000'000)) ==
        "00:03.0  probe 'gateway answers': breached: latency 71ms is not < 50ms (1 of 3 in a "
        "row)\n");
  CHECK(tell(answer(false, 0.071, 2, 6'000'000'000)).empty());
  CHECK_FALSE(tell(answer(true, 0.003, 0, 7'000'000'000)).empty());
}

}  // namespace
}  // namespace squall
