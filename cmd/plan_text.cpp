// SPDX-License-Identifier: Apache-2.0

#include "cmd/plan_text.hpp"

#include "cmd/panel.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

// To the millisecond where it is not whole: a plan is exact.
std::string moment(Duration after) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(after);
  auto rest = std::to_string((after - whole) / 1ms + 1000);
  rest.erase(rest.find_last_not_of('0') + 1);
  return clock_text(whole) + (after == whole ? "" : "." + rest.substr(1));
}

constexpr int kTitle = 12;  // columns before what is said of the safety net

struct Page {
  const Look& look;
  int margin;  // columns before the sentences of a fault
};

std::string_view undone_by(Rung rung) {
  switch (rung) {
    case Rung::dies_with_us:
      return "dies with us: the kernel takes it back when squall ends";
    case Rung::we_own_it:
      return "we own it: carries squall's mark and is removed by it";
    case Rung::shared_state:
      return "shared state: the value before is recorded and restored";
    case Rung::not_undone:
      return "NOT UNDONE: cannot be taken back";
  }
  return "";
}

std::string plain(const Raw& raw) {
  const auto* text = std::get_if<std::string>(&raw.value);
  return visible(text ? *text : describe(raw));
}

std::string ramp_sentence(const Ramp& ramp) {
  return "ramp: " + ramp.field + " to " + plain(ramp.to) + " over " + to_text(ramp.over);
}

// Lines after the first one begin below its text, not below what leads it.
std::string hanging(const Page& page, const std::string& lead, std::string_view text, Tone tone) {
  const int indent = page.margin + columns(lead);
  std::string made(static_cast<std::size_t>(page.margin), ' ');
  made += lead;
  const auto lines = wrap(text, std::max(40, page.look.width - indent));
  for (std::size_t i = 0; i < lines.size(); ++i)
    made += (i ? std::string(static_cast<std::size_t>(indent), ' ') : "") +
            page.look.paint(tone, lines[i]) + "\n";
  return made;
}

std::string notes_of(const PlannedFault& planned, const Page& page) {
  std::string text;
  for (const auto& ramp : planned.checked->entry.ramps)
    text += hanging(page, "", ramp_sentence(ramp), Tone::faint);
  for (const auto& note : planned.plan.notes)
    text += hanging(page, page.look.paint(Tone::warn, "note: "), visible(note), Tone::warn);
  return text;
}

std::string changes_of(const PlannedFault& planned, const Page& page) {
  const bool undone = planned.checked->fault->sheet().rung != Rung::not_undone;
  const auto plus = page.look.paint(undone ? Tone::good : Tone::warn, "+") + " ";
  std::string text;
  for (const auto& intent : planned.plan.intents) {
    text += hanging(page, plus, visible(intent.sentence), Tone::plain);
    if (!intent.undo_sentence.empty())
      text += hanging(page, "  ", "undo: " + visible(intent.undo_sentence), Tone::faint);
    if (intent.survives_reboot)
      text += hanging(page, "  ", "survives a reboot: then 'squall recover' undoes it", Tone::warn);
  }
  return text;
}

std::string fault_text(const PlannedFault& planned, const Page& page) {
  const auto& look = page.look;
  const auto& checked = *planned.checked;
  const auto length = checked.end - checked.entry.start;
  auto text = "  " + look.paint(Tone::strong, pad(moment(checked.entry.start), page.margin - 2)) +
              look.paint(Tone::strong, visible(checked.entry.name));
  if (checked.entry.name != checked.entry.kind)
    text += "  " + look.paint(Tone::accent, checked.entry.kind);
  text +=
      look.paint(Tone::faint, "  for " + to_text(length) + ", until " + moment(checked.end)) + "\n";
  const auto rung = checked.fault->sheet().rung;
  return text + changes_of(planned, page) +
         hanging(page, "", "rung: " + std::string(undone_by(rung)),
                 rung == Rung::not_undone ? Tone::warn : Tone::faint) +
         notes_of(planned, page);
}

