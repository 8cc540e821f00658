// SPDX-License-Identifier: Apache-2.0

#include "safety/spare.hpp"

#include "safety/ssh_ports.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <arpa/inet.h>
#include <csignal>
#include <netinet/in.h>
#include <sched.h>
#include <set>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace squall;

TEST_CASE("this process, its ancestors and init are spared; giving one net up keeps the others") {
  const auto all = find_spare_list({});
  CHECK(all.spares(1));
  CHECK(all.spares(::getpid()));
  CHECK(all.spares(::getppid()));
  CHECK_FALSE(all.spares(999'999'999));
  CHECK(all.ssh);
  CHECK(all.neighbours);
  const auto fewer = find_spare_list({"spare-operator", "spare-ssh"});
  CHECK(fewer.spares(1));
  CHECK(fewer.spares(::getpid()));
  if (::getppid() != 1) CHECK_FALSE(fewer.spares(::getppid()));
  CHECK_FALSE(fewer.ssh);
  CHECK(fewer.neighbours);
}

TEST_CASE("ports where a daemon listens, and only those") {
  const char* table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 00000000:08AE 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "777 1 0\n"
      "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "778 1 0\n"
      "   2: 0100007F:0016 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 "
      "777 1 0\n";
  CHECK(listening_ports(table, {777}) == std::set<std::uint16_t>{2222});
  CHECK_MESSAGE(listening_ports(table, {777, 778}) == std::set<std::uint16_t>{2222},
                "a forwarded port on loopback is no way in");
  CHECK(listening_ports(table, {}).empty());
  CHECK(accepted_ports(table, {777}).empty());
  CHECK(listening_ports("nonsense\n\n 1: 2 3 0A", {777}).empty());
}

namespace {

// A TCP socket with this port of this address, 0 for any; its port.
int make_socket(std::uint32_t address, std::uint16_t& port, bool listens) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(made >= 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(address);
  where.sin_port = htons(port);
  socklen_t size = sizeof where;
  auto* at = reinterpret_cast<sockaddr*>(&where);
  REQUIRE((listens ? ::bind(made, at, size) : ::connect(made, at, size)) == 0);
  if (!listens) return made;
  REQUIRE(::listen(made, 1) == 0);
  REQUIRE(::getsockname(made, at, &size) == 0);
  port = ntohs(where.sin_port);
  return made;
}

// Whether a daemon that holds only a connection accepted by somebody else, at `address`, is
// found to be reached by that port.
bool found_by_connection(std::uint32_t address) {
  std::uint16_t port = 0;
  const int listening = make_socket(address, port, true);
  const int client = make_socket(INADDR_LOOPBACK, port, false);
  const int connection = ::accept(listening, nullptr, nullptr);
  REQUIRE(connection >= 0);
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    ::close(listening);
    ::close(client);
    ::pause();
    ::_exit(0);
  }
  const auto fds = "/proc/" + std::to_string(daemon) + "/fd/";
  const auto holds = [&](int fd) {
    return ::access((fds + std::to_string(fd)).c_str(), F_OK) == 0;
  };
  while (holds(client)) ::sched_yield();
  const auto ports = find_ssh_ports({daemon}, {});
  ::kill(daemon, SIGKILL);
  ::waitpid(daemon, nullptr, 0);
  for (const int each : {listening, client, connection}) ::close(each);
  return std::ranges::find(ports, port) != ports.end();
}

}  // namespace

TEST_CASE("a daemon that was handed its connection is reached by that port") {
  CHECK(found_by_connection(INADDR_ANY));
  CHECK_FALSE_MESSAGE(found_by_connection(INADDR_LOOPBACK), "a forwarded port is no way in");
}

TEST_CASE("the port of the operator's session, from an environment") {
  using namespace std::string_literals;
  const auto with = "A=1\0SSH_CONNECTION=192.0.2.1 50000 192.0.2.2 2200\0B=2\0"s;
  CHECK(session_port(with) == 2200);
  CHECK(session_port("SSH_CONNECTION=") == 0);
  CHECK(session_port("") == 0);
  const auto ports = find_spare_list({}).ssh_ports;
  CHECK(std::ranges::find(ports, 22) != ports.end());
}
