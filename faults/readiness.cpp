// SPDX-License-Identifier: Apache-2.0

#include "faults/readiness.hpp"

#include "faults/kit/kernel.hpp"

#include <string>
#include <string_view>

namespace squall {
namespace {

// "a or b": the first that is there is enough.
Result<> available(const std::string& need, const Kernel& kernel) {
  constexpr std::string_view kOr = " or ";
  std::string lacking;
  for (std::size_t from = 0;;) {
    const auto end = need.find(kOr, from);
    auto there = kernel.available(need.substr(from, end - from));
    if (there) return {};
    lacking += (lacking.empty() ? "" : ", and ") + there.error().what;
    if (end == need.npos) {
      auto error = std::move(there).error();
      error.what = lacking;
      return error;
    }
    from = end + kOr.size();
  }
}

}  // namespace

std::string note_on_modules(const FaultSheet& sheet, const Machine& machine) {
  std::string names;
  for (const auto& need : sheet.needs)
    if (const auto name = machine.kernel().module_to_load(need); !name.empty())
      names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "" : "the kernel loads modules for this, and keeps them: " + names;
}

std::vector<Error> lacks(const FaultSheet& sheet, const Machine& machine) {
  std::vector<Error> missing;
  for (const auto& need : sheet.needs)
    if (auto there = available(need, machine.kernel()); !there) {
      auto error = std::move(there).error();
      if (!sheet.instead.empty()) error.hint += (error.hint.empty() ? "" : "; ") + sheet.instead;
      missing.push_back(std::move(error));
    }
  return missing;
}

}  // namespace squall
