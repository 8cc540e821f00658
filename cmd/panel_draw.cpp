// SPDX-License-Identifier: Apache-2.0

#include "cmd/panel.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace squall {
namespace {

constexpr int kName = 28;     // columns of the longest name shown
constexpr int kSaid = 28;     // of a probe's last answer
constexpr int kWidest = 100;  // of the whole panel

struct Row {
  std::string mark;
  std::vector<std::string> cells;  // may hold escapes
};

std::string faint_arrow_time(const Look& look, std::string_view what, Duration time) {
  return std::string(what) + " " + look.paint(Tone::strong, clock_text(time));
}

std::string fault_state(const Panel& panel, const PanelFault& fault, const Look& look) {
  switch (fault.state) {
    case PanelFault::State::waiting:
      if (panel.phase != "before" && panel.phase != "during")
        return look.paint(Tone::faint, "never began");
      return look.paint(Tone::faint, "begins in " + clock_text(fault.start - panel.elapsed));
    case PanelFault::State::active:
      return faint_arrow_time(look, "active, still", fault.end - panel.elapsed);
    case PanelFault::State::ended:
      return look.paint(Tone::faint, "ended after " + to_rounded_text(fault.lasted));
    case PanelFault::State::failed:
      return look.paint(Tone::bad, clip(fault.why, 60, look));
  }
  return {};
}

Glyph fault_glyph(const PanelFault& fault) {
  switch (fault.state) {
    case PanelFault::State::waiting:
      return Glyph::waiting;
    case PanelFault::State::active:
      return Glyph::active;
    case PanelFault::State::ended:
      return Glyph::good;
    case PanelFault::State::failed:
      return Glyph::bad;
  }
  return Glyph::waiting;
}

Row fault_row(const Panel& panel, const PanelFault& fault, const Look& look) {
  auto told = fault.strength;
  if (!fault.verdict.empty()) {
    const auto tone = fault.verdict == "confirmed"  ? Tone::good
                      : fault.verdict == "mismatch" ? Tone::bad
                                                    : Tone::faint;
    told += (told.empty() ? "" : "  ") + look.paint(tone, fault.verdict);
  }
  return {look.mark(fault_glyph(fault)),
          {clip(fault.name, kName, look), kind_beside(fault.name, fault.kind, look),
           fault_state(panel, fault, look), told}};
}

std::string breaches_of(const PanelProbe& probe, const Look& look) {
  if (probe.in_a_row > 0 && probe.tolerated > 1)
    return look.paint(Tone::bad, "breach " + std::to_string(probe.in_a_row) + " of " +
                                     std::to_string(probe.tolerated) + " in a row");
  return look.paint(probe.breaches ? Tone::warn : Tone::faint,
                    grouped(probe.breaches) + " of " + grouped(probe.answers) + " breached");
}

Row probe_row(const PanelProbe& probe, const Look& look) {
  const auto name = clip(visible(probe.name), kName, look);
  if (!probe.asked)
    return {look.mark(Glyph::waiting), {name, look.paint(Tone::faint, "not asked yet"), "", ""}};
  // What the other columns leave of the line, so that nothing is cut at its end.
  const auto shown = static_cast<std::size_t>(std::clamp(look.width - 78, 6, int{kTrend}));
  const auto first =
      probe.trend.end() - static_cast<std::ptrdiff_t>(std::min(shown, probe.trend.size()));
  const std::deque<std::optional<double>> newest(first, probe.trend.end());
  return {look.mark(probe.held ? Glyph::good : Glyph::bad),
          {name, look.paint(probe.held ? Tone::plain : Tone::bad, clip(probe.said, kSaid, look)),
           look.paint(Tone::accent, pad(sparkline(newest, look), static_cast<int>(shown))),
           breaches_of(probe, look)}};
}

Row guard_row(const PanelGuard& guard, const Look& look) {
  const bool fine = guard.word.empty() || guard.word == "carry_on";
  return {look.mark(fine ? Glyph::good : Glyph::bad),
          {clip(visible(guard.name), 2 * kName, look),
           look.paint(fine ? Tone::plain : Tone::bad, clip(guard.value, kSaid, look))}};
}

void section(std::vector<std::string>& lines, std::string_view title, const std::vector<Row>& rows,
             const Look& look) {
  if (rows.empty()) return;
  lines.push_back(look.paint(Tone::strong, title));
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : rows) {
    auto all = row.cells;
    all.front() = row.mark + " " + all.front();
    cells.push_back(std::move(all));
  }
  const auto text = table(cells, 2);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
}

