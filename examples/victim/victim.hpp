// SPDX-License-Identifier: Apache-2.0
//
// What the small services to hurt have in common: options with --help, a clean end
// on SIGTERM, telling whoever started them that they answer, and figures in files
// that are replaced whole. They know nothing of squall.

#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>  // Boost 1.74 relies on it being there already
#include <vector>

namespace victim {

using Clock = std::chrono::steady_clock;
using Duration = std::chrono::nanoseconds;

struct Option {
  std::string name;    // "--rate"
  std::string* value;  // holds the default
  std::string help;
};

// Exit code when the program is to end now (help, or a complaint), nothing to go on.
inline std::optional<int> parse_options(int argc, char** argv, const std::string& summary,
                                        const std::vector<Option>& options) {
  const std::string program = argc > 0 ? argv[0] : "victim";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--help") {
      std::printf("%s - %s\n\n", program.c_str(), summary.c_str());
      for (const auto& each : options)
        std::printf("  %-16s %s%s\n", each.name.c_str(), each.help.c_str(),
                    each.value->empty() ? "" : (" [" + *each.value + "]").c_str());
      return 0;
    }
    const Option* found = nullptr;
    for (const auto& each : options)
      if (each.name == word) found = &each;
    if (!found || i + 1 >= argc) {
      std::fprintf(stderr, "error: %s '%s'\n  hint: '%s --help' lists the options\n",
                   found ? "no value for" : "unknown option", word.c_str(), program.c_str());
      return 2;
    }
    *found->value = argv[++i];
  }
  return std::nullopt;
}

// A count, or nothing when it is not one.
inline std::optional<std::uint64_t> to_number(const std::string& text) {
  char* end = nullptr;
  const auto value = std::strtoull(text.c_str(), &end, 10);
  if (text.empty() || text.front() == '-' || *end != 0) return std::nullopt;
  return value;
}

// "250ms", "2s" and "0s".
inline std::optional<Duration> to_duration(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const std::string_view unit = end;
  if (end == text.c_str() || value < 0) return std::nullopt;
  if (unit == "us") return Duration(static_cast<std::int64_t>(value * 1e3));
  if (unit == "ms") return Duration(static_cast<std::int64_t>(value * 1e6));
  if (unit == "s") return Duration(static_cast<std::int64_t>(value * 1e9));
  return std::nullopt;
}

struct Address {
  std::string host;
  std::string port;
};

// "198.18.0.2:9001" or "[2001:2::2]:9001".
inline std::optional<Address> to_address(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  std::string host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return Address{host, text.substr(colon + 1)};
}

inline int complain(const std::string& what, const std::string& hint = "") {
  std::fprintf(stderr, "error: %s\n", what.c_str());
  if (!hint.empty()) std::fprintf(stderr, "  hint: %s\n", hint.c_str());
  return 2;
}

// A reader sees the old text or the new one, never half of it.
inline void replace_file(const std::string& path, const std::string& text) {
  if (path.empty()) return;
  const std::string fresh = path + ".new";
  std::FILE* file = std::fopen(fresh.c_str(), "we");
  if (!file) return;
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) == 0 && whole) std::rename(fresh.c_str(), path.c_str());
}

// Tells the starter on an inherited descriptor that the service answers from now on.
inline void tell_ready(const std::string& descriptor) {
  const auto fd = to_number(descriptor);
  if (!fd) return;
  if (::write(static_cast<int>(*fd), "ready\n", 6) == 6) ::close(static_cast<int>(*fd));
}

}  // namespace victim
