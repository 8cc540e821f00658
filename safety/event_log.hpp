// SPDX-License-Identifier: Apache-2.0
//
// The event log of a run: JSON Lines in <run>/events.jsonl. Each event has `time`
// (RFC 3339, ns), `monotonic_ns`, `run`, `event`, and its own keys. Writing never
// blocks a rollback: an event that could not be written is counted and the run goes on.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/base/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace squall {

using EventCounts = std::vector<std::pair<std::string, std::uint64_t>>;
using EventValue =
    std::variant<bool, std::int64_t, std::uint64_t, double, std::string, EventCounts>;

struct Event {
  std::string name;  // "fault_active"
  std::vector<std::pair<std::string, EventValue>> keys;
  std::int64_t time_ns = 0;       // CLOCK_REALTIME, filled by the log
  std::int64_t monotonic_ns = 0;  // CLOCK_MONOTONIC, filled by the log

  const EventValue* find(const std::string& key) const;
  std::string text(const std::string& key) const;  // "" when absent
};

class EventLog {
 public:
  using Listener = std::function<void(const Event&, const std::string& run)>;  // progress, --json

  static Result<EventLog> create(const std::string& path, std::string run);
  static Result<EventLog> append_to(const std::string& path, std::string run);

  void listen(Listener listener) { listener_ = std::move(listener); }
  void write(std::string name, std::vector<std::pair<std::string, EventValue>> keys = {});
  std::uint64_t lost() const { return lost_; }  // events that could not be written

 private:
  bool put(const std::string& line);

  Fd file_;
  std::string run_;
  Listener listener_;
  std::uint64_t lost_ = 0;
};

// One event as its line of JSON, without the newline.
std::string to_json_line(const Event& event, const std::string& run);

}  // namespace squall