std::string time_line(const Panel& panel, const Look& look) {
  // Without probes nobody asks: these phases pass at once.
  if (panel.probes.empty() && panel.phase == "before") return "  about to begin";
  if (panel.probes.empty() && panel.phase == "after") return "  everything is put back";
  if (panel.phase == "before") return "  asking for the steady state before anything is changed";
  if (panel.phase == "rollback") return "  putting everything back";
  if (panel.phase == "finished") return "  everything is put back, and the run is over";
  if (panel.phase == "after") return "  everything is put back; asking for the steady state again";
  const auto elapsed = std::min(panel.elapsed, panel.length);
  const double share = panel.length > 0s ? std::chrono::duration<double>(elapsed) /
                                               std::chrono::duration<double>(panel.length)
                                         : 1;
  return "  " + clock_text(elapsed) + " " + bar(share, std::clamp(look.width - 34, 10, 50), look) +
         " " + clock_text(panel.length - elapsed) + " left of " + clock_text(panel.length);
}

// Lines may hold escapes, so they are cut by leaving the last columns out.
std::string fit(const std::string& line, int width) {
  if (columns(line) <= width) return line;
  std::string cut;
  int left = width;
  for (std::size_t at = 0; at < line.size();) {
    if (line[at] == '\x1b') {
      const auto end = std::min(line.find('m', at), line.size() - 1) + 1;
      cut += line.substr(at, end - at);
      at = end;
      continue;
    }
    auto end = at + 1;
    while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) ++end;
    if (left-- > 0) cut += line.substr(at, end - at);
    at = end;
  }
  return cut;
}

}  // namespace

std::string clock_text(Duration since) {
  const auto seconds = std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::seconds>(since + 500ms).count());
  const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const auto rest = two(seconds / 60 % 60) + ":" + two(seconds % 60);
  return seconds < 3600 ? rest : std::to_string(seconds / 3600) + ":" + rest;
}

std::string bar(double share, int width, const Look& look) {
  const auto full = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * width));
  std::string done;
  std::string left;
  for (int i = 0; i < width; ++i)
    (i < full ? done : left) += look.unicode ? "━" : i < full ? "#" : ".";
  // Without colour both halves would look the same.
  if (!look.color && look.unicode) {
    left.clear();
    for (int i = full; i < width; ++i) left += "┄";
  }
  return look.paint(Tone::accent, done) + look.paint(Tone::faint, left);
}

std::string sparkline(const std::deque<std::optional<double>>& trend, const Look& look) {
  static constexpr std::array<const char*, 8> kFine = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::array<const char*, 8> kPlain = {"_", ".", "-", "~", "=", "*", "#", "@"};
  const auto& steps = look.unicode ? kFine : kPlain;
  double low = 0;
  double high = 0;
  bool any = false;
  for (const auto& each : trend) {
    if (!each || !std::isfinite(*each)) continue;
    low = any ? std::min(low, *each) : *each;
    high = any ? std::max(high, *each) : *each;
    any = true;
  }
  std::string text;
  for (const auto& each : trend) {
    if (!each || !std::isfinite(*each)) {
      text += look.unicode ? "×" : "!";
      continue;
    }
    // Noise of a few per cent is no trend: the scale spans at least half of the largest value.
    const double span = std::max(high - low, std::abs(high) / 2);
    const double share = span > 0 ? (*each - low) / span : 0;
    text += steps[static_cast<std::size_t>(std::clamp(std::lround(share * 7), 0L, 7L))];
  }
  return text;
}

std::vector<std::string> panel_lines(const Panel& panel, const Look& wide, int rows) {
  auto look = wide;
  look.width = std::min(look.width, kWidest);
  std::vector<std::string> lines;
  lines.push_back(
      look.paint(Tone::strong, "squall") + "  " +
      look.paint(Tone::strong, clip(panel.name, look.width - 32, look)) +
      (panel.seeded ? look.paint(Tone::faint, "  seed " + std::to_string(panel.seed)) : ""));
  if (!panel.hypothesis.empty())
    for (const auto& line : wrap(panel.hypothesis, look.width - 2))
      lines.push_back("  " + look.paint(Tone::faint, line));
  lines.push_back(time_line(panel, look));
  if (!panel.stopping.empty())
    lines.push_back(
        "  " + look.paint(Tone::bad, clip("stopping: " + panel.stopping, look.width - 2, look)));
  std::vector<Row> faults;
  std::vector<Row> probes;
  std::vector<Row> guards;
  for (const auto& each : panel.faults) faults.push_back(fault_row(panel, each, look));
  for (const auto& each : panel.probes) probes.push_back(probe_row(each, look));
  for (const auto& each : panel.guards) guards.push_back(guard_row(each, look));
  section(lines, "faults", faults, look);
  section(lines, "probes", probes, look);
  section(lines, "guards", guards, look);
  for (auto& line : lines) line = fit(line, wide.width);
  const auto most = static_cast<std::size_t>(std::max(rows, 2));
  if (lines.size() > most) {
    const auto hidden = lines.size() - most + 1;
    lines.resize(most - 1);
    lines.push_back(look.paint(Tone::faint, "  and " + counted(hidden, "more line")));
  }
  return lines;
}

}  // namespace squall
