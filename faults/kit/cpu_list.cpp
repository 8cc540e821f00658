// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/cpu_list.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace squall {
namespace {

constexpr int kMostCpus = 8192;

Error not_cpus(const Raw& raw) {
  return {ErrorKind::invalid,
          describe(raw) + " is not a list of CPUs",
          "write CPU numbers and ranges, for example \"0-1,3\"",
          {},
          0};
}

bool parse_cpu(std::string_view text, int& cpu) {
  const auto end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, cpu);
  return error == std::errc{} && stopped == end && cpu >= 0 && cpu < kMostCpus;
}

}  // namespace

Result<CpuList> Value<CpuList>::parse(const Raw& raw) {
  std::string text;
  if (const auto* written = std::get_if<std::string>(&raw.value)) text = *written;
  if (const auto* number = std::get_if<std::int64_t>(&raw.value)) text = std::to_string(*number);
  if (const auto* list = std::get_if<Raw::List>(&raw.value))
    for (const auto& each : *list) {
      SQUALL_TRY(const auto part, parse(each));
      text += (text.empty() ? "" : ",") + print(part);
    }
  CpuList made;
  for (std::size_t from = 0; from <= text.size();) {
    const auto comma = std::min(text.find(',', from), text.size());
    const auto part = std::string_view(text).substr(from, comma - from);
    from = comma + 1;
    const auto dash = part.find('-');
    int first = 0;
    int last = 0;
    if (!parse_cpu(part.substr(0, dash), first)) return not_cpus(raw);
    if (!parse_cpu(dash == std::string_view::npos ? part : part.substr(dash + 1), last) ||
        last < first)
      return not_cpus(raw);
    for (int cpu = first; cpu <= last; ++cpu) made.cpus.push_back(cpu);
  }
  std::ranges::sort(made.cpus);
  const auto again = std::ranges::unique(made.cpus);
  made.cpus.erase(again.begin(), again.end());
  return made;
}

std::string Value<CpuList>::print(const CpuList& list) {
  std::string text;
  for (std::size_t at = 0; at < list.cpus.size();) {
    auto last = at;
    while (last + 1 < list.cpus.size() && list.cpus[last + 1] == list.cpus[last] + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(list.cpus[at]);
    if (last > at) text += "-" + std::to_string(list.cpus[last]);
    at = last + 1;
  }
  return text;
}

TypeSheet Value<CpuList>::sheet() {
  return {"CPUs", "0-1,3", "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$", {}, {"string", "integer"},
          false};
}

}  // namespace squall
