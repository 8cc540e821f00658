// SPDX-License-Identifier: Apache-2.0
//
// A guard is a reason to abort that watches the host. It answers "carry on",
// "abort because …" or "cannot see"; not being able to see is a reason to stop.

#pragma once

#include "safety/base/loop.hpp"
#include "safety/base/result.hpp"
#include "safety/base/schema.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace squall {

struct GuardWord {
  enum class Kind { carry_on, abort, blind };
  Kind kind = Kind::carry_on;
  std::string why;    // for abort and blind: "memory pressure some avg10 is 52%, the limit is 40%"
  std::string value;  // last value seen, for progress and events: "3.1%"
};

class Guard {
 public:
  using Say = std::function<void(GuardWord)>;
  virtual ~Guard() = default;
  virtual std::string name() const = 0;  // "pressure memory some_avg10 < 40%"
  // One look now, without waiting. Asked once a second.
  virtual GuardWord look() = 0;
  // The look before the first change may wait for its answer, as long as `go_on` says so: it
  // is asked several times a second.
  virtual GuardWord first_look(const std::function<bool()>& /*go_on*/) { return look(); }
  // For guards that can be woken by an event (PSI trigger, netlink, process end): may
  // call `say` at any time until the returned watch is destroyed.
  virtual Result<Watch> arm(Loop&, Say) { return Watch{}; }
};

// What a scenario may ask for: [[guard]] kind = "pressure". One per file in this folder.
struct GuardKind {
  std::string name;     // "pressure"
  std::string summary;  // "abort when tasks stall on a resource (PSI)"
  TableSheet sheet;
  std::string example;  // TOML lines
  // Complaints are appended; then the result is null.
  std::function<std::unique_ptr<Guard>(const Settings&, const Place&, Complaints&)> make;
};

const std::vector<GuardKind>& guard_kinds();

}  // namespace squall
