// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/distribution.hpp"

#include "safety/base/file.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

namespace squall::netem {
namespace {

constexpr const char* kNames[] = {"normal", "pareto", "paretonormal", "experimental"};
// Where distributions put iproute2's tables.
constexpr const char* kFolders[] = {"/usr/lib/tc/", "/usr/lib64/tc/", "/usr/share/tc/",
                                    "/usr/lib/x86_64-linux-gnu/tc/",
                                    "/usr/lib/aarch64-linux-gnu/tc/"};
constexpr std::size_t kMost = 1u << 20;  // bytes of a file

Error not_a_table(const std::string& path, std::size_t line, const std::string& why) {
  return {ErrorKind::invalid,
          "'" + path + "' is not a distribution table: line " + std::to_string(line) + " " + why,
          "write whole numbers from -32768 to 32767, 8192 for one jitter; at most 16384 of them",
          {},
          0};
}

// Appends the numbers of one line. Returns what is wrong with it, or "".
std::string take_line(std::string_view line, Distribution& table) {
  line = line.substr(0, line.find('#'));
  for (;;) {
    const auto from = line.find_first_not_of(" \t\r");
    if (from == std::string_view::npos) return "";
    line.remove_prefix(from);
    const auto word = line.substr(0, line.find_first_of(" \t\r"));
    std::int16_t number = 0;
    const auto [stop, problem] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (problem != std::errc{} || stop != word.data() + word.size())
      return "has '" + std::string(word.substr(0, 40)) + "'";
    if (table.size() == kDistributionMost) return "is beyond the 16384th number";
    table.push_back(number);
    line.remove_prefix(word.size());
  }
}

Spread uniform(double delay, double jitter) {
  if (jitter <= delay) return {delay, jitter / std::sqrt(3.0)};
  // What would be before its time leaves at once: the part below zero is cut off.
  const double high = delay + jitter, width = 2 * jitter;
  const double mean = high * high / (2 * width);
  const double square = high * high * high / (3 * width);
  return {mean, std::sqrt(std::max(0.0, square - mean * mean))};
}

}  // namespace

Result<Distribution> parse_distribution(const std::string& text, const std::string& path) {
  Distribution table;
  std::size_t line = 1;
  for (std::size_t from = 0; from < text.size(); ++line) {
    const auto end = std::min(text.find('\n', from), text.size());
    if (const auto wrong = take_line(std::string_view(text).substr(from, end - from), table);
        !wrong.empty())
      return not_a_table(path, line, wrong);
    from = end + 1;
  }
  if (table.empty()) return not_a_table(path, line, "ends it without a number");
  return table;
}

Result<Distribution> read_distribution(const std::string& name) {
  if (name == "uniform") return Distribution{};
  if (name.find('/') != std::string::npos) {
    SQUALL_TRY(const auto text, read_file(name, kMost));
    return parse_distribution(text, name);
  }
  if (std::ranges::find(kNames, name) == std::end(kNames))
    return Error{ErrorKind::invalid,
                 "there is no distribution '" + name + "'",
                 "there are uniform, normal, pareto, paretonormal, experimental; the path of a "
                 "table has a '/'",
                 {},
                 0};
  for (const auto* folder : kFolders) {
    const auto path = folder + name + ".dist";
    if (const auto text = read_file(path, kMost)) return parse_distribution(*text, path);
  }
  return Error{ErrorKind::unsupported,
               "the table of the distribution '" + name + "' is not on this host",
               "install iproute2, or write the path of a table",
               {},
               0};
}

Spread spread_of(Duration delay, Duration jitter, const Distribution& table) {
  const auto mu = static_cast<double>(delay.count()), sigma = static_cast<double>(jitter.count());
  if (jitter == Duration{}) return {mu, 0};
  if (table.empty()) return uniform(mu, sigma);
  double sum = 0, square = 0;
  for (const auto each : table) {
    const double one = std::max(0.0, mu + sigma * each / kDistributionScale);
    sum += one;
    square += one * one;
  }
  const auto count = static_cast<double>(table.size());
  const double mean = sum / count;
  return {mean, std::sqrt(std::max(0.0, square / count - mean * mean))};
}

}  // namespace squall::netem