std::string probe_words(const ProbeEntry& probe) {
  std::string when;
  for (const auto phase : probe.when) when += (when.empty() ? "" : ", ") + std::string(word(phase));
  const bool aborts = probe.on_breach == OnBreach::abort;
  const auto count = probe.breaches == 1 ? std::string("a breach")
                                         : std::to_string(probe.breaches) + " breaches in a row";
  return probe.kind + " every " + to_text(probe.every) + "; " + count +
         (aborts ? (probe.breaches == 1 ? " aborts" : " abort") : std::string(" recorded")) + "; " +
         when;
}

std::string spared_words(const PlanView& view) {
  if (view.planned.empty()) return "";
  const auto& spare = view.planned.front().plan.run.spare;
  std::string text;
  const auto add = [&](const std::string& words) { text += (text.empty() ? "" : ", ") + words; };
  if (spare.neighbours) add("ARP and neighbour discovery");
  if (spare.ssh) {
    std::string ports;
    for (const auto port : spare.ssh_ports)
      ports += (ports.empty() ? "" : ", ") + std::to_string(port);
    add("SSH (port " + ports + ")");
  }
  const auto kept = [&](std::string_view net) {
    return std::ranges::find(view.without, net) == view.without.end();
  };
  if (!spare.processes.empty())
    add(counted(spare.processes.size(), "process") + " (squall, init" +
        (kept("spare-operator") ? ", your shell" : "") + (kept("spare-ssh") ? ", sshd" : "") + ")");
  return text;
}

std::string safety_text(const PlanView& view, const Look& look) {
  std::vector<std::vector<std::string>> rows;
  const auto row = [&](std::string_view title, const std::string& text) {
    for (const auto& line : wrap(text, std::max(40, look.width - kTitle)))
      rows.push_back({look.paint(Tone::strong, std::exchange(title, "")), line});
  };
  for (std::string_view title = "probes"; const auto& each : view.checked.probes)
    row(std::exchange(title, ""), visible(each.entry.name) + ": " + probe_words(each.entry));
  for (std::string_view title = "guards"; const auto& each : view.checked.guards)
    row(std::exchange(title, ""), visible(each.guard->name()));
  row("deadline", to_text(view.checked.scenario.max_duration) +
                      ": by then everything is undone, whatever happens");
  if (const auto spared = spared_words(view); !spared.empty()) row("spared", spared);
  for (std::string_view title = "given up"; const auto& net : view.without)
    row(std::exchange(title, ""), look.paint(Tone::warn, "safety net '" + visible(net) + "'"));
  row("seed", view.seed ? std::to_string(*view.seed) : "drawn when the run begins, and reported");
  return table(rows, 2);
}

std::string total(const PlanView& view, const Look& look) {
  std::array<std::size_t, 5> by{};
  for (const auto& each : view.planned)
    by[static_cast<std::size_t>(each.checked->fault->sheet().rung)] += each.plan.intents.size();
  std::string means;
  const auto add = [&](Rung rung, std::string_view text) {
    if (by[static_cast<std::size_t>(rung)])
      means += (means.empty() ? "" : ", ") + std::to_string(by[static_cast<std::size_t>(rung)]) +
               " " + std::string(text);
  };
  add(Rung::dies_with_us, "by the kernel when squall ends");
  add(Rung::we_own_it, "by squall's mark");
  add(Rung::shared_state, "by restoring the recorded value");
  const auto changes = view.changes();
  if (changes == 0) return look.paint(Tone::strong, "No change on this host.") + "\n";
  auto text = look.paint(Tone::strong, counted(changes, "change") + " on this host");
  if (const auto lost = view.not_undone()) {
    text += ", " + look.paint(Tone::warn, std::to_string(lost) + " of them NOT undone");
    if (means.empty()) return text + "\n";
    text += "; undone:";
  } else {
    text += changes == 1 ? ", undone:" : ", all undone:";
  }
  const bool fits = columns(text) + 1 + columns(means) <= look.width;
  return text + (fits ? " " + means + "\n" : "\n" + paragraph(means, 2, look));
}

