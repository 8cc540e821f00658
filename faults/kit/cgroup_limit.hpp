// SPDX-License-Identifier: Apache-2.0
//
// Files of a control group that hold another value for a while: "cpu.max", "memory.high".
//
// Each gets a mark first, an extended attribute of the group's directory that says what the file
// held and what is written to it. The mark goes away with the group; from it come the answers to
// whether a value is still ours (also in the middle of a ramp), whether another fault holds the
// file already, and what is left when there is no journal.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/cgroup.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace squall::cgroup {

// Texts are as the kernel shows them.
struct Limit {
  std::string file;
  std::string before;
  std::string ours;
  std::string meaning;  // of ours: "25% of one CPU"
};

// Error (refused): ours is not below what the file held before.
Result<> lowers(const Cgroup&, const Limit&);
// Of groups above that hold less already: they decide then.
std::vector<std::string> tighter_above(const Cgroup&, const Limit&, const Cgroups&);

// For a plan: an intent for each. Error (refused): the file is held by a fault already.
Result<> add_intents(Plan&, const Cgroup&, const std::vector<Limit>&, const std::string& fault,
                     const Cgroups&);
Result<Cgroup> group_of(const UndoRecord&);

struct Held {
  Cgroup group;
  std::uint64_t identity = 0;
  std::string owner;  // which fault of which run, in the marks
  std::vector<Limit> limits;
};

// Carries out the intents of a plan.
Result<Held> put(const Plan&, Machine&, Scope&);
// Another value of ours for each file, under the same records.
Result<> adjust(Held&, const std::vector<Limit>&, Machine&, Scope&);
// The old value, where the present one is still ours; and the mark is taken off.
Result<> revert(const UndoRecord&, Machine&, const ChangeToken&);

// Whether these files of the group hold what their marks say.
Result<Verified> verify(const Cgroup&, const std::vector<std::string>& files, const Cgroups&);
// For an effect check: the mismatch where somebody else has changed a file meanwhile. Error (gone):
// the group is there no more.
Result<std::optional<Effect>> taken_over(const Held&, const Cgroups&);
// Every mark there is, of these files.
Strays strays(const std::vector<std::string>& files, const std::string& fault, const Cgroups&);
// What the files hold.
Result<std::vector<std::string>> survey(const Cgroup&, const std::vector<std::string>& files,
                                        const Cgroups&);

}  // namespace squall::cgroup
