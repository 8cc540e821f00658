// SPDX-License-Identifier: Apache-2.0

#include "safety/journal_line.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSumKey = ",\"sum\":\"";

std::string sum_of(std::string_view text) {
  // CRC-32 (IEEE 802.3, reflected 0xEDB88320), bit by bit: lines are short and few.
  std::uint32_t crc = ~0u;
  for (const char each : text) {
    crc ^= static_cast<unsigned char>(each);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0xEDB88320u : 0u);
  }
  std::array<char, 9> hex{};
  std::snprintf(hex.data(), hex.size(), "%08x", ~crc);
  return hex.data();
}

bool seal_holds(std::string_view line) {
  const auto at = line.rfind(kSumKey);
  if (at == std::string_view::npos) return false;
  return line.substr(at + kSumKey.size()) == sum_of(line.substr(0, at)) + "\"}";
}

void put(Json& line, const JournalHeader& header) {
  line["kind"] = "header";
  line["run"] = header.run;
  line["boot"] = header.boot;
  line["version"] = header.version;
  line["seed"] = header.seed;
  line["without"] = header.without;
  line["scenario_file"] = header.scenario_file;
  line["scenario"] = header.scenario;
  auto& parameters = line["parameters"] = Json::object();
  for (const auto& [name, value] : header.parameters) parameters[name] = value;
}

void put(Json& line, const Intent& intent) {
  line["kind"] = "owe";
  line["fault"] = intent.undo.fault;
  line["sentence"] = intent.sentence;
  line["undo"] = intent.undo_sentence;
  line["by_hand"] = intent.by_hand;
  line["survives_reboot"] = intent.survives_reboot;
  auto& values = line["values"] = Json::object();
  for (const auto& [key, value] : intent.undo.values) values[key] = value;
}

void put(Json& line, const SettledLine& settled) {
  line["kind"] = "settled";
  line["of"] = settled.of;
}

JournalHeader header_from(const Json& line) {
  JournalHeader header;
  header.run = line.at("run");
  header.boot = line.at("boot");
  header.version = line.value("version", "");
  header.seed = line.value("seed", std::uint64_t{0});
  header.without = line.value("without", std::vector<std::string>{});
  header.scenario_file = line.value("scenario_file", "");
  header.scenario = line.value("scenario", "");
  const auto parameters = line.value("parameters", Json::object());
  for (const auto& [name, value] : parameters.items())
    header.parameters.emplace_back(name, value.get<std::string>());
  return header;
}

Intent intent_from(const Json& line) {
  Intent intent;
  intent.undo.fault = line.at("fault");
  intent.sentence = line.value("sentence", "");
  intent.undo_sentence = line.value("undo", "");
  intent.by_hand = line.value("by_hand", "");
  intent.survives_reboot = line.value("survives_reboot", false);
  for (const auto& [key, value] : line.at("values").items())
    intent.undo.values.emplace_back(key, value.get<std::string>());
  return intent;
}

}  // namespace

std::string to_text(const JournalLine& line) {
  Json json;
  json["seq"] = line.seq;
  std::visit([&json](const auto& what) { put(json, what); }, line.what);
  auto text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.pop_back();
  const auto sum = sum_of(text);
  return text + std::string(kSumKey) + sum + "\"}\n";
}

std::optional<JournalLine> journal_line_from(const std::string& text) {
  if (!seal_holds(text)) return std::nullopt;
  try {
    const auto json = Json::parse(text);
    const std::string kind = json.at("kind");
    const std::uint64_t seq = json.at("seq");
    if (kind == "header") return JournalLine{seq, header_from(json)};
    if (kind == "owe") return JournalLine{seq, intent_from(json)};
    if (kind == "settled") return JournalLine{seq, SettledLine{json.at("of")}};
  } catch (const Json::exception&) {
    return std::nullopt;  // sealed but not ours: reported by the reader as damaged
  }
  return std::nullopt;
}

}  // namespace squall
