// SPDX-License-Identifier: Apache-2.0

#include "lab/record.hpp"

#include "safety/base/file.hpp"

#include <nlohmann/json.hpp>

namespace squall::lab {

using Json = nlohmann::ordered_json;

Result<> write_record(const std::string& path, const Record& record) {
  Json json{{"state", record.state},
            {"block", record.block},
            {"made_folder", record.made_folder},
            {"services", Json::array()}};
  for (const auto& each : record.started)
    json["services"].push_back(
        {{"program", each.program}, {"pid", each.daemon.pid}, {"born", each.daemon.born}});
  return replace_file(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::optional<Record> read_record(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return std::nullopt;
  try {
    const auto json = Json::parse(*text);
    Record record{json.at("state"), json.at("block"), json.at("made_folder"), {}};
    if (record.block < 0 || record.block >= kBlocks) return std::nullopt;
    for (const auto& each : json.at("services"))
      record.started.push_back({each.at("program"), {each.at("pid"), each.at("born")}});
    return record;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace squall::lab
