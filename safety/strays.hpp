// SPDX-License-Identifier: Apache-2.0
//
// What carries our mark on a host, found without any journal. One place that cannot be
// looked at does not hide what the others show.

#pragma once

#include "safety/base/record.hpp"
#include "safety/base/result.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace squall {

struct Strays {
  std::vector<Intent> found;        // as a revert understands it
  std::vector<std::string> unseen;  // looks that failed, each once
  std::vector<std::string> active;  // living runs: what they hold is no stray

  // Whether there is something to look at. What is gone holds nothing of ours.
  template <class T>
  bool saw(const Result<T>& looked) {
    if (!looked && looked.error().kind != ErrorKind::gone)
      if (auto why = looked.error().sentence(); std::ranges::find(unseen, why) == unseen.end())
        unseen.push_back(std::move(why));
    return static_cast<bool>(looked);
  }
};

}  // namespace squall
