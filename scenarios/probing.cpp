// SPDX-License-Identifier: Apache-2.0

#include "scenarios/probing.hpp"

#include "scenarios/probe/expectation.hpp"

#include <algorithm>

namespace squall {
namespace {

// The latencies behind the percentiles of the report: enough for p99, bounded for long runs.
constexpr std::size_t kKeptLatencies = 4096;

}  // namespace

struct Probing::One {
  explicit One(CheckedProbe& from) : checked(from) {}
  bool asks_in(Phase phase) const {
    return std::ranges::find(checked.entry.when, phase) != checked.entry.when.end();
  }

  CheckedProbe& checked;
  Watch question;
  bool waiting = false;  // for the answer to it
  bool due = false;      // the next question waits for that answer
  Watch next;
  int breaches = 0;  // consecutive
  ProbeReport::Count counts[3];
  bool held = true;
  std::string breach;
  std::string last;
  std::vector<Duration> latencies;
  std::size_t oldest = 0;
  Duration slowest{};
};

Probing::Probing(Loop& loop, std::vector<CheckedProbe>& probes, EventLog& log, Breach breach)
    : loop_(loop), log_(log), breach_(std::move(breach)) {
  for (auto& each : probes) probes_.push_back(std::make_unique<One>(each));
}

Probing::~Probing() = default;

void Probing::ask_all(Phase phase, std::function<void(std::string)> done) {
  phase_done_ = std::move(done);
  failure_.clear();
  if (phase == Phase::after && during_) note_unanswered();
  unsettled_ = 0;
  for (auto& one : probes_) unsettled_ += one->asks_in(phase) ? 1 : 0;
  if (unsettled_ == 0) return finish_phase();
  ask_each(phase);
}

void Probing::start() {
  during_ = true;
  ask_each(Phase::during);
}

// What was never looked at cannot have held. Everything is back by now, so there is nothing
// left to abort, whatever the probe says.
void Probing::note_unanswered() {
  for (auto& one : probes_) {
    if (!one->asks_in(Phase::during) || one->counts[static_cast<int>(Phase::during)].asked > 0)
      continue;
    auto entry = one->checked.entry;
    entry.on_breach = OnBreach::record;
    const auto why = "it was not answered once during the run; let the run last longer than " +
                     to_text(entry.timeout) + ", the timeout of the probe";
    if (std::exchange(one->held, false)) one->breach = why;
    breach_(entry, why);
  }
}

void Probing::ask_each(Phase phase) {
  for (auto& one : probes_) {
    one->breaches = 0;
    one->checked.probe->begin_phase();
    if (one->asks_in(phase)) ask(*one, phase);
  }
}

void Probing::stop() {
  for (auto& one : probes_) {
    one->question.cancel();
    one->next.cancel();
  }
}

void Probing::ask(One& one, Phase phase) {
  const auto asked = loop_.now();
  one.waiting = true;
  one.due = false;
  const auto& entry = one.checked.entry;
  one.question = one.checked.probe->ask(
      loop_, entry.timeout,
      [this, &one, phase](const ProbeAnswer& answer) { answered(one, phase, answer); });
  // The pace is that of the questions, not of the answers. But no question withdraws the one
  // before: an answer that is late by its whole timeout comes a moment after this.
  if (phase == Phase::during)
    one.next = loop_.after(asked + entry.every - loop_.now(), [this, &one, phase] {
      one.due = one.waiting;
      if (!one.due) ask(one, phase);
    });
}

void Probing::answered(One& one, Phase phase, const ProbeAnswer& answer) {
  const auto& entry = one.checked.entry;
  one.waiting = false;
  if (one.due) one.next = loop_.after(0s, [this, &one, phase] { ask(one, phase); });
  auto& count = one.counts[static_cast<int>(phase)];
  ++count.asked;
  one.last = answer.said;
  one.breaches = answer.held ? 0 : one.breaches + 1;
  if (!answer.held) ++count.breached;
  if (phase == Phase::during && answer.timed) {
    one.slowest = std::max(one.slowest, answer.latency);
    if (one.latencies.size() < kKeptLatencies)
      one.latencies.push_back(answer.latency);
    else
      one.latencies[one.oldest++ % kKeptLatencies] = answer.latency;
  }
  std::vector<std::pair<std::string, EventValue>> keys = {{"probe", entry.name},
                                                          {"phase", std::string(word(phase))},
                                                          {"held", answer.held},
                                                          {"said", answer.said},
                                                          {"why", answer.why},
                                                          {"latency_ns", answer.latency.count()},
                                                          {"breaches", std::int64_t{one.breaches}}};
  if (answer.value) keys.emplace_back("value", *answer.value);
  log_.write("probe_answer", std::move(keys));
  const bool breached = one.breaches == entry.breaches;
  if (breached && std::exchange(one.held, false)) one.breach = answer.why;
  if (phase == Phase::during) {
    if (breached) breach_(entry, answer.why);
  } else if (answer.held) {
    settled("");
  } else if (breached) {
    settled("probe '" + entry.name + "': " + answer.why);
  } else {
    one.next = loop_.after(entry.every, [this, &one, phase] { ask(one, phase); });
  }
}

void Probing::settled(const std::string& failure) {
  if (failure_.empty()) failure_ = failure;
  if (--unsettled_ == 0) finish_phase();
}

void Probing::finish_phase() {
  // From the loop, not from within a probe's answer: what follows may withdraw the question.
  finish_ = loop_.after(0s, [this] { std::exchange(phase_done_, nullptr)(failure_); });
}

void Probing::report(RunResult& result) const {
  for (const auto& one : probes_) {
    const auto& entry = one->checked.entry;
    ProbeReport report{entry.name,
                       entry.kind,
                       one->counts[0],
                       one->counts[1],
                       one->counts[2],
                       one->held,
                       one->breach,
                       one->last,
                       0,
                       0,
                       0};
    auto latencies = one->latencies;
    report.p50_ns = percentile(latencies, 50).count();
    report.p99_ns = percentile(latencies, 99).count();
    report.max_ns = one->slowest.count();
    result.probes.push_back(std::move(report));
  }
}

std::vector<std::pair<std::string, std::string>> Probing::last_answers() const {
  std::vector<std::pair<std::string, std::string>> answers;
  for (const auto& one : probes_) answers.emplace_back(one->checked.entry.name, one->last);
  return answers;
}

}  // namespace squall
