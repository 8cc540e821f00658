// SPDX-License-Identifier: Apache-2.0

#include "scenarios/control.hpp"

#include "safety/base/file.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error{ErrorKind::refused,
                 "the path of the control socket '" + path + "' is too long",
                 "set SQUALL_RUN_DIR to a shorter path",
                 {},
                 0};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// Kernel: at the client's end it is whoever listens.
std::optional<uid_t> user_at_other_end(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
  return peer.uid;
}

bool may_control(int fd) {
  const auto user = user_at_other_end(fd);
  return user && (*user == 0 || *user == ::getuid());
}

Error no_answer(int fd) {
  const auto owner = user_at_other_end(fd);
  const bool allowed = ::getuid() == 0 || (owner && *owner == ::getuid());
  return {ErrorKind::refused,
          allowed ? "the run ended before it answered"
                  : "the run is another user's, and does not answer",
          allowed ? "'squall status' shows whether anything is left"
                  : "only root and the user who started a run may control it",
          {},
          0};
}

void say(int fd, const std::string& answer) {
  const auto line = answer + "\n";
  // A client that does not read is not waited for.
  (void)!::send(fd, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

RunStatus status_from(const Json& json) {
  RunStatus status{json.at("run"),
                   json.at("scenario"),
                   json.at("pid"),
                   json.at("elapsed_ns"),
                   json.at("left_ns"),
                   {},
                   {}};
  for (const auto& each : json.at("faults"))
    status.faults.push_back({each.at("name"), each.at("kind"), each.at("state"),
                             each.at("since_ns"), each.at("left_ns")});
  for (const auto& each : json.at("probes"))
    status.probes.emplace_back(each.at("name"), each.at("last"));
  return status;
}

// One question, one line of answer; nullopt when nobody listens.
Result<std::optional<std::string>> ask(const Paths& paths, const std::string& question) {
  SQUALL_TRY(const auto address, address_of(paths.control()));
  const Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket) return sys_error("make a socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return std::optional<std::string>{};
    return sys_error("connect to '" + paths.control() + "'");
  }
  // Who may not ask may find it closed already: that the answer is missing says why.
  (void)write_all(socket.get(), question + "\n", paths.control());
  std::string answer;
  std::array<char, 4096> chunk{};
  for (;;) {
    const auto got = ::read(socket.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    answer.append(chunk.data(), static_cast<std::size_t>(got));
  }
  if (answer.empty()) return no_answer(socket.get());
  return std::optional<std::string>(std::move(answer));
}

}  // namespace

std::string to_json(const RunStatus& status) {
  auto faults = Json::array();
  for (const auto& each : status.faults)
    faults.push_back({{"name", each.name},
                      {"kind", each.kind},
                      {"state", each.state},
                      {"since_ns", each.since_ns},
                      {"left_ns", each.left_ns}});
  auto probes = Json::array();
  for (const auto& [name, last] : status.probes) probes.push_back({{"name", name}, {"last", last}});
  const Json made = {{"active", true},
                     {"run", status.run},
                     {"scenario", status.scenario},
                     {"pid", status.pid},
                     {"elapsed_ns", status.elapsed_ns},
                     {"left_ns", status.left_ns},
                     {"faults", faults},
                     {"probes", probes}};
  // Answers of probes may hold any bytes.
  return made.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::unique_ptr<ControlServer>> ControlServer::listen(Loop& loop, const Paths& paths,
                                                             Answers answers) {
  SQUALL_TRY(const auto address, address_of(paths.control()));
  std::unique_ptr<ControlServer> server(new ControlServer(loop, std::move(answers)));
  server->socket_ = Fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!server->socket_) return sys_error("make the control socket");
  // Left by a run that was killed; whoever holds the host's lock owns the name.
  ::unlink(paths.control().c_str());
  if (::bind(server->socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
          0 ||
      ::listen(server->socket_.get(), 8) != 0)
    return sys_error("listen on '" + paths.control() + "'");
  server->path_ = paths.control();
  server->watch_ =
      loop.on_readable(server->socket_.get(), [raw = server.get()] { raw->accept_one(); });
  return server;
}

ControlServer::~ControlServer() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void ControlServer::accept_one() {
  Fd socket{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!socket || !may_control(socket.get())) return;
  clients_.remove_if([](const Client& each) { return !each.socket; });
  auto& client = clients_.emplace_back();
  client.socket = std::move(socket);
  client.watch = loop_.on_readable(client.socket.get(), [this, &client] { hear(client); });
}

void ControlServer::hear(Client& client) {
  std::array<char, 256> chunk{};
  const auto got = ::read(client.socket.get(), chunk.data(), chunk.size());
  if (got > 0) client.text.append(chunk.data(), static_cast<std::size_t>(got));
  if (got > 0 && client.text.size() < 256 && client.text.find('\n') == std::string::npos) return;
  client.watch.cancel();
  if (client.text == "status\n") say(client.socket.get(), to_json(answers_.status()));
  if (client.text == "abort\n") {
    client.waits = true;
    return answers_.abort();
  }
  client.socket.reset();
}

void ControlServer::finish(const std::string& outcome) {
  for (auto& client : clients_)
    if (client.waits) say(client.socket.get(), Json{{"outcome", outcome}}.dump());
  clients_.clear();
}

Result<std::optional<RunStatus>> ask_status(const Paths& paths) {
  SQUALL_TRY(const auto answer, ask(paths, "status"));
  if (!answer) return std::optional<RunStatus>{};
  try {
    return std::optional<RunStatus>(status_from(Json::parse(*answer)));
  } catch (const Json::exception& problem) {
    return Error{ErrorKind::internal,
                 std::string("the run's answer cannot be read: ") + problem.what(),
                 {},
                 {},
                 0};
  }
}

Result<std::optional<std::string>> ask_abort(const Paths& paths, const std::string& run) {
  if (!run.empty()) {
    SQUALL_TRY(const auto status, ask_status(paths));
    if (status && status->run != run)
      return Error{ErrorKind::refused,
                   "run '" + run + "' is not active; '" + status->run + "' is",
                   "'squall abort " + status->run + "' stops that one",
                   {},
                   0};
  }
  SQUALL_TRY(const auto answer, ask(paths, "abort"));
  if (!answer) return std::optional<std::string>{};
  const auto json = Json::parse(*answer, nullptr, false);
  return std::optional<std::string>(json.is_object() ? json.value("outcome", "") : "");
}

}  // namespace squall
