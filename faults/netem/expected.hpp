// SPDX-License-Identifier: Apache-2.0
//
// What is to be expected of packets under netem's settings, by the kernel's own rules
// (net/sched/sch_netem.c): the effect check compares with it.

#pragma once

#include "faults/kit/netem_qdisc.hpp"

namespace squall {

// Of each packet, in the mean. Where chances have a memory, sums spread more than independent
// ones: by the factor.
struct NetemExpected {
  double loss = 0, loss_spread = 1;
  double duplicate = 0, duplicate_spread = 1;
  double early = 0;          // share that overtakes
  bool early_tells = false;  // an early packet can be told from a delayed one
  double delay_ns = 0, deviation_ns = 0, delay_spread = 1;  // of those that are delayed
  bool at_least = false;  // a rate or slots add what depends on the traffic
};
NetemExpected expected_of(const netem::Settings&, const netem::Distribution& delay_table);

}  // namespace squall
