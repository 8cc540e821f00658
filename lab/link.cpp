// SPDX-License-Identifier: Apache-2.0
//
// Veth pairs, addresses and routes by rtnetlink.

#include "lab/layout.hpp"
#include "lab/network.hpp"
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/route.h>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <linux/if_addr.h>
#include <net/if.h>

namespace squall::lab {
namespace {

constexpr const char* kMark = "squall lab";

using Socket = Handle<nl_sock, nl_socket_free>;
using Link = Handle<rtnl_link, rtnl_link_put>;
using Address = Handle<rtnl_addr, rtnl_addr_put>;
using Route = Handle<rtnl_route, rtnl_route_put>;
using NextHop = Handle<rtnl_nexthop, rtnl_route_nh_free>;
using Where = Handle<nl_addr, nl_addr_put>;

Error failed(const std::string& what, int code) {
  return {ErrorKind::system, what + ": " + nl_geterror(code), "", {}, 0};
}

Result<Socket> talk() {
  Socket socket{nl_socket_alloc()};
  if (const int code = nl_connect(socket.get(), NETLINK_ROUTE); code < 0)
    return failed("cannot talk to the kernel's routing", code);
  return socket;
}

Result<Where> parse_address(const std::string& text) {
  nl_addr* raw = nullptr;
  if (const int code = nl_addr_parse(text.c_str(), AF_UNSPEC, &raw); code < 0)
    return failed("'" + text + "' is not an address", code);
  return Where{raw};
}

Result<Link> find_link(nl_sock* socket, const std::string& name) {
  rtnl_link* raw = nullptr;
  const int code = rtnl_link_get_kernel(socket, 0, name.c_str(), &raw);
  if (code == -NLE_OBJ_NOTFOUND || code == -NLE_NODEV)
    return Error{ErrorKind::gone, "there is no device '" + name + "'", "", {}, ENODEV};
  if (code < 0) return failed("cannot read the device '" + name + "'", code);
  return Link{raw};
}

Result<> add_address(nl_sock* socket, rtnl_link* link, const std::string& text) {
  SQUALL_TRY(const Where where, parse_address(text));
  const Address address{rtnl_addr_alloc()};
  rtnl_addr_set_link(address.get(), link);
  rtnl_addr_set_local(address.get(), where.get());
  // Kernel: without this an IPv6 address is tentative for a second and cannot be used.
  rtnl_addr_set_flags(address.get(), IFA_F_NODAD);
  if (const int code = rtnl_addr_add(socket, address.get(), 0); code < 0)
    return failed("cannot put address " + text + " on '" + rtnl_link_get_name(link) + "'", code);
  return {};
}

template <class Set>
Result<> change_link(const std::string& device, const std::string& what, Set set) {
  SQUALL_TRY(const Socket socket, talk());
  SQUALL_TRY(const Link link, find_link(socket.get(), device));
  const Link change{rtnl_link_alloc()};
  set(change.get());
  if (const int code = rtnl_link_change(socket.get(), link.get(), change.get(), 0); code < 0)
    return failed("cannot " + what + " '" + device + "'", code);
  return {};
}

Result<> take_up(const std::string& device) {
  return change_link(device, "take up", [](rtnl_link* link) { rtnl_link_set_flags(link, IFF_UP); });
}

Result<> furnish(const std::string& device, const std::string& v4, const std::string& v6) {
  SQUALL_CHECK(skip_duplicate_check(device));
  SQUALL_CHECK(take_up(device));
  SQUALL_TRY(const Socket socket, talk());
  SQUALL_TRY(const Link link, find_link(socket.get(), device));
  SQUALL_CHECK(add_address(socket.get(), link.get(), v4 + "/" + std::to_string(kV4Prefix)));
  return add_address(socket.get(), link.get(), v6 + "/" + std::to_string(kV6Prefix));
}

Result<> make_pair(const LabLink& wanted, const std::string& from_network) {
  SQUALL_TRY(const Fd from, open_network(from_network));
  SQUALL_TRY(const Fd to, open_network(wanted.to_network));
  SQUALL_TRY(const Socket socket, talk());
  const Link link{rtnl_link_veth_alloc()};
  rtnl_link_set_name(link.get(), wanted.from_device.c_str());
  rtnl_link_set_ns_fd(link.get(), from.get());
  const Link peer{rtnl_link_veth_get_peer(link.get())};
  rtnl_link_set_name(peer.get(), wanted.to_device.c_str());
  rtnl_link_set_ns_fd(peer.get(), to.get());
  const int code = rtnl_link_add(socket.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL);
  if (code == 0) return {};
  return failed("cannot make the pair '" + wanted.from_device + "' and '" + wanted.to_device +
                    "' of " + wanted.to_network,
                code);
}

// The host's end is made beside its peer, gets its mark there, and is moved here then: a
// device on the host without the mark is never ours, whenever we may die.
// Kernel: an alias is ignored when the device is made, so it cannot come with the making.
Result<> make_host_pair(const LabLink& wanted) {
  SQUALL_CHECK(make_pair(wanted, wanted.to_network));
  SQUALL_TRY(const Fd host, open_network(""));
  return inside(wanted.to_network, [&]() -> Result<> {
    SQUALL_CHECK(change_link(wanted.from_device, "mark",
                             [](rtnl_link* link) { rtnl_link_set_ifalias(link, kMark); }));
    return change_link(wanted.from_device, "move",
                       [&](rtnl_link* link) { rtnl_link_set_ns_fd(link, host.get()); });
  });
}

// What a route has of these addresses, or "". Those of a host's own are routes as well; the
// default route has all addresses and owns none.
std::string owner_within(rtnl_route* route, const nl_addr* wanted) {
  const auto* to = rtnl_route_get_dst(route);
  if (!to || nl_addr_get_prefixlen(to) == 0 || nl_addr_get_family(to) != nl_addr_get_family(wanted))
    return {};
  if (nl_addr_cmp_prefix(to, wanted) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN + 5> text{};
  std::array<char, IF_NAMESIZE> device{};
  auto* hop = rtnl_route_nexthop_n(route, 0);
  const bool known = hop && ::if_indextoname(rtnl_route_nh_get_ifindex(hop), device.data());
  return std::string(nl_addr2str(to, text.data(), text.size())) +
         (known ? " on '" + std::string(device.data()) + "'" : "");
}

}  // namespace

Result<> take_loopback_up() { return take_up("lo"); }

Result<> make_link(const LabLink& wanted) {
  SQUALL_CHECK(wanted.from_network.empty() ? make_host_pair(wanted)
                                           : make_pair(wanted, wanted.from_network));
  SQUALL_CHECK(inside(wanted.from_network,
                      [&] { return furnish(wanted.from_device, wanted.from_v4, wanted.from_v6); }));
  return inside(wanted.to_network,
                [&] { return furnish(wanted.to_device, wanted.to_v4, wanted.to_v6); });
}

Result<> add_route(const std::string& network, const std::string& destination, int prefix,
                   const std::string& next_hop) {
  return inside(network, [&]() -> Result<> {
    SQUALL_TRY(const Socket socket, talk());
    SQUALL_TRY(const Where to, parse_address(destination + "/" + std::to_string(prefix)));
    SQUALL_TRY(const Where via, parse_address(next_hop));
    const Route route{rtnl_route_alloc()};
    rtnl_route_set_dst(route.get(), to.get());
    NextHop hop{rtnl_route_nh_alloc()};
    rtnl_route_nh_set_gateway(hop.get(), via.get());
    rtnl_route_add_nexthop(route.get(), hop.release());
    if (const int code = rtnl_route_add(socket.get(), route.get(), 0); code < 0)
      return failed("cannot route " + destination + " through " + next_hop, code);
    return {};
  });
}

Result<> delete_device(const std::string& name) {
  SQUALL_TRY(const Socket socket, talk());
  auto link = find_link(socket.get(), name);
  if (!link) return link.error().kind == ErrorKind::gone ? Result<>{} : std::move(link).error();
  const char* alias = rtnl_link_get_ifalias(link->get());
  if (!rtnl_link_is_veth(link->get()) || !alias || std::string(alias) != kMark)
    return Error{ErrorKind::foreign, "the device '" + name + "' is not a lab's", "", {}, 0};
  const int code = rtnl_link_delete(socket.get(), link->get());
  if (code < 0 && code != -NLE_OBJ_NOTFOUND && code != -NLE_NODEV)
    return failed("cannot remove the device '" + name + "'", code);
  return {};
}

bool device_exists(const std::string& name) { return ::if_nametoindex(name.c_str()) != 0; }

Result<std::string> owner_of_addresses(const Layout& layout) {
  SQUALL_TRY(const Socket socket, talk());
  nl_cache* raw = nullptr;
  if (const int code = rtnl_route_alloc_cache(socket.get(), AF_UNSPEC, 0, &raw); code < 0)
    return failed("cannot read the routes", code);
  const Handle<nl_cache, nl_cache_free> routes{raw};
  for (const auto& link : layout.links)
    for (const auto& wanted : {link.from_v4 + "/" + std::to_string(kV4Prefix),
                               link.from_v6 + "/" + std::to_string(kV6Prefix)}) {
      SQUALL_TRY(const Where where, parse_address(wanted));
      for (auto* each = nl_cache_get_first(routes.get()); each; each = nl_cache_get_next(each))
        if (auto owner = owner_within(reinterpret_cast<rtnl_route*>(each), where.get());
            !owner.empty())
          return owner;
    }
  return std::string();
}

}  // namespace squall::lab
