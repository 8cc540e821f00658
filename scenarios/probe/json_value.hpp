// SPDX-License-Identifier: Apache-2.0
//
// A value in a JSON text by its pointer (RFC 6901).

#pragma once

#include "safety/base/result.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace squall {

struct JsonValue {
  std::string text;  // of a string its content, else as JSON
  std::optional<double> number;
};

Result<> check_json_pointer(const std::string& pointer);

class JsonText {
 public:
  // Error: why it is no JSON.
  static Result<JsonText> parse(std::string_view text);
  std::optional<JsonValue> find(const std::string& pointer) const;

 private:
  struct Tree;
  std::shared_ptr<const Tree> tree_;
};

}  // namespace squall