Json json_of(const PlannedFault& planned) {
  auto changes = Json::array();
  for (const auto& each : planned.plan.intents)
    changes.push_back({{"change", each.sentence},
                       {"undo", each.undo_sentence},
                       {"by_hand", each.by_hand},
                       {"survives_reboot", each.survives_reboot}});
  auto ramps = Json::array();
  for (const auto& each : planned.checked->entry.ramps)
    ramps.push_back(
        {{"parameter", each.field}, {"to", plain(each.to)}, {"over_ns", each.over.count()}});
  return {{"name", planned.checked->entry.name},
          {"kind", planned.checked->entry.kind},
          {"slot", planned.checked->slot},
          {"start_ns", planned.checked->entry.start.count()},
          {"end_ns", planned.checked->end.count()},
          {"rung", word(planned.checked->fault->sheet().rung)},
          {"changes", changes},
          {"notes", planned.plan.notes},
          {"ramps", ramps}};
}

Json spared_json(const PlanView& view) {
  if (view.planned.empty()) return Json::object();
  const auto& spare = view.planned.front().plan.run.spare;
  return {{"neighbours", spare.neighbours},
          {"ssh", spare.ssh},
          {"ssh_ports", spare.ssh_ports},
          {"processes", spare.processes}};
}

}  // namespace

std::size_t PlanView::changes() const {
  std::size_t count = 0;
  for (const auto& each : planned) count += each.plan.intents.size();
  return count;
}

std::size_t PlanView::not_undone() const {
  std::size_t count = 0;
  for (const auto& each : planned)
    if (each.checked->fault->sheet().rung == Rung::not_undone) count += each.plan.intents.size();
  return count;
}

std::string plan_text(const PlanView& view, const Look& look) {
  const auto& scenario = view.checked.scenario;
  auto text = look.paint(Tone::strong, visible(scenario.name)) +
              (scenario.file.empty() ? "" : "  " + look.paint(Tone::faint, scenario.file)) + "\n";
  if (!scenario.hypothesis.empty()) text += paragraph(scenario.hypothesis, 2, look);
  text += "\n";
  std::vector<const PlannedFault*> order;
  for (const auto& each : view.planned) order.push_back(&each);
  std::ranges::stable_sort(order, {}, [](const auto* each) { return each->checked->entry.start; });
  int wide = columns(moment(view.checked.length));
  for (const auto* each : order) wide = std::max(wide, columns(moment(each->checked->entry.start)));
  const Page page{look, wide + 4};
  for (const auto* each : order) text += fault_text(*each, page);
  // Led by its moment, which stands in the margin.
  const Page last{look, 2};
  text += hanging(last, look.paint(Tone::strong, pad(moment(view.checked.length), page.margin - 2)),
                  "everything is undone, newest first, and compared with what was read before",
                  Tone::plain) +
          "\n";
  return text + safety_text(view, look) + "\n" + total(view, look);
}

std::string plan_json(const PlanView& view) {
  const auto& scenario = view.checked.scenario;
  auto faults = Json::array();
  for (const auto& each : view.planned) faults.push_back(json_of(each));
  auto probes = Json::array();
  for (const auto& each : view.checked.probes)
    probes.push_back({{"name", each.entry.name},
                      {"kind", each.entry.kind},
                      {"every_ns", each.entry.every.count()}});
  auto guards = Json::array();
  for (const auto& each : view.checked.guards) guards.push_back(each.guard->name());
  const Json made = {{"scenario", scenario.name},
                     {"hypothesis", scenario.hypothesis},
                     {"file", scenario.file},
                     {"seed", view.seed ? Json(*view.seed) : Json()},
                     {"length_ns", view.checked.length.count()},
                     {"deadline_ns", scenario.max_duration.count()},
                     {"faults", faults},
                     {"probes", probes},
                     {"guards", guards},
                     {"spared", spared_json(view)},
                     {"without", view.without},
                     {"changes", view.changes()},
                     {"not_undone", view.not_undone()}};
  return made.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace squall
