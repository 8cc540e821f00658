// SPDX-License-Identifier: Apache-2.0

#include "safety/base/process_stat.hpp"

#include "safety/base/file.hpp"
#include "safety/base/proc.hpp"

#include <algorithm>
#include <vector>

namespace squall {
namespace {

Error damaged(std::string_view text) {
  return {ErrorKind::system,
          "the process status '" + std::string(text.substr(0, 60)) + "' is not understood",
          {},
          {},
          0};
}

}  // namespace

Result<ProcessStat> parse_process_stat(std::string_view text) {
  // The name may hold anything, also spaces and parentheses: its end is the last one.
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return damaged(text);
  ProcessStat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  std::vector<std::string_view> words;  // from field 3, the state
  for (std::size_t from = close + 2; from < text.size();) {
    const auto end = std::min(text.find_first_of(" \n", from), text.size());
    words.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  const auto word = [&](std::size_t field) { return words.at(field - 3); };
  if (words.size() < 20 || word(3).size() != 1 || !parse_number(word(4), stat.parent) ||
      !parse_number(word(9), stat.flags) || !parse_number(word(22), stat.start))
    return damaged(text);
  stat.state = word(3).front();
  return stat;
}

Result<ProcessStat> read_process_stat(pid_t pid, const std::string& root) {
  auto text = read_file(root + "/" + std::to_string(pid) + "/stat", 4096);
  if (text) return parse_process_stat(*text);
  if (text.error().kind != ErrorKind::gone) return std::move(text).error();
  return Error{
      ErrorKind::gone, "there is no process " + std::to_string(pid), {}, {}, text.error().code};
}

}  // namespace squall
