// SPDX-License-Identifier: Apache-2.0

#include "safety/unsettled.hpp"

#include "safety/base/file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace squall {
namespace {

std::string directory_of(const std::string& state) { return state + "/unsettled"; }

}  // namespace

std::string marker_of(const std::string& run_directory) {
  const std::filesystem::path run(run_directory);
  return directory_of(run.parent_path().parent_path()) + "/" + run.filename().string();
}

Result<> mark_unsettled(const std::string& run_directory) {
  const auto marker = marker_of(run_directory);
  const auto parent = marker.substr(0, marker.rfind('/'));
  SQUALL_CHECK(make_directories(parent));
  const Fd file{::open(marker.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  if (!file) return sys_error("create '" + marker + "'");
  return sync_directory(parent);
}

Result<> forget_unsettled(const std::string& run_directory) {
  const auto marker = marker_of(run_directory);
  if (::unlink(marker.c_str()) != 0 && errno != ENOENT) return sys_error("remove '" + marker + "'");
  return {};
}

Result<std::vector<std::string>> unsettled_runs(const Paths& paths) {
  std::vector<std::string> runs;
  std::error_code problem;
  const auto directory = directory_of(paths.state);
  for (std::filesystem::directory_iterator each(directory, problem), end; !problem && each != end;
       each.increment(problem))
    runs.push_back(each->path().filename());
  if (problem && problem != std::errc::no_such_file_or_directory) {
    auto error = sys_error("list '" + directory + "'", problem.value());
    error.hint = "set SQUALL_STATE_DIR to a directory that can be written";
    return error;
  }
  std::sort(runs.begin(), runs.end());
  return runs;
}

}  // namespace squall
