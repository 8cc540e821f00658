// SPDX-License-Identifier: Apache-2.0
//
// Numbered datagrams from a sender to a receiver that says which were lost, in what
// bursts, repeated or out of order. What a network fault did is measured with it
// from outside.

#include "victim.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <csignal>
#include <cstring>
#include <map>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

namespace {

using victim::Clock;
using victim::Duration;

volatile std::sig_atomic_t ended = 0;

void end_on_signals() {
  struct sigaction action{};
  action.sa_handler = [](int) { ended = 1; };  // no SA_RESTART: a waiting call returns
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

struct Datagram {
  std::uint64_t number;
  std::int64_t sent_ns;
};

int open_towards(const victim::Address& address) {
  addrinfo want{}, *found = nullptr;
  want.ai_socktype = SOCK_DGRAM;
  if (getaddrinfo(address.host.c_str(), address.port.c_str(), &want, &found) != 0) return -1;
  const int raw = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool joined = raw >= 0 && connect(raw, found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  return joined ? raw : -1;
}

// Packet number n leaves at n / rate; what is late leaves at once, so the rate holds
// on average also where the clock ticks coarsely.
int send_all(const victim::Address& to, std::uint64_t count, std::uint64_t rate, std::size_t size) {
  const int raw = open_towards(to);
  if (raw < 0) return victim::complain("cannot send to '" + to.host + "'");
  std::vector<char> packet(std::max(size, sizeof(Datagram)));
  std::uint64_t number = 0, refused = 0;
  const auto start = Clock::now();
  for (; number < count && !ended; ++number) {
    const auto due = start + Duration(static_cast<std::int64_t>(number * 1'000'000'000 / rate));
    if (const auto left = due - Clock::now(); left.count() > 0) {
      const timespec pause{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
      nanosleep(&pause, nullptr);
    }
    const Datagram head{number, Clock::now().time_since_epoch().count()};
    std::memcpy(packet.data(), &head, sizeof head);
    if (send(raw, packet.data(), packet.size(), 0) < 0) ++refused;
  }
  close(raw);
  std::printf("{\"sent\":%llu,\"refused\":%llu}\n", static_cast<unsigned long long>(number),
              static_cast<unsigned long long>(refused));
  return 0;
}

struct Seen {
  std::uint64_t received = 0, repeated = 0, reordered = 0, highest = 0;
  std::vector<bool> got;
  std::vector<std::int64_t> transit_ns;

  void take(const Datagram& head) {
    constexpr std::uint64_t kMost = 100'000'000;
    if (head.number >= kMost) return;
    if (head.number >= got.size()) got.resize(head.number + 1);
    if (got[head.number]) {
      ++repeated;
      return;
    }
    got[head.number] = true;
    if (received && head.number < highest) ++reordered;
    highest = std::max(highest, head.number);
    ++received;
    transit_ns.push_back(Clock::now().time_since_epoch().count() - head.sent_ns);
  }
};

// `expected` makes losses after the last packet that arrived count as well.
std::string judge(Seen& seen, std::uint64_t expected, std::string& missing) {
  seen.got.resize(std::max<std::size_t>(seen.got.size(), expected));
  std::map<std::uint64_t, std::uint64_t> bursts;
  std::uint64_t burst = 0, lost = 0;
  for (std::size_t i = 0; i <= seen.got.size(); ++i) {
    if (i < seen.got.size() && !seen.got[i]) {
      ++burst;
      ++lost;
      missing += std::to_string(i) + "\n";
    } else if (burst) {
      ++bursts[std::exchange(burst, 0)];
    }
  }
  std::string lengths;
  for (const auto& [length, times] : bursts)
    lengths +=
        (lengths.empty() ? "\"" : ",\"") + std::to_string(length) + "\":" + std::to_string(times);
  auto& transit = seen.transit_ns;
  std::sort(transit.begin(), transit.end());
  const auto at = [&](std::size_t percent) {
    return transit.empty() ? 0 : transit[(transit.size() - 1) * percent / 100] / 1000;
  };
  const auto count = [](std::uint64_t n) { return std::to_string(n); };
  return "{\"received\":" + count(seen.received) + ",\"lost\":" + count(lost) +
         ",\"repeated\":" + count(seen.repeated) + ",\"reordered\":" + count(seen.reordered) +
         ",\"bursts\":{" + lengths + "},\"transit_p50_us\":" + std::to_string(at(50)) +
         ",\"transit_p99_us\":" + std::to_string(at(99)) +
         ",\"transit_max_us\":" + std::to_string(at(100)) + "}\n";
}

struct Receiving {
  std::uint64_t port = 9100, count = 0;
  Duration idle{};
  std::string port_file, missing_file, ready;
};

int receive_all(const Receiving& want) {
  const int raw = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int off = 0, room = 8 << 20;
  setsockopt(raw, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (setsockopt(raw, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
    setsockopt(raw, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  sockaddr_in6 here{};
  here.sin6_family = AF_INET6;
  here.sin6_port = htons(static_cast<std::uint16_t>(want.port));
  socklen_t length = sizeof here;
  if (raw < 0 || bind(raw, reinterpret_cast<sockaddr*>(&here), length) != 0 ||
      getsockname(raw, reinterpret_cast<sockaddr*>(&here), &length) != 0)
    return victim::complain("cannot listen on UDP port " + std::to_string(want.port));
  victim::replace_file(want.port_file, std::to_string(ntohs(here.sin6_port)) + "\n");
  victim::tell_ready(want.ready);

  Seen seen;
  std::array<char, 65536> packet;
  while (!ended && !(want.count && seen.received >= want.count)) {
    // Nothing yet: wait for the first. Then silence means that the sender has ended.
    pollfd wait{raw, POLLIN, 0};
    const int limit =
        seen.received && want.idle.count() ? static_cast<int>(want.idle.count() / 1'000'000) : -1;
    if (poll(&wait, 1, limit) <= 0) break;
    const auto size = recv(raw, packet.data(), packet.size(), MSG_DONTWAIT);
    if (size < static_cast<ssize_t>(sizeof(Datagram))) continue;
    Datagram head{};
    std::memcpy(&head, packet.data(), sizeof head);
    seen.take(head);
  }
  close(raw);
  std::string missing;
  std::printf("%s", judge(seen, want.count, missing).c_str());
  victim::replace_file(want.missing_file, missing);
  return 0;
}

int run_sender(int argc, char** argv) {
  std::string to, count = "10000", rate = "5000", size = "64";
  if (const auto code = victim::parse_options(argc, argv, "sends numbered datagrams",
                                              {{"--to", &to, "address of the receiver"},
                                               {"--count", &count, "datagrams"},
                                               {"--rate", &rate, "datagrams a second"},
                                               {"--size", &size, "bytes of each, 16 at least"}}))
    return *code;
  const auto address = victim::to_address(to);
  const auto n = victim::to_number(count), each = victim::to_number(rate),
             bytes = victim::to_number(size);
  if (!address) return victim::complain("'" + to + "' is not an address", "--to 198.18.0.2:9100");
  if (!n || !each || !bytes || *each == 0 || *bytes > 65507)
    return victim::complain("count, rate and size are whole numbers", "--rate 5000 --size 64");
  return send_all(*address, *n, *each, *bytes);
}

int run_receiver(int argc, char** argv) {
  Receiving want;
  std::string port = "9100", count = "0", idle = "1s";
  if (const auto code = victim::parse_options(
          argc, argv, "receives numbered datagrams and says what is missing",
          {{"--port", &port, "UDP port, 0 for any free one"},
           {"--count", &count, "ends after so many, and counts those not there as lost"},
           {"--idle", &idle, "ends after so long a silence, 0s for never"},
           {"--port-file", &want.port_file, "file that gets the port"},
           {"--missing", &want.missing_file, "file that gets the numbers that are missing"},
           {"--ready-fd", &want.ready, "descriptor that gets a line once it listens"}}))
    return *code;
  const auto number = victim::to_number(port), most = victim::to_number(count);
  const auto quiet = victim::to_duration(idle);
  if (!number || *number > 65535 || !most || !quiet)
    return victim::complain("bad port, count or time", "--port 9100 --count 10000 --idle 500ms");
  want.port = *number;
  want.count = *most;
  want.idle = *quiet;
  return receive_all(want);
}

}  // namespace

int main(int argc, char** argv) {
  end_on_signals();
  const std::string part = argc > 1 ? argv[1] : "";
  if (part == "send") return run_sender(argc - 1, argv + 1);
  if (part == "receive") return run_receiver(argc - 1, argv + 1);
  std::printf("udp-sequence send|receive - numbered datagrams; each part has --help\n");
  return part == "--help" ? 0 : 2;
}
