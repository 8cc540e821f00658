// SPDX-License-Identifier: Apache-2.0
//
// A fault that follows its target: taken back when that is lost, begun again when it is there.

#include "safety/base/file.hpp"
#include "scenarios/active_fault.hpp"

namespace squall {

// One look that fails says nothing about the fault; the next one may see.
std::string ActiveFaults::why_lost(const One& one) const {
  const auto seen = one.fault().verify(one.params, machine_, one.planned.plan.run);
  return seen ? seen->lost : "";
}

// Whatever is in force of it, while the fault itself goes on.
Result<> ActiveFaults::withdraw(One& one) {
  take_back_alone(one);
  one.ended_ns = 0;
  if (!one.left.empty())
    return failed(one, "take back", {ErrorKind::system, what_is_left(one.left.front()), {}, {}, 0});
  one.journal.forget();
  return {};
}

Result<> ActiveFaults::lose(One& one, const std::string& why) {
  if (one.checked().entry.on_restart == OnRestart::stop)
    return failed(one, "watch", {ErrorKind::gone, why, {}, {}, 0});
  SQUALL_CHECK(withdraw(one));
  one.away = true;
  log_.write("fault_lost", {{"slot", one.slot()}, {"fault", one.name()}, {"why", why}});
  return {};
}

// What stands in the way now may be gone a second later: only what cannot be taken back is an
// error.
Result<> ActiveFaults::come_back(One& one) {
  if (!begin(one)) return one.journal.owed().empty() ? Result<>{} : withdraw(one);
  one.away = false;
  log_.write("fault_active",
             {{"slot", one.slot()}, {"fault", one.name()}, {"kind", one.fault().sheet().name}});
  return {};
}

}  // namespace squall
