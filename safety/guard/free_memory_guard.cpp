// SPDX-License-Identifier: Apache-2.0
//
// free_memory: abort when the memory that programs could still get runs low.

#include "safety/base/file.hpp"
#include "safety/base/limit.hpp"
#include "safety/guard/make.hpp"

#include <charconv>
#include <optional>

namespace squall {
namespace {

struct Params {
  std::optional<Limit<Bytes>> available;
  std::optional<Limit<Percent>> available_share;
};

const Table<Params>& table() {
  static const Table<Params> made(
      {field("available", &Params::available, "memory that must stay available"),
       field("available_share", &Params::available_share,
             "share of all memory that must stay available")},
      {{"say how much must stay available: available or available_share",
        [](const Params& p) { return p.available || p.available_share; }}});
  return made;
}

std::optional<Bytes> line_of(const std::string& text, const std::string& key) {
  const auto at = text.find("\n" + key + ":");
  const auto line = text.starts_with(key + ":") ? 0 : at == std::string::npos ? at : at + 1;
  if (line == std::string::npos) return std::nullopt;
  const auto digit = text.find_first_of("0123456789", line);
  std::uint64_t kib = 0;
  if (digit == std::string::npos ||
      std::from_chars(text.data() + digit, text.data() + text.size(), kib).ec != std::errc{})
    return std::nullopt;
  return Bytes{kib * 1024};
}

class FreeMemoryGuard final : public Guard {
 public:
  explicit FreeMemoryGuard(const Params& params) : params_(params) {}

  std::string name() const override {
    std::string made = "free_memory";
    if (params_.available) made += " " + Value<Limit<Bytes>>::print(*params_.available);
    if (params_.available_share)
      made += " " + Value<Limit<Percent>>::print(*params_.available_share);
    return made;
  }

  GuardWord look() override {
    const auto text = read_file("/proc/meminfo", 64 * 1024);
    if (!text) return {GuardWord::Kind::blind, text.error().sentence(), ""};
    const auto total = line_of(*text, "MemTotal");
    const auto available = line_of(*text, "MemAvailable");
    if (!total || !available || total->value == 0)
      return {GuardWord::Kind::blind, "'/proc/meminfo' has no MemAvailable", ""};
    return judge(*available, *total);
  }

 private:
  GuardWord judge(Bytes available, Bytes total) const {
    GuardWord word;
    const auto mib = std::to_string(available.value >> 20) + "MiB";
    const auto per_mille = available.value * 1000 / total.value;
    const Percent share{static_cast<double>(per_mille) / 10};
    word.value = mib;
    if (params_.available)
      word.why = breach_of("available memory", *params_.available, available, mib);
    if (word.why.empty() && params_.available_share)
      word.why = breach_of("available memory", *params_.available_share, share, to_text(share));
    if (!word.why.empty()) word.kind = GuardWord::Kind::abort;
    return word;
  }

  Params params_;
};

}  // namespace

const GuardKind& free_memory_guard_kind() {
  static const GuardKind kind{"free_memory", "abort when little memory is left", table().sheet(),
                              "[[guard]]\nkind = \"free_memory\"\navailable = \"> 500MiB\"\n",
                              guard_maker<FreeMemoryGuard>("free_memory", table())};
  return kind;
}

}  // namespace squall
