// SPDX-License-Identifier: Apache-2.0
//
// The keys are a promise to scripts: they are added to, never renamed. A key that is
// missing when reading takes its default, so that older results stay readable.

#include "scenarios/report.hpp"

#include "safety/base/file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFile = "/result.json";

template <Worded E>
E word_in(const Json& from, const char* key, E otherwise) {
  const auto text = from.value(key, std::string());
  for (const auto& [each, name] : Words<E>::list)
    if (name == text) return each;
  return otherwise;
}

Json json_of(const ProbeReport::Count& count) {
  return {{"asked", count.asked}, {"breached", count.breached}};
}

ProbeReport::Count count_in(const Json& probe, const char* key) {
  const auto count = probe.value(key, Json::object());
  return {count.value("asked", std::uint64_t{}), count.value("breached", std::uint64_t{})};
}

Json json_of(const Effect& effect) {
  auto measures = Json::array();
  for (const auto& each : effect.measures)
    measures.push_back(
        {{"what", each.what}, {"requested", each.requested}, {"achieved", each.achieved}});
  auto counters = Json::object();
  for (const auto& [name, value] : effect.counters) counters[name] = value;
  return {{"verdict", word(effect.verdict)},
          {"why", effect.why},
          {"measures", measures},
          {"counters", counters}};
}

Effect effect_in(const Json& from) {
  Effect effect;
  effect.verdict = word_in(from, "verdict", Effect::Verdict::inconclusive);
  effect.why = from.value("why", "");
  for (const auto& each : from.value("measures", Json::array()))
    effect.measures.push_back(
        {each.value("what", ""), each.value("requested", ""), each.value("achieved", "")});
  const auto counters = from.value("counters", Json::object());
  for (const auto& [name, value] : counters.items())
    effect.counters.emplace_back(name, value.get<std::uint64_t>());
  return effect;
}

Json json_of(const FaultReport& fault) {
  return {{"name", fault.name},
          {"kind", fault.kind},
          {"slot", fault.slot},
          {"injected", fault.injected},
          {"started_ns", fault.started_ns},
          {"active_ns", fault.active_ns},
          {"requested", fault.requested},
          {"effect", json_of(fault.effect)},
          {"error", fault.error}};
}

FaultReport fault_in(const Json& from) {
  return {from.value("name", ""),
          from.value("kind", ""),
          from.value("slot", 0u),
          from.value("injected", false),
          from.value("started_ns", std::int64_t{}),
          from.value("active_ns", std::int64_t{}),
          from.value("requested", ""),
          effect_in(from.value("effect", Json::object())),
          from.value("error", "")};
}

Json json_of(const ProbeReport& probe) {
  return {{"name", probe.name},
          {"kind", probe.kind},
          {"before", json_of(probe.before)},
          {"during", json_of(probe.during)},
          {"after", json_of(probe.after)},
          {"held", probe.held},
          {"breach", probe.breach},
          {"last", probe.last},
          {"p50_ns", probe.p50_ns},
          {"p99_ns", probe.p99_ns},
          {"max_ns", probe.max_ns}};
}

ProbeReport probe_in(const Json& from) {
  ProbeReport probe;
  probe.name = from.value("name", "");
  probe.kind = from.value("kind", "");
  probe.before = count_in(from, "before");
  probe.during = count_in(from, "during");
  probe.after = count_in(from, "after");
  probe.held = from.value("held", true);
  probe.breach = from.value("breach", "");
  probe.last = from.value("last", "");
  probe.p50_ns = from.value("p50_ns", std::int64_t{});
  probe.p99_ns = from.value("p99_ns", std::int64_t{});
  probe.max_ns = from.value("max_ns", std::int64_t{});
  return probe;
}

Json json_of(const ScenarioParameter& parameter) {
  return {
      {"name", parameter.name}, {"value", parameter.value}, {"overridden", parameter.overridden}};
}

Json json_of(const Residue& residue) {
  return {{"what", residue.what}, {"by_hand", residue.by_hand}};
}

template <class T>
Json list_of(const std::vector<T>& all) {
  auto list = Json::array();
  for (const auto& each : all) list.push_back(json_of(each));
  return list;
}

