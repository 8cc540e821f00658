// SPDX-License-Identifier: Apache-2.0
//
// What doctor sees of this host beside the faults. Reads /proc and squall's own
// directories, and writes nothing.

#pragma once

#include "cmd/look.hpp"

#include <string>
#include <vector>

namespace squall {

struct Finding {
  Glyph mark = Glyph::good;  // good, warn or bad
  std::string what;
  std::string hint;
};

struct FindingGroup {
  std::string title;
  std::vector<Finding> findings;
};

std::string host_line();  // "Linux 6.12.9, Debian GNU/Linux 12 (bookworm), 2 CPUs"
FindingGroup privileges();
FindingGroup safety();             // state directory, owed repairs, active run, watchdog
FindingGroup misleading_things();  // time daemons, kernel bypass
// "process 4711 'squall-watchdog'": any run's on this host; "" when there is none.
std::string living_watchdog();

}  // namespace squall
