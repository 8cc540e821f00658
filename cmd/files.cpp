// SPDX-License-Identifier: Apache-2.0

#include "cmd/files.hpp"

#include "safety/base/units.hpp"
#include "safety/lock.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>

namespace squall {
namespace {

namespace fs = std::filesystem;

Error wrong(std::string what, std::string hint) {
  return {ErrorKind::usage, std::move(what), std::move(hint), {}, 0};
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

void add_named(const std::string& folder, std::vector<NamedScenario>& all) {
  std::error_code problem;
  fs::directory_iterator each(folder, problem);
  for (; !problem && each != fs::directory_iterator(); each.increment(problem)) {
    if (each->path().extension() != ".toml") continue;
    const auto name = each->path().stem().string();
    if (std::ranges::find(all, name, &NamedScenario::name) == all.end())
      all.push_back({name, each->path().string()});
  }
}

}  // namespace

std::string program_folder() {
  std::error_code problem;
  const auto self = fs::read_symlink("/proc/self/exe", problem);
  return problem ? "" : self.parent_path().string();
}

std::string watchdog_program() { return program_folder() + "/squall-watchdog"; }

std::vector<std::string> library_folders() {
  std::vector<std::string> folders;
  const char* path = std::getenv("SQUALL_SCENARIO_PATH");
  const std::string given = path ? path : "";
  for (std::size_t at = 0; at < given.size();) {
    const auto end = std::min(given.find(':', at), given.size());
    folders.push_back(given.substr(at, end - at));
    at = end + 1;
  }
  const auto here = program_folder();
  folders.push_back(here + "/../share/squall/scenarios");
  folders.push_back(here + "/../../scenarios/library");  // build/<preset>/squall
  std::erase_if(folders, [](const auto& each) { return !is_folder(each); });
  for (auto& each : folders) each = fs::path(each).lexically_normal().string();
  return folders;
}

std::vector<NamedScenario> library() {
  std::vector<NamedScenario> all;
  for (const auto& folder : library_folders()) add_named(folder, all);
  std::ranges::sort(all, {}, &NamedScenario::name);
  return all;
}

Result<std::string> scenario_file(const std::string& word) {
  std::error_code ignored;
  if (word.find('/') != word.npos || word.ends_with(".toml") || fs::is_regular_file(word, ignored))
    return word;
  std::vector<std::string> known;
  for (const auto& each : library()) {
    if (each.name == word) return each.file;
    known.push_back(each.name);
  }
  const auto meant = nearest(word, known);
  return wrong("there is no scenario '" + word + "'" +
                   (meant.empty() ? "" : " (did you mean '" + meant + "'?)"),
               "give a file, or a name that 'squall list scenarios' shows");
}

Result<Overrides> overrides(const std::vector<std::string>& words) {
  Overrides made;
  for (const auto& each : words) {
    const auto equals = each.find('=');
    if (equals == each.npos || equals == 0)
      return wrong("'" + each + "' sets nothing", "write --set name=value");
    made.emplace_back(each.substr(0, equals), each.substr(equals + 1));
  }
  return made;
}

Result<std::optional<std::uint64_t>> whole_number(const std::string& text, std::string_view what) {
  if (text.empty()) return std::optional<std::uint64_t>();
  std::uint64_t seed = 0;
  const auto* end = text.data() + text.size();
  if (const auto [stop, problem] = std::from_chars(text.data(), end, seed);
      problem != std::errc{} || stop != end)
    return wrong("'" + text + "' is not a " + std::string(what), "it is a whole number from 0 on");
  return std::optional(seed);
}

bool is_active(const Paths& paths, const std::string& run) {
  return HostLock::holder(paths).starts_with("run " + run + " ");
}

}  // namespace squall
