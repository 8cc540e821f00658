// SPDX-License-Identifier: Apache-2.0

#include "safety/base/record.hpp"

#include <charconv>

namespace squall {

const std::string* UndoRecord::find(const std::string& key) const {
  for (const auto& [name, value] : values)
    if (name == key) return &value;
  return nullptr;
}

Result<std::string> UndoRecord::text(const std::string& key) const {
  if (const auto* value = find(key)) return *value;
  return Error{
      ErrorKind::internal, "the undo record of '" + fault + "' has no '" + key + "'", {}, {}, 0};
}

Result<std::int64_t> UndoRecord::number(const std::string& key) const {
  SQUALL_TRY(const auto value, text(key));
  std::int64_t number = 0;
  const auto* end = value.data() + value.size();
  if (const auto [stop, problem] = std::from_chars(value.data(), end, number);
      problem != std::errc{} || stop != end)
    return Error{ErrorKind::internal,
                 "the undo record of '" + fault + "' has '" + value + "' where '" + key +
                     "' must be a number",
                 {},
                 {},
                 0};
  return number;
}

UndoRecord UndoRecord::with(std::string key, std::string value) const {
  auto copy = *this;
  copy.values.emplace_back(std::move(key), std::move(value));
  return copy;
}

Intent Intent::with(std::string key, std::string value) const {
  auto copy = *this;
  copy.undo = undo.with(std::move(key), std::move(value));
  return copy;
}

}  // namespace squall
