// SPDX-License-Identifier: Apache-2.0
//
// Every fault that was built in: one per folder of faults/, found by the build, so
// that no list is kept by hand. faults/<name>/ defines `const Fault& <name>_fault()`.

#pragma once

#include "faults/fault.hpp"

#include <string>
#include <vector>

namespace squall {

class Registry {
 public:
  explicit Registry(std::vector<const Fault*> faults) : faults_(std::move(faults)) {}

  const std::vector<const Fault*>& all() const { return faults_; }  // by name
  const Fault* find(const std::string& name) const;
  // The name that was probably meant, or "".
  std::string nearest_to(const std::string& name) const;
  // Error: unknown kind, with "did you mean".
  Result<const Fault*> get(const std::string& name) const;

 private:
  std::vector<const Fault*> faults_;
};

const Registry& built_in_faults();

// Reverts a record through the fault that it names.
Result<> revert(const Registry&, const UndoRecord&, Machine&, const ChangeToken&);

}  // namespace squall
