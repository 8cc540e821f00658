// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/container.hpp"

#include "faults/kit/cgroup.hpp"
#include "safety/base/value.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace squall {
namespace {

constexpr std::size_t kIdLength = 64;
constexpr std::size_t kShortestId = 4;

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_id(std::string_view text) { return text.size() == kIdLength && is_hex(text); }

// The engine and the id that a part of a group's path tells: "libpod-<id>.scope" and
// "libpod-<id>" are podman's, "docker-<id>.scope" and "<id>" below "docker" are docker's.
bool read_part(std::string_view part, std::string_view above, Container& container) {
  if (part.ends_with(".scope")) part.remove_suffix(6);
  for (const auto& [prefix, engine] : {std::pair{"libpod-", "podman"}, {"docker-", "docker"}})
    if (part.starts_with(prefix) && is_id(part.substr(7))) {
      container.engine = engine;
      container.id = part.substr(7);
      return true;
    }
  if (above != "docker" || !is_id(part)) return false;
  container.engine = "docker";
  container.id = part;
  return true;
}

// Of the path up to the container's own group; what is below it are groups of its own making.
bool read_path(const std::string& path, Container& container) {
  container.cgroup.clear();
  std::string above;
  for (const auto& part : path_parts(path)) {
    container.cgroup += "/" + part;
    if (read_part(part, above, container)) return true;
    above = part;
  }
  return false;
}

bool is_inside(const ProcessInfo& process, Container& container) {
  return std::ranges::any_of(process.cgroups,
                             [&](const auto& each) { return read_path(each.second, container); });
}

// "conmon … -n web …": what follows the word.
std::string name_in(const ProcessInfo& monitor) {
  if (monitor.name != "conmon") return {};
  constexpr std::string_view kName = " -n ";
  const auto at = monitor.command.find(kName);
  if (at == std::string::npos) return {};
  const auto from = at + kName.size();
  return monitor.command.substr(from, monitor.command.find(' ', from) - from);
}

// What others say of the same containers, and those that they alone know.
void merge(std::vector<Container>& all, std::vector<Container> more) {
  for (auto& each : more) {
    const auto known = std::ranges::find(all, each.id, &Container::id);
    if (known == all.end()) {
      all.push_back(std::move(each));
      continue;
    }
    if (known->name.empty()) known->name = std::move(each.name);
    if (known->labels.empty()) known->labels = std::move(each.labels);
  }
}

bool has_label(const Container& container, const std::string& text) {
  return std::ranges::any_of(
      container.labels, [&](const auto& each) { return each.first + "=" + each.second == text; });
}

bool is_label(const std::string& text) { return text.find('=') != std::string::npos; }

// By name first: an id that begins like a name is not meant.
std::vector<Container> matching(const std::string& text, const std::vector<Container>& all) {
  std::vector<Container> found;
  const auto take = [&](auto&& fits) {
    std::ranges::copy_if(all, std::back_inserter(found), fits);
  };
  if (is_label(text)) {
    take([&](const Container& each) { return has_label(each, text); });
    return found;
  }
  take([&](const Container& each) { return each.name == text; });
  if (found.empty() && text.size() >= kShortestId && is_hex(text))
    take([&](const Container& each) { return each.id.starts_with(text); });
  return found;
}

std::string list_all(const std::vector<Container>& all) {
  const auto of = [&](const char* engine) {
    return std::ranges::find(all, engine, &Container::engine) != all.end();
  };
  const auto ps = [&](const char* engine) { return "'" + std::string(engine) + " ps -a'"; };
  if (of("podman") == of("docker")) return ps("podman") + " and " + ps("docker") + " show them";
  return ps(of("docker") ? "docker" : "podman") + " shows them";
}

Error no_such_container(const std::string& text, const std::vector<Container>& all,
                        const Result<std::vector<Container>>& asked) {
  if (!asked) return asked.error();
  if (all.empty())
    return {ErrorKind::gone,
            "there is no container '" + text + "': neither podman nor docker has any here",
            "start the engine, and the container",
            {},
            0};
  std::vector<std::string> known;
  for (const auto& each : all) {
    known.push_back(each.name);
    for (const auto& [key, value] : each.labels) known.push_back(key + "=" + value);
  }
  const auto meant = nearest(text, known);
  // Of podman's, nothing but its socket tells the labels.
  const bool unlabelled = std::ranges::any_of(
      all, [](const Container& each) { return each.engine == "podman" && each.labels.empty(); });
  return {ErrorKind::gone,
          std::string("there is no container ") + (is_label(text) ? "with label '" : "'") + text +
              "'" + (meant.empty() ? "" : " (did you mean '" + meant + "'?)"),
          is_label(text) && unlabelled
              ? "podman tells labels by its socket only: 'systemctl start podman.socket'"
              : list_all(all),
          {},
          0};
}

Error several(const std::string& text, const std::vector<Container>& found) {
  std::vector<std::string> names;
  for (const auto& each : found)
    names.push_back(each.name.empty() ? each.id.substr(0, 12) : each.name);
  return {ErrorKind::refused,
          std::to_string(found.size()) + " containers match '" + text + "': " + joined(names),
          "name one of them",
          {},
          0};
}

}  // namespace

std::string describe(const Container& container) {
  return "container '" + (container.name.empty() ? container.id.substr(0, 12) : container.name) +
         "'";
}

std::vector<Container> containers_among(const std::vector<ProcessInfo>& processes) {
  std::vector<Container> found;
  for (const auto& process : processes) {
    Container seen;
    if (process.ended() || !is_inside(process, seen)) continue;
    const auto parent =
        std::ranges::find(processes, process.parent, [](const auto& p) { return p.id.pid; });
    // Its first process has its parent outside; so has what was executed into it later.
    Container around;
    if (parent != processes.end() && is_inside(*parent, around) && around.id == seen.id) continue;
    seen.main = process;
    if (parent != processes.end()) seen.name = name_in(*parent);
    const auto known = std::ranges::find(found, seen.id, &Container::id);
    if (known == found.end())
      found.push_back(std::move(seen));
    else if (process.id.start < known->main.id.start)
      *known = std::move(seen);
  }
  return found;
}

Result<Container> find_container(const std::string& text, const Machine& machine) {
  SQUALL_TRY(const auto processes, machine.processes().read_all());
  auto all = containers_among(processes);
  const auto& engines = machine.cgroups().containers();
  merge(all, engines.read_stored());
  auto found = matching(text, all);
  Result<std::vector<Container>> asked = std::vector<Container>{};
  // Labels are told by the engine alone, and so are containers that it keeps elsewhere.
  if (is_label(text) || found.empty()) {
    asked = engines.ask_engines();
    if (asked) merge(all, *asked);
    found = matching(text, all);
  }
  if (found.empty()) return no_such_container(text, all, asked);
  // Of several, those that do not run are not meant.
  const auto idle = found.front();
  std::erase_if(found, [](const Container& each) { return !each.runs(); });
  if (found.size() > 1) return several(text, found);
  if (!found.empty()) return found.front();
  return Error{ErrorKind::gone,
               describe(idle) + " does not run",
               "start it with '" + idle.engine + " start " +
                   (idle.name.empty() ? idle.id.substr(0, 12) : idle.name) + "'",
               {},
               0};
}

}  // namespace squall
