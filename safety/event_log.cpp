// SPDX-License-Identifier: Apache-2.0

#include "safety/event_log.hpp"

#include "safety/base/file.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace squall {
namespace {

Result<Fd> open_log(const std::string& path, int extra) {
  Fd file{::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | extra, 0644)};
  if (!file) return sys_error("open the event log '" + path + "'");
  return file;
}

template <class T>
nlohmann::ordered_json to_json(const T& value) {
  return value;
}

nlohmann::ordered_json to_json(const EventCounts& counts) {
  auto object = nlohmann::ordered_json::object();
  for (const auto& [name, count] : counts) object[name] = count;
  return object;
}

}  // namespace

const EventValue* Event::find(const std::string& key) const {
  for (const auto& [name_of_key, value] : keys)
    if (name_of_key == key) return &value;
  return nullptr;
}

std::string Event::text(const std::string& key) const {
  const auto* value = find(key);
  const auto* held = value ? std::get_if<std::string>(value) : nullptr;
  return held ? *held : "";
}

std::string to_json_line(const Event& event, const std::string& run) {
  nlohmann::ordered_json line;
  line["time"] = rfc3339(event.time_ns);
  line["monotonic_ns"] = event.monotonic_ns;
  line["run"] = run;
  line["event"] = event.name;
  for (const auto& [key, value] : event.keys)
    std::visit([&line, &name = key](const auto& held) { line[name] = to_json(held); }, value);
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<EventLog> EventLog::create(const std::string& path, std::string run) {
  EventLog log;
  SQUALL_TRY(log.file_, open_log(path, O_EXCL));
  log.run_ = std::move(run);
  return log;
}

Result<EventLog> EventLog::append_to(const std::string& path, std::string run) {
  EventLog log;
  SQUALL_TRY(log.file_, open_log(path, 0));
  log.run_ = std::move(run);
  return log;
}

bool EventLog::put(const std::string& line) {
  struct stat before{};
  if (::fstat(file_.get(), &before) != 0) return false;
  if (write_all(file_.get(), line, "events")) return true;
  // No half a line: whoever reads the file reads it line by line.
  (void)!::ftruncate(file_.get(), before.st_size);
  return false;
}

void EventLog::write(std::string name, std::vector<std::pair<std::string, EventValue>> keys) {
  const Event event{std::move(name), std::move(keys), realtime_ns(), monotonic_ns()};
  if (!put(to_json_line(event, run_) + "\n")) ++lost_;
  if (listener_) listener_(event, run_);
}

}  // namespace squall
