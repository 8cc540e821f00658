// SPDX-License-Identifier: Apache-2.0
//
// From a kind's table to its `make`: parse, complain, or build the probe.

#pragma once

#include "scenarios/probe/probe.hpp"

#include <memory>
#include <string>
#include <utility>

namespace squall {

template <class Made, class P>
auto probe_maker(std::string kind, const Table<P>& table) {
  return [kind = std::move(kind), &table](const Settings& settings, const Place& at,
                                          Complaints& complaints) -> std::unique_ptr<Probe> {
    const auto before = complaints.size();
    auto params = table.parse(settings, kind, at, complaints);
    if (complaints.size() != before) return nullptr;
    return std::make_unique<Made>(std::move(params));
  };
}

}  // namespace squall
