// SPDX-License-Identifier: Apache-2.0

#include "scenarios/probe/json_value.hpp"

#include <nlohmann/json.hpp>

namespace squall {

using Json = nlohmann::json;

struct JsonText::Tree {
  Json json;
};

Result<> check_json_pointer(const std::string& pointer) {
  try {
    const Json::json_pointer checked(pointer);
    return {};
  } catch (const Json::exception&) {
    return Error{ErrorKind::invalid,
                 "'" + pointer + "' is not a JSON pointer",
                 "write the path with slashes, for example \"/queue/depth\"",
                 {},
                 0};
  }
}

Result<JsonText> JsonText::parse(std::string_view text) {
  auto tree = std::make_shared<Tree>();
  tree->json = Json::parse(text, nullptr, false);
  if (tree->json.is_discarded()) return Error{ErrorKind::invalid, "it is not JSON", {}, {}, 0};
  JsonText made;
  made.tree_ = std::move(tree);
  return made;
}

std::optional<JsonValue> JsonText::find(const std::string& pointer) const {
  try {
    const Json::json_pointer at(pointer);
    if (!tree_->json.contains(at)) return std::nullopt;
    const auto& found = tree_->json.at(at);
    JsonValue value;
    value.text = found.is_string() ? found.get<std::string>()
                                   : found.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (found.is_number()) value.number = found.get<double>();
    return value;
  } catch (const Json::exception&) {
    return std::nullopt;  // an index of an array that is none
  }
}

}  // namespace squall
