// SPDX-License-Identifier: Apache-2.0
//
// Counters of a sidecar, and what was to be expected of them so far, see effect.hpp.

#include "bpf/netem.h"
#include "faults/netem/effect.hpp"

#include <algorithm>

namespace squall {
namespace {

std::uint64_t less(std::uint64_t from, std::uint64_t what) { return from - std::min(from, what); }

}  // namespace

void NetemSeen::add(const NetemSeen& o) {
  seen += o.seen, matched += o.matched, matched_segments += o.matched_segments;
  spared += o.spared, unreadable += o.unreadable, crowded += o.crowded, passed += o.passed;
  entered += o.entered, returned += o.returned, early += o.early;
  delay_sum_ns += o.delay_sum_ns, delay_square_ns += o.delay_square_ns;
  lost += o.lost, duplicated += o.duplicated, marked += o.marked;
  over_limit += o.over_limit, overrun += o.overrun, waiting += o.waiting, bytes += o.bytes;
  timed = timed && o.timed;
}

void NetemTally::change_to(const NetemParams& next, const NetemExpected& expected,
                           const NetemSeen& seen) {
  *this = upto(seen);
  params = next;
  now = expected;
  changed = true;
}

NetemTally NetemTally::upto(const NetemSeen& seen) const {
  auto made = *this;
  const auto more = static_cast<double>(less(seen.entered, entered));
  const auto back = static_cast<double>(less(seen.returned, returned));
  made.lost += more * now.loss;
  made.lost_variance += more * now.loss * (1 - now.loss) * now.loss_spread;
  made.duplicated += more * now.duplicate;
  made.duplicated_variance += more * now.duplicate * (1 - now.duplicate) * now.duplicate_spread;
  made.early += back * now.early;
  made.delay_sum_ns += back * (1 - now.early) * now.delay_ns;
  made.delay_variance += back * now.deviation_ns * now.deviation_ns * now.delay_spread;
  made.centres_ns += back * static_cast<double>(centre_of(now).centre_ns);
  made.entered = seen.entered;
  made.returned = seen.returned;
  return made;
}

netem_settings centre_of(const NetemExpected& expected) {
  netem_settings settings{};
  settings.centre_ns = static_cast<__u64>(expected.delay_ns);
  if (expected.early > 0 && expected.early_tells)
    settings.early_ns = static_cast<__u64>((expected.delay_ns - 1.5 * expected.deviation_ns) / 2);
  return settings;
}

// netem's drops are what loss or the limit took, and what ECN marked. The two programs count one
// by one, so that a packet may be between them.
NetemSeen seen_by(const NetemTally& tally, const netem_counters& c, const sidecar::State& state) {
  NetemSeen seen;
  seen.seen = c.seen;
  seen.matched = c.matched;
  seen.matched_segments = c.matched_segments;
  seen.spared = c.spared;
  seen.unreadable = c.unreadable;
  seen.crowded = c.crowded;
  seen.passed = c.passed;
  seen.entered = c.entered;
  seen.timed = state.devices.entrance != 0;
  seen.returned = seen.timed ? c.returned : state.netem.sent;
  seen.early = c.early;
  const auto centre = static_cast<double>(centre_of(tally.now).centre_ns);
  seen.delay_sum_ns = static_cast<double>(static_cast<std::int64_t>(c.deviation_ns)) +
                      tally.centres_ns +
                      centre * static_cast<double>(less(c.returned, tally.returned));
  seen.delay_square_ns = static_cast<double>(c.deviation_square) * 1e6;
  seen.over_limit = state.over_limit;
  seen.overrun = state.overrun;
  seen.waiting = state.netem.waiting;
  seen.bytes = state.netem.sent_bytes;
  const auto dropped = less(state.netem.dropped, state.over_limit);
  seen.lost = dropped;
  if (tally.params.loss.ecn) {
    seen.lost = less(c.entered, seen.returned + seen.waiting + state.over_limit + state.overrun);
    seen.marked = less(dropped, seen.lost);
  }
  seen.duplicated = less(seen.returned + seen.waiting + seen.lost + state.over_limit, c.entered);
  return seen;
}

}  // namespace squall
