// SPDX-License-Identifier: Apache-2.0
//
// Tables of netem's distributions: found, read and checked, and what delays they lead to. Those
// of iproute2 are files beside 'tc'; a user's own has the same form: whole numbers of
// [-32768, 32767], 8192 standing for one jitter, with comments from '#' on.

#pragma once

#include "faults/kit/netem_qdisc.hpp"
#include "safety/base/result.hpp"

#include <string>

namespace squall::netem {

// "uniform" has none: netem does that by itself. "normal", … of iproute2, or a path.
// Error: it is not there, or not a table; names the line.
Result<Distribution> read_distribution(const std::string& name_or_path);
Result<Distribution> parse_distribution(const std::string& text, const std::string& path);

// Of max(0, delay + jitter * x) over the table, or uniform where it is empty (tabledist()).
struct Spread {
  double mean_ns = 0;
  double deviation_ns = 0;
};
Spread spread_of(Duration delay, Duration jitter, const Distribution&);

}  // namespace squall::netem
