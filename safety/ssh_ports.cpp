// SPDX-License-Identifier: Apache-2.0

#include "safety/ssh_ports.hpp"

#include "safety/base/file.hpp"
#include "safety/base/proc.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <unistd.h>

namespace squall {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t from = 0; (from = line.find_first_not_of(' ', from)) != line.npos;) {
    const auto end = std::min(line.find(' ', from), line.size());
    words.push_back(line.substr(from, end - from));
    from = end;
  }
  return words;
}

// Links of open sockets read "socket:[12345]".
std::set<std::uint64_t> sockets_of(const std::string& process) {
  std::set<std::uint64_t> sockets;
  const auto folder = process + "/fd";
  constexpr std::string_view kSocket = "socket:[";
  for (const auto& name : names_in(folder)) {
    std::array<char, 64> target{};
    const auto length = ::readlink((folder + "/" + name).c_str(), target.data(), target.size());
    if (length <= 0) continue;
    const std::string_view link(target.data(), static_cast<std::size_t>(length));
    std::uint64_t inode = 0;
    if (link.starts_with(kSocket) &&
        parse_number(link.substr(kSocket.size(), link.size() - kSocket.size() - 1), inode))
      sockets.insert(inode);
  }
  return sockets;
}

// An address as /proc/net/tcp prints it: words of 32 bits in the order of this CPU.
bool is_loopback(std::string_view address) {
  return address == "00000000000000000000000001000000" ||
         (address.ends_with("7F") && (address.size() == 8 || address.contains("FFFF0000")));
}

constexpr std::string_view kListening = "0A";
constexpr std::string_view kEstablished = "01";

struct Entry {
  std::string_view state;
  bool on_loopback = false;
  std::uint16_t port = 0;  // the local one
  std::uint64_t inode = 0;
};

std::vector<Entry> entries_of(std::string_view table) {
  std::vector<Entry> entries;
  for (std::size_t from = 0; from < table.size();) {
    const auto end = std::min(table.find('\n', from), table.size());
    const auto words = words_of(table.substr(from, end - from));
    from = end + 1;
    if (words.size() <= 9) continue;
    const auto colon = words[1].rfind(':');
    Entry entry{words[3], is_loopback(words[1].substr(0, colon)), 0, 0};
    if (parse_number(words[9], entry.inode) &&
        parse_number(words[1].substr(colon + 1), entry.port, 16))
      entries.push_back(entry);
  }
  return entries;
}

}  // namespace

std::set<std::uint16_t> listening_ports(std::string_view table,
                                        const std::set<std::uint64_t>& sockets) {
  std::set<std::uint16_t> ports;
  for (const auto& each : entries_of(table))
    if (each.state == kListening && !each.on_loopback && sockets.contains(each.inode))
      ports.insert(each.port);
  return ports;
}

std::set<std::uint16_t> accepted_ports(std::string_view table,
                                       const std::set<std::uint64_t>& sockets) {
  const auto entries = entries_of(table);
  std::set<std::uint16_t> served, accepted;
  for (const auto& each : entries)
    if (each.state == kListening && !each.on_loopback) served.insert(each.port);
  for (const auto& each : entries)
    if (each.state == kEstablished && sockets.contains(each.inode) && served.contains(each.port))
      accepted.insert(each.port);
  return accepted;
}

std::uint16_t session_port(std::string_view environment) {
  constexpr std::string_view kName = "SSH_CONNECTION=";
  for (std::size_t from = 0; from < environment.size();) {
    const auto end = std::min(environment.find('\0', from), environment.size());
    const auto entry = environment.substr(from, end - from);
    from = end + 1;
    std::uint16_t port = 0;
    if (entry.starts_with(kName) && parse_number(entry.substr(entry.rfind(' ') + 1), port))
      return port;
  }
  return 0;
}

std::vector<std::uint16_t> find_ssh_ports(const std::vector<pid_t>& daemons,
                                          const std::vector<pid_t>& ancestors) {
  std::set<std::uint16_t> ports = {22};
  for (const auto pid : daemons) {
    const auto process = "/proc/" + std::to_string(pid);
    const auto sockets = sockets_of(process);
    if (sockets.empty()) continue;
    // The daemon's own view of the network: it may live in another namespace.
    std::string both;
    for (const auto* table : {"/net/tcp", "/net/tcp6"})
      if (const auto text = read_file(process + table)) both += *text;
    ports.merge(listening_ports(both, sockets));
    ports.merge(accepted_ports(both, sockets));
  }
  for (const auto pid : ancestors)
    if (const auto text = read_file("/proc/" + std::to_string(pid) + "/environ"))
      if (const auto port = session_port(*text); port != 0) ports.insert(port);
  return {ports.begin(), ports.end()};
}

}  // namespace squall