void read_lists(const Json& from, RunResult& result) {
  for (const auto& each : from.value("faults", Json::array()))
    result.faults.push_back(fault_in(each));
  for (const auto& each : from.value("probes", Json::array()))
    result.probes.push_back(probe_in(each));
  for (const auto& each : from.value("parameters", Json::array()))
    result.parameters.push_back(
        {each.value("name", ""), each.value("value", ""), "", each.value("overridden", false)});
  for (const auto& each : from.value("residue", Json::array()))
    result.residue.push_back({each.value("what", ""), each.value("by_hand", "")});
  result.guards = from.value("guards", std::vector<std::string>());
  result.without = from.value("without", std::vector<std::string>());
  result.foreign = from.value("foreign", std::vector<std::string>());
  result.notes = from.value("notes", std::vector<std::string>());
}

RunResult result_in(const Json& from) {
  RunResult result;
  result.run = from.value("run", "");
  result.scenario = from.value("scenario", "");
  result.hypothesis = from.value("hypothesis", "");
  result.file = from.value("file", "");
  result.seed = from.value("seed", std::uint64_t{});
  result.outcome = word_in(from, "outcome", Outcome::internal_error);
  result.exit_code = from.value("exit_code", 70);
  result.reason = from.value("reason", "");
  result.hint = from.value("hint", "");
  result.started = from.value("started", "");
  result.duration_ns = from.value("duration_ns", std::int64_t{});
  result.rollback_ns = from.value("rollback_ns", std::int64_t{});
  result.changes = from.value("changes", std::size_t{});
  result.compared = from.value("compared", std::size_t{});
  read_lists(from, result);
  return result;
}

}  // namespace

std::string to_json(const RunResult& result) {
  const Json made = {{"run", result.run},
                     {"scenario", result.scenario},
                     {"hypothesis", result.hypothesis},
                     {"file", result.file},
                     {"seed", result.seed},
                     {"parameters", list_of(result.parameters)},
                     {"outcome", word(result.outcome)},
                     {"exit_code", result.exit_code},
                     {"reason", result.reason},
                     {"hint", result.hint},
                     {"started", result.started},
                     {"duration_ns", result.duration_ns},
                     {"rollback_ns", result.rollback_ns},
                     {"faults", list_of(result.faults)},
                     {"probes", list_of(result.probes)},
                     {"guards", result.guards},
                     {"without", result.without},
                     {"changes", result.changes},
                     {"compared", result.compared},
                     {"foreign", result.foreign},
                     {"residue", list_of(result.residue)},
                     {"notes", result.notes},
                     {"directory", result.directory}};
  // Answers of probes may hold any bytes.
  return made.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<> write_result(const RunResult& result) {
  return replace_file(result.directory + kFile, to_json(result) + "\n");
}

Result<RunResult> read_result(const std::string& run_directory) {
  SQUALL_TRY(const auto text, read_file(run_directory + kFile));
  try {
    auto result = result_in(Json::parse(text));
    result.directory = run_directory;
    return result;
  } catch (const Json::exception& error) {
    return Error{ErrorKind::invalid,
                 "'" + run_directory + kFile + "' is not a result: " + error.what(),
                 "the journal and the event log beside it tell what happened",
                 {},
                 0};
  }
}

Result<std::vector<std::string>> earlier_runs(const Paths& paths) {
  struct Found {
    std::string second;  // an id begins with its time, to the second
    std::filesystem::file_time_type changed;
    std::string run;
    auto operator<=>(const Found&) const = default;
  };
  std::vector<Found> found;
  std::error_code problem;
  std::filesystem::directory_iterator each(paths.runs(), problem);
  for (; !problem && each != std::filesystem::directory_iterator(); each.increment(problem)) {
    std::error_code gone;
    if (!each->is_directory(gone)) continue;
    auto run = each->path().filename().string();
    found.push_back({run.substr(0, run.rfind('-')), each->last_write_time(gone), std::move(run)});
  }
  if (problem && problem.value() != ENOENT)
    return sys_error("list '" + paths.runs() + "'", problem.value());
  std::ranges::sort(found, std::greater<>());
  std::vector<std::string> runs;
  for (auto& one : found) runs.push_back(std::move(one.run));
  return runs;
}

}  // namespace squall
