// SPDX-License-Identifier: Apache-2.0
//
// A probe is a question asked of the system under test; together they are the
// steady-state hypothesis. Asking never blocks the loop, has its own timeout, and
// its answer becomes an event.

#pragma once

#include "safety/base/loop.hpp"
#include "safety/base/schema.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace squall {

struct ProbeAnswer {
  bool held = false;  // the expectation was met
  std::string said;   // what was seen: "200 in 3.1ms", "connection refused"
  std::string why;    // when not held: "latency 71ms is not < 50ms"
  std::optional<double>
      value;           // the number that is charted: latency in seconds, or the number asked for
  Duration latency{};  // from question to answer
  bool timed = true;   // it says how quick the service is, as a refused connection's does not
};

class Probe {
 public:
  using Done = std::function<void(ProbeAnswer)>;
  virtual ~Probe() = default;
  // Asks once. `done` is called at most once, from the loop, within `timeout`;
  // destroying the watch withdraws the question.
  [[nodiscard]] virtual Watch ask(Loop& loop, Duration timeout, Done done) = 0;
  // What was seen before the faults, during them and after them is judged apart.
  virtual void begin_phase() {}
};

// [[probe]] kind = "tcp". One per file in this folder. `settings` are the keys that
// are not common to all probes, `expect.…` included.
struct ProbeKind {
  std::string name;
  std::string summary;
  TableSheet sheet;
  std::string example;  // TOML lines
  std::function<std::unique_ptr<Probe>(const Settings&, const Place&, Complaints&)> make;
};

const std::vector<ProbeKind>& probe_kinds();

}  // namespace squall
