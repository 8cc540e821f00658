// SPDX-License-Identifier: Apache-2.0
//
// The verdict on one part after the other of what netem was asked, for effect.cpp only.

#pragma once

#include "faults/netem/effect.hpp"

#include <string>
#include <vector>

namespace squall {

// Verdicts on the parts, and the sentence of them all.
struct Judgement {
  Effect& effect;
  bool confirmed = false, mismatch = false;
  std::vector<std::string> unmeasured{};

  void say(const std::string& what) { effect.why += (effect.why.empty() ? "" : "; ") + what; }
  void found(bool good, const std::string& what) {
    (good ? confirmed : mismatch) = true;
    say(what);
  }
};

// Of all packets so far; `asked` has them folded in.
void judge(Judgement&, const NetemTally& asked, const NetemSeen&);

}  // namespace squall
