// SPDX-License-Identifier: Apache-2.0

#include "faults/registry.hpp"

namespace squall {

const Fault* Registry::find(const std::string& name) const {
  for (const auto* fault : faults_)
    if (fault->sheet().name == name) return fault;
  return nullptr;
}

std::string Registry::nearest_to(const std::string& name) const {
  std::vector<std::string> known;
  for (const auto* fault : faults_) known.push_back(fault->sheet().name);
  return nearest(name, known);
}

Result<const Fault*> Registry::get(const std::string& name) const {
  if (const auto* fault = find(name)) return fault;
  const auto meant = nearest_to(name);
  return Error{
      ErrorKind::invalid,
      "unknown fault '" + name + "'" + (meant.empty() ? "" : " (did you mean '" + meant + "'?)"),
      "'squall list' shows the faults",
      {},
      0};
}

Result<> revert(const Registry& registry, const UndoRecord& undo, Machine& machine,
                const ChangeToken& token) {
  const auto* fault = registry.find(undo.fault);
  if (!fault)
    return Error{
        ErrorKind::unsupported,
        "the journal owes an undo of fault '" + undo.fault + "', which this squall does not know",
        "use the version of squall that made the run, or undo it by hand",
        {},
        0};
  return fault->revert(undo, machine, token);
}

}  // namespace squall
