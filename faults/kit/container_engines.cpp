// SPDX-License-Identifier: Apache-2.0
//
// What podman and docker know of their containers: from their files, and by their sockets, which
// both answer in the words of docker's API. An engine that hangs costs two seconds.

#include "faults/kit/container_engines.hpp"

#include "faults/kit/container.hpp"
#include "safety/base/fd.hpp"
#include "safety/base/file.hpp"
#include "safety/base/proc.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace squall {
namespace {

using Json = nlohmann::json;

constexpr Duration kPatience = 2s;
constexpr std::size_t kLargestAnswer = 8 << 20;

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json& part_of(const Json& json, const char* key) {
  static const Json kNothing;
  if (!json.is_object()) return kNothing;
  const auto found = json.find(key);
  return found == json.end() ? kNothing : *found;
}

std::string first_of(const Json& list) {
  return list.is_array() && !list.empty() && list.front().is_string()
             ? list.front().get<std::string>()
             : std::string();
}

// docker writes "/web".
std::string without_slash(const std::string& name) {
  return name.starts_with('/') ? name.substr(1) : name;
}

Container container_of(const char* engine, const std::string& id, const std::string& name,
                       const Json& labels) {
  Container made{engine, id, without_slash(name)};
  if (labels.is_object())
    for (const auto& [key, value] : labels.items())
      if (value.is_string()) made.labels.emplace_back(key, value.get<std::string>());
  return made;
}

void add(std::vector<Container>& all, Container container) {
  if (!container.id.empty()) all.push_back(std::move(container));
}

Json parse(const std::string& text) { return Json::parse(text, nullptr, false); }

Result<Fd> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return sys_error("reach '" + path + "'", ENAMETOOLONG);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return sys_error("reach the container engine at '" + path + "'");
  return socket;
}

// HTTP 1.0, so that the answer is one piece, and ends with the connection.
Result<std::string> get(const std::string& socket_path, const std::string& what) {
  SQUALL_TRY(const auto socket, connect_to(socket_path));
  const auto request = "GET " + what + " HTTP/1.0\r\nHost: localhost\r\n\r\n";
  const auto end = std::chrono::steady_clock::now() + kPatience;
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    return sys_error("ask the container engine at '" + socket_path + "'");
  std::string answer;
  std::array<char, 16384> piece{};
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd waiting{socket.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) == 0)
      return sys_error("get an answer of the container engine at '" + socket_path + "'", ETIMEDOUT);
    const auto size = ::recv(socket.get(), piece.data(), piece.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (size < 0) return sys_error("read from the container engine at '" + socket_path + "'");
    if (size == 0) return answer;
    answer.append(piece.data(), static_cast<std::size_t>(size));
    if (answer.size() > kLargestAnswer)
      return sys_error("read from the container engine at '" + socket_path + "'", EFBIG);
  }
}

struct Socket {
  const char* engine;
  std::string path;
};

std::vector<Socket> find_sockets() {
  std::vector<Socket> all = {{"podman", "/run/podman/podman.sock"}, {"docker", "/run/docker.sock"}};
  for (const auto& user : names_in("/run/user")) {
    all.push_back({"podman", "/run/user/" + user + "/podman/podman.sock"});
    all.push_back({"docker", "/run/user/" + user + "/docker.sock"});
  }
  return all;
}

Result<std::vector<Container>> ask(const char* engine, const std::string& path) {
  auto answer = get(path, "/v1.40/containers/json?all=true");
  if (!answer) {
    answer.error().hint = "start it, or name the container by its name or id";
    return std::move(answer).error();
  }
  if (auto told = engines_answer(*answer, engine)) return std::move(*told);
  return Error{
      ErrorKind::system,
      "the container engine at '" + path + "' gave an answer that is no list of containers",
      {},
      {},
      0};
}

class ThisHostsContainers final : public Containers {
 public:
  std::vector<Container> read_stored() const override {
    std::vector<Container> all;
    // The folder is called after the storage driver: "overlay-containers".
    const std::string podman = "/var/lib/containers/storage";
    for (const auto& folder : names_in(podman))
      if (folder.ends_with("-containers"))
        take(all, read_file(podman + "/" + folder + "/containers.json"), podmans_containers);
    const std::string docker = "/var/lib/docker/containers";
    for (const auto& id : names_in(docker))
      take(all, read_file(docker + "/" + id + "/config.v2.json"), dockers_container);
    return all;
  }

  Result<std::vector<Container>> ask_engines() const override {
    std::vector<Container> all;
    std::optional<Error> trouble;
    bool answered = false;
    for (const auto& [engine, path] : find_sockets()) {
      auto told = ask(engine, path);
      if (told) {
        answered = true;
        std::ranges::move(*told, std::back_inserter(all));
      } else if (told.error().kind != ErrorKind::gone) {
        trouble = std::move(told).error();
      }
    }
    if (trouble && !answered) return std::move(*trouble);
    return all;
  }

 private:
  template <class Read>
  static void take(std::vector<Container>& all, const Result<std::string>& text, Read&& read) {
    if (!text) return;
    for (auto& each : read(*text)) add(all, std::move(each));
  }
};

}  // namespace

std::vector<Container> podmans_containers(const std::string& text) {
  std::vector<Container> all;
  const auto list = parse(text);
  if (!list.is_array()) return all;
  for (const auto& each : list)
    add(all, container_of("podman", text_of(each, "id"), first_of(part_of(each, "names")), {}));
  return all;
}

std::vector<Container> dockers_container(const std::string& text) {
  const auto json = parse(text);
  const auto id = text_of(json, "ID");
  if (id.empty()) return {};
  return {container_of("docker", id, text_of(json, "Name"),
                       part_of(part_of(json, "Config"), "Labels"))};
}

std::optional<std::vector<Container>> engines_answer(const std::string& answer,
                                                     const char* engine) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const auto body = answer.find(kEnd);
  const bool ok = answer.starts_with("HTTP/1.") && answer.find(" 200 ") < answer.find("\r\n");
  if (!ok || body == std::string::npos) return std::nullopt;
  const auto list = parse(answer.substr(body + kEnd.size()));
  if (!list.is_array()) return std::nullopt;
  std::vector<Container> all;
  for (const auto& each : list)
    add(all, container_of(engine, text_of(each, "Id"), first_of(part_of(each, "Names")),
                          part_of(each, "Labels")));
  return all;
}

std::unique_ptr<Containers> this_hosts_containers() {
  return std::make_unique<ThisHostsContainers>();
}

}  // namespace squall
