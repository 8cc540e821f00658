// SPDX-License-Identifier: Apache-2.0

#include "cmd/verdict_text.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace squall {
namespace {

std::string spent(std::int64_t ns) { return to_rounded_text(Duration(ns)); }

std::string headline(const RunResult& result, const Look& look) {
  switch (result.outcome) {
    case Outcome::held:
      return look.mark(Glyph::good) + " " +
             look.paint(Tone::good, !result.probes.empty()      ? "the hypothesis held"
                                    : result.hypothesis.empty() ? "done"
                                                                : "done; no probe tested the "
                                                                  "hypothesis");
    case Outcome::deviated:
      return look.mark(Glyph::bad) + " " + look.paint(Tone::bad, "the hypothesis did not hold");
    case Outcome::refused:
      return look.mark(Glyph::bad) + " " + look.paint(Tone::bad, "refused; nothing was changed");
    case Outcome::aborted:
      return look.mark(Glyph::warn) + " " + look.paint(Tone::warn, "aborted");
    case Outcome::not_clean:
      return look.mark(Glyph::bad) + " " + look.paint(Tone::bad, "the host is not clean");
    case Outcome::internal_error:
      return look.mark(Glyph::bad) + " " + look.paint(Tone::bad, "internal error");
  }
  return "";
}

Glyph effect_glyph(const FaultReport& fault) {
  if (!fault.error.empty()) return Glyph::bad;
  if (!fault.injected) return Glyph::waiting;
  switch (fault.effect.verdict) {
    case Effect::Verdict::confirmed:
      return Glyph::good;
    case Effect::Verdict::mismatch:
      return Glyph::bad;
    case Effect::Verdict::inconclusive:
      return Glyph::warn;
  }
  return Glyph::warn;
}

std::string measured(const FaultReport& fault, const Look& look) {
  std::string text;
  for (const auto& each : fault.effect.measures)
    text += (text.empty() ? "" : ", ") + each.what + " " + each.requested + " " +
            std::string(look.glyph(Glyph::arrow)) + " " + each.achieved;
  return visible(text.empty() ? fault.requested : text);
}

std::string verdict_word(const FaultReport& fault, const Look& look) {
  if (!fault.error.empty()) return look.paint(Tone::bad, "failed");
  if (!fault.injected) return look.paint(Tone::faint, "never began");
  const auto tone = fault.effect.verdict == Effect::Verdict::confirmed  ? Tone::good
                    : fault.effect.verdict == Effect::Verdict::mismatch ? Tone::bad
                                                                        : Tone::warn;
  return look.paint(tone, word(fault.effect.verdict));
}

// What held under a fault that did not act as asked, held under less than was planned.
std::string caveat(const RunResult& result, const Look& look) {
  const auto weak = static_cast<std::size_t>(std::ranges::count_if(
      result.faults, [](const FaultReport& each) { return effect_glyph(each) == Glyph::bad; }));
  if (weak == 0 || result.outcome != Outcome::held) return "";
  return look.mark(Glyph::warn) + " " +
         look.paint(Tone::warn, "but " + std::to_string(weak) + " of " +
                                    counted(result.faults.size(), "fault") +
                                    " did not act as asked: it was tested under less") +
         "\n";
}

std::string notes_text(const RunResult& result, const Look& look) {
  std::string text;
  for (const auto& each : result.notes)
    text += look.mark(Glyph::warn) + " " + look.paint(Tone::warn, visible(each)) + "\n";
  return text;
}

struct Row {
  std::vector<std::string> cells;
  std::vector<std::string> notes;  // lines of their own below
};

std::vector<std::string> aligned(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> cells;
  for (const auto& each : rows) cells.push_back(each.cells);
  const auto text = table(cells, 4);
  std::vector<std::string> lines;
  for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1)
    lines.push_back(text.substr(at, (end = text.find('\n', at)) - at));
  return lines;
}

// Where the table is wider than the terminal, the cells of column `movable` go below.
std::string rows_with_notes(std::vector<Row> rows, std::ptrdiff_t movable, const Look& look) {
  auto lines = aligned(rows);
  if (std::ranges::any_of(lines, [&](const auto& each) { return columns(each) > look.width; })) {
    for (auto& [cells, notes] : rows) {
      notes.insert(notes.begin(), cells[static_cast<std::size_t>(movable)]);
      cells.erase(cells.begin() + movable);
    }
    lines = aligned(rows);
  }
  std::string made;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    made += lines[i] + "\n";
    for (const auto& note : rows[i].notes) {
      if (note.empty()) continue;
      for (const auto& line : wrap(note, std::max(40, look.width - 8)))
        made += "        " + look.paint(Tone::faint, line) + "\n";
    }
  }
  return made;
}

std::string faults_text(const RunResult& result, const Look& look) {
  if (result.faults.empty()) return "";
  std::vector<Row> rows;
  for (const auto& each : result.faults)
    rows.push_back(
        {{look.mark(effect_glyph(each)) + " " + visible(each.name),
          kind_beside(each.name, each.kind, look), each.injected ? spent(each.active_ns) : "-",
          measured(each, look), verdict_word(each, look)},
         {visible(each.error.empty() ? each.effect.why : each.error)}});
  return "  " + look.paint(Tone::strong, "faults") +
         look.paint(Tone::faint, "  asked " + std::string(look.glyph(Glyph::arrow)) + " achieved") +
         "\n" + rows_with_notes(std::move(rows), 3, look);
}

std::string held_of(std::string_view phase, const ProbeReport::Count& count) {
  if (count.asked == 0) return "";
  return std::string(phase) + " " + std::to_string(count.asked - count.breached) + "/" +
         std::to_string(count.asked);
}

