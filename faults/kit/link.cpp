// SPDX-License-Identifier: Apache-2.0
//
// Links, asked by ioctl: one link costs a few microseconds and no library.

#include "faults/kit/link.hpp"

#include "safety/base/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace squall::link {
namespace {

using network::Link;

Result<Fd> open_socket() {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return sys_error("open a socket");
  return socket;
}

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::memcpy(request.ifr_name, name.c_str(), std::min(name.size(), std::size_t{IFNAMSIZ - 1}));
  return request;
}

bool feature(const Fd& socket, const std::string& name, std::uint32_t command) {
  ethtool_value value{command, 0};
  auto request = request_for(name);
  request.ifr_data = reinterpret_cast<char*>(&value);
  return ::ioctl(socket.get(), SIOCETHTOOL, &request) == 0 && value.data != 0;
}

constexpr std::string_view kTunnels[] = {
    "bareudp", "erspan", "geneve", "gre", "gretap", "gtp",  "ip6erspan", "ip6gre", "ip6gretap",
    "ip6tnl",  "ipip",   "ppp",    "sit", "vti",    "vti6", "vxlan",     "xfrm",   "wireguard"};

// Kernel: a driver that says nothing of itself is named after the kind of its link.
bool tunnels(const Fd& socket, const std::string& name) {
  ethtool_drvinfo driver{};
  driver.cmd = ETHTOOL_GDRVINFO;
  auto request = request_for(name);
  request.ifr_data = reinterpret_cast<char*>(&driver);
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) return false;
  const std::string_view kind(driver.driver);
  // A tap of the same driver leads to a virtual machine.
  if (kind == "tun") return std::string_view(driver.bus_info) == "tun";
  return std::ranges::find(kTunnels, kind) != std::end(kTunnels);
}

// Kernel: those of dev_is_mac_header_xmit().
constexpr unsigned short kIp6Gre = 823, kRawIp = 519;
constexpr unsigned short kBare[] = {ARPHRD_TUNNEL, ARPHRD_TUNNEL6, ARPHRD_SIT,  ARPHRD_IPGRE,
                                    kIp6Gre,       ARPHRD_VOID,    ARPHRD_NONE, kRawIp};

Result<Link> read_link(const Fd& socket, const std::string& name) {
  Link made;
  made.name = name;
  auto request = request_for(name);
  if (name.size() >= IFNAMSIZ || ::ioctl(socket.get(), SIOCGIFINDEX, &request) != 0)
    return sys_error("find the interface '" + name + "'", ENODEV);
  made.index = request.ifr_ifindex;
  request = request_for(name);
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0) {
    made.up = (request.ifr_flags & IFF_UP) != 0;
    made.loopback = (request.ifr_flags & IFF_LOOPBACK) != 0;
  }
  request = request_for(name);
  if (::ioctl(socket.get(), SIOCGIFHWADDR, &request) == 0)
    made.bare = std::ranges::find(kBare, request.ifr_hwaddr.sa_family) != std::end(kBare);
  made.segments_late = feature(socket, name, ETHTOOL_GTSO) || feature(socket, name, ETHTOOL_GGSO) ||
                       feature(socket, name, ETHTOOL_GGRO);
  made.tunnels = tunnels(socket, name);
  return made;
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  auto* list = ::if_nameindex();
  if (!list) return all;
  for (const auto* each = list; each->if_index != 0; ++each) all.emplace_back(each->if_name);
  ::if_freenameindex(list);
  return all;
}

}  // namespace

Result<Link> find(const std::string& name, const network::NamespaceId& where) {
  SQUALL_TRY(const auto socket, open_socket());
  if (auto link = read_link(socket, name)) return std::move(*link);
  const auto known = names();
  const auto meant = nearest(name, known);
  std::string list;
  for (const auto& each : known) list += (list.empty() ? "" : ", ") + each;
  return Error{ErrorKind::gone,
               "there is no interface '" + name + "'" +
                   (where.hint.empty() ? "" : " in namespace '" + where.hint + "'") +
                   (meant.empty() ? "" : " (did you mean '" + meant + "'?)"),
               "there are: " + (list.empty() ? "none" : list),
               {},
               ENODEV};
}

Result<std::vector<Link>> read_all() {
  SQUALL_TRY(const auto socket, open_socket());
  std::vector<Link> all;
  for (const auto& name : names())
    if (auto link = read_link(socket, name)) all.push_back(std::move(*link));
  return all;
}

bool exists(int ifindex) {
  char name[IF_NAMESIZE];
  return ::if_indextoname(static_cast<unsigned>(ifindex), name) != nullptr;
}

}  // namespace squall::link
