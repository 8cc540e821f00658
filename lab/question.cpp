// SPDX-License-Identifier: Apache-2.0
//
// One question to a service over TCP: the proof that it answers, and that the way to
// it through the lab's networks is open.

#include "lab/question.hpp"

#include "safety/base/fd.hpp"
#include "safety/base/file.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace squall::lab {
namespace {

bool becomes(int fd, short event, long long end) {
  pollfd wait{fd, event, 0};
  const auto left = (end - monotonic_ns()) / 1'000'000;
  return left > 0 && ::poll(&wait, 1, static_cast<int>(left)) > 0;
}

Error silent(const std::string& address, const std::string& how) {
  return {ErrorKind::system, "nothing answers at '" + address + "': " + how, "", {}, 0};
}

}  // namespace

Result<> ask(const std::string& address, const std::string& text, const std::string& wanted,
             Duration limit) {
  const auto end = monotonic_ns() + limit.count();
  const auto colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(address.c_str() + colon + 1)));
  ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  const Fd socket{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) return sys_error("make a socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 &&
      errno != EINPROGRESS)
    return sys_error("connect to '" + address + "'");
  if (!becomes(socket.get(), POLLOUT, end)) return silent(address, "no connection");
  if (::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0)
    return sys_error("connect to '" + address + "'");
  std::string answer;
  while (answer.find(wanted) == std::string::npos) {
    if (!becomes(socket.get(), POLLIN, end)) return silent(address, "no answer in time");
    std::array<char, 1024> chunk{};
    const auto size = ::recv(socket.get(), chunk.data(), chunk.size(), 0);
    if (size <= 0) return silent(address, "the connection was closed");
    answer.append(chunk.data(), static_cast<std::size_t>(size));
  }
  return {};
}

}  // namespace squall::lab