std::string latency_of(const ProbeReport& probe, const Look& look) {
  if (probe.p50_ns == 0) return "";
  return look.paint(Tone::faint, "p50 " + spent(probe.p50_ns) + "  p99 " + spent(probe.p99_ns) +
                                     "  max " + spent(probe.max_ns));
}

std::string probes_text(const RunResult& result, const Look& look) {
  if (result.probes.empty()) return "";
  std::vector<Row> rows;
  for (const auto& each : result.probes)
    rows.push_back(
        {{look.mark(each.held ? Glyph::good : Glyph::bad) + " " + visible(each.name),
          held_of("before", each.before), held_of("during", each.during),
          held_of("after", each.after), latency_of(each, look)},
         {each.breach.empty() ? "" : "first breach that counted: " + visible(each.breach)}});
  return "  " + look.paint(Tone::strong, "probes") + look.paint(Tone::faint, "  held / asked") +
         "\n" + rows_with_notes(std::move(rows), 4, look);
}

std::string host_text(const RunResult& result, const Look& look) {
  auto text = "  " + look.paint(Tone::strong, "host") + "\n";
  if (result.residue.empty()) {
    text += "    " + look.mark(Glyph::good) + " as it was: " + counted(result.changes, "change") +
            " undone" + (result.rollback_ns ? " in " + spent(result.rollback_ns) : "") + ", " +
            counted(result.compared, "fact") + " compared, 0 differences\n";
  } else {
    text += "    " + look.mark(Glyph::bad) + " " +
            look.paint(Tone::bad, "not as it was: " + counted(result.residue.size(), "thing") +
                                      " of squall's left") +
            "\n";
    for (const auto& each : result.residue) {
      text += "      " + visible(each.what) + "\n";
      if (!each.by_hand.empty()) text += "        by hand: " + visible(each.by_hand) + "\n";
    }
  }
  for (const auto& each : result.foreign)
    text +=
        "    " + look.mark(Glyph::warn) + " changed by others meanwhile: " + visible(each) + "\n";
  return text;
}

// Below a headline that judges it, it speaks for itself; below others it would pass for a fact.
std::string hypothesis_text(const RunResult& result, const Look& look) {
  if (result.hypothesis.empty()) return "";
  const bool judged = !result.probes.empty() &&
                      (result.outcome == Outcome::held || result.outcome == Outcome::deviated);
  const auto all = (judged ? "" : "hypothesis: ") + visible(result.hypothesis);
  std::string text;
  for (const auto& line : wrap(all, look.width - 2))
    text += "  " + look.paint(Tone::faint, line) + "\n";
  return text;
}

// As a shell takes it.
std::string quoted(const std::string& text) {
  const bool plain = std::ranges::all_of(text, [](unsigned char each) {
    return std::isalnum(each) != 0 ||
           std::string_view("=._-/:%+,@").find(static_cast<char>(each)) != std::string_view::npos;
  });
  if (plain) return text;
  std::string made = "'";
  for (const char each : text) made += each == '\'' ? "'\\''" : std::string(1, each);
  return visible(made + "'");
}

std::string next_step(const RunResult& result) {
  if (result.outcome == Outcome::not_clean) return "squall recover";
  if (result.file.empty()) return "";
  auto command = "squall run " + result.file + " --seed " + std::to_string(result.seed);
  for (const auto& each : result.parameters)
    if (each.overridden) command += " --set " + quoted(each.name + "=" + each.value);
  return command + "   does the same again";
}

std::string footer(const RunResult& result, const Look& look) {
  if (result.run.empty()) return "";
  std::vector<std::vector<std::string>> rows;
  const auto row = [&](std::string_view title, const std::string& text) {
    if (!text.empty()) rows.push_back({look.paint(Tone::faint, title), text});
  };
  std::string nets, parameters;
  for (const auto& each : result.without) nets += (nets.empty() ? "" : ", ") + each;
  row("run",
      result.run + ", " + spent(result.duration_ns) + ", seed " + std::to_string(result.seed));
  for (const auto& each : result.parameters)
    parameters += (parameters.empty() ? "" : ", ") + visible(each.name + " = " + each.value) +
                  (each.overridden ? " (--set)" : "");
  row("parameters", parameters);
  row("given up", nets);
  row("journal", result.directory.empty() ? "" : result.directory + "/journal.jsonl");
  row("events", result.directory.empty() ? "" : result.directory + "/events.jsonl");
  row("next", next_step(result));
  return "\n" + table(rows, 2);
}

}  // namespace

std::string verdict_text(const RunResult& result, const Look& wide) {
  auto look = wide;
  look.width = std::min(look.width, 100);
  auto text = headline(result, look) + "\n" + caveat(result, look) + notes_text(result, look);
  if (!result.reason.empty()) text += paragraph(result.reason, 2, look);
  if (!result.hint.empty()) text += paragraph("hint: " + result.hint, 2, look);
  text += hypothesis_text(result, look);
  if (result.outcome == Outcome::refused) return text + footer(result, look);
  return text + "\n" + faults_text(result, look) + probes_text(result, look) +
         host_text(result, look) + footer(result, look);
}

std::string residue_text(const RunResult& result) {
  std::string text;
  for (const auto& each : result.residue) {
    text += "squall: error: left on this host: " + visible(each.what) + "\n";
    if (!each.by_hand.empty()) text += "  hint: by hand: " + visible(each.by_hand) + "\n";
  }
  return text;
}

}  // namespace squall
