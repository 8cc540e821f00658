// SPDX-License-Identifier: Apache-2.0

#include "tests/support/service.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>

namespace squall::testing {
namespace {

Fd bound_socket(std::uint16_t& port, const Netns& netns = {}) {
  auto socket = socket_in(netns, AF_INET, SOCK_STREAM);
  if (!socket) return {};
  Fd made = std::move(*socket);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ::bind(made.get(), reinterpret_cast<sockaddr*>(&at), size);
  ::getsockname(made.get(), reinterpret_cast<sockaddr*>(&at), &size);
  port = ntohs(at.sin_port);
  return made;
}

}  // namespace

Service::Service(Loop& loop, Manner manner)
    : loop_(loop), manner_(std::move(manner)), listener_(bound_socket(port_, manner_.netns)) {
  ::listen(listener_.get(), 16);
  accepting_ = loop_.on_readable(listener_.get(), [this] { accept(); });
}

void Service::accept() {
  Fd socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!socket) return;
  auto& client = *clients_.emplace_back(std::make_unique<Client>());
  client.socket = std::move(socket);
  client.read = loop_.on_readable(client.socket.get(), [this, &client] { hear(client); });
  if (manner_.greets) {
    client.answering = true;
    send(client);
  }
}

void Service::hear(Client& client) {
  std::array<char, 4096> part{};
  const auto got = ::recv(client.socket.get(), part.data(), part.size(), 0);
  if (got <= 0) return client.read.cancel();
  received_.append(part.data(), static_cast<std::size_t>(got));
  if (client.answering || manner_.answer.empty()) return;
  client.answering = true;
  send(client);
}

void Service::send(Client& client) {
  const auto& answer = manner_.answer;
  const auto all = answer.size() * manner_.times;
  while (client.sent < all) {
    const auto at = client.sent % answer.size();
    const auto size = manner_.pause > Duration::zero() ? 1 : answer.size() - at;
    const auto sent = ::send(client.socket.get(), answer.data() + at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      client.write = loop_.on_writable(client.socket.get(), [this, &client] { send(client); });
      return;
    }
    if (sent < 0) return client.write.cancel();  // the client has gone
    client.sent += static_cast<std::size_t>(sent);
    if (manner_.pause > Duration::zero() && client.sent < all) {
      client.pause = loop_.after(manner_.pause, [this, &client] { send(client); });
      return;
    }
  }
  client.write.cancel();
  if (manner_.closes) ::shutdown(client.socket.get(), SHUT_WR);
}

std::uint16_t closed_port() {
  std::uint16_t port = 0;
  const auto bound = bound_socket(port);  // bound but not listening, then given back
  return port;
}

}  // namespace squall::testing
