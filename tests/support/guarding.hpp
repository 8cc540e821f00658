// SPDX-License-Identifier: Apache-2.0
//
// Makes a guard from the keys of a scenario.

#pragma once

#include "safety/guard/guard.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>

namespace squall::testing {

inline const GuardKind& guard_kind(const std::string& name) {
  const auto& all = guard_kinds();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  REQUIRE(found != all.end());
  return *found;
}

inline std::unique_ptr<Guard> make_guard(const std::string& kind, const Settings& settings) {
  Complaints complaints;
  auto made = guard_kind(kind).make(settings, {}, complaints);
  for (const auto& each : complaints) FAIL_CHECK(each.text());
  REQUIRE(made);
  return made;
}

inline std::string guard_complaint(const std::string& kind, const Settings& settings) {
  Complaints complaints;
  const auto made = guard_kind(kind).make(settings, {}, complaints);
  CHECK(!made == !complaints.empty());
  return complaints.empty() ? "" : complaints[0].text();
}

inline Setting text_setting(std::string name, std::string value) {
  return {std::move(name), {std::move(value), {}}, {}};
}
inline Setting list_setting(std::string name, const std::vector<std::string>& words) {
  Raw::List made;
  for (const auto& each : words) made.push_back({each, {}});
  return {std::move(name), {std::move(made), {}}, {}};
}

}  // namespace squall::testing
