// SPDX-License-Identifier: Apache-2.0
//
// What a fault says of itself: name, rung, needs and its table of parameters.

#pragma once

#include "safety/base/schema.hpp"

#include <string>
#include <vector>

namespace squall {

// The ladder of reversibility: how far the undo depends on us.
enum class Rung {
  dies_with_us = 1,  // bound to a descriptor or a parent: the kernel is the undo
  we_own_it = 2,     // carries our mark; undo is "delete what carries it"
  shared_state = 3,  // somebody else's; undo needs the value before
  not_undone = 4,    // cannot be taken back (a killed process); the plan says so
};
template <>
struct Words<Rung> {
  static constexpr std::pair<Rung, std::string_view> list[] = {{Rung::dies_with_us, "dies with us"},
                                                               {Rung::we_own_it, "we own it"},
                                                               {Rung::shared_state, "shared state"},
                                                               {Rung::not_undone, "not undone"}};
};

template <class P>
struct Spec {
  std::string name;     // also folder, TOML kind, docs heading, journal entry
  std::string summary;  // one line: "loss of matching packets, decided by BPF"
  Rung rung = Rung::we_own_it;
  // "cap:net_admin", "bpf:sched_cls", "kernel:NET_CLS_BPF", "tool:…": see kit/kernel.hpp;
  // "bpf:tcx or kernel:NET_CLS_BPF": one of them is enough.
  std::vector<std::string> needs;
  Table<P> params;
  std::string notes;                     // paragraphs for the reference: what it does and does not
  std::string example;                   // a complete [[fault]] in TOML, used by docs and tests
  std::vector<std::string> conflicts{};  // kinds it must not overlap with
  std::string instead{};                 // what works where its needs are not met: a sentence
};

struct FaultSheet {
  std::string name;
  std::string summary;
  Rung rung = Rung::we_own_it;
  std::vector<std::string> needs;
  TableSheet params;
  std::string notes;
  std::string example;
  std::vector<std::string> conflicts;
  bool adjustable = false;  // takes ramps
  std::string instead;
};

}  // namespace squall
