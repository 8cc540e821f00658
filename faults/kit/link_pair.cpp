// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/link_pair.hpp"

#include "faults/kit/netlink.hpp"
#include "safety/base/fd.hpp"

#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace squall::link {
namespace {

constexpr std::uint32_t kLargest = 65535;  // bytes: what any interface sends fits in

ifinfomsg head_of(int ifindex) {
  ifinfomsg head{};
  head.ifi_family = AF_UNSPEC;
  head.ifi_index = ifindex;
  return head;
}

Device device_of(nlmsghdr& header) {
  Device device;
  device.index = static_cast<const ifinfomsg*>(nlmsg_data(&header))->ifi_index;
  nlattr* attributes[IFLA_MAX + 1] = {};
  if (nlmsg_parse(&header, sizeof(ifinfomsg), attributes, IFLA_MAX, nullptr) != 0) return device;
  if (attributes[IFLA_IFNAME]) device.end.name = nla_get_string(attributes[IFLA_IFNAME]);
  if (const auto* address = attributes[IFLA_ADDRESS];
      address && nla_len(address) == int{sizeof(Address)})
    std::memcpy(device.end.address.data(), nla_data(address), sizeof(Address));
  if (const auto* stats = attributes[IFLA_STATS64]) {
    rtnl_link_stats64 told{};
    std::memcpy(&told, nla_data(stats),
                std::min(sizeof told, static_cast<std::size_t>(nla_len(stats))));
    device.sent = told.tx_packets;
    device.dropped = told.tx_dropped;
  }
  return device;
}

void describe(const netlink::Message& message, const End& end) {
  netlink::put_text(message, IFLA_IFNAME, end.name);
  netlink::put(message, IFLA_ADDRESS, end.address);
  netlink::put_u32(message, IFLA_MTU, kLargest);
  // Kernel: with one segment at most, what is more is cut before it is sent (gso_features_check).
  netlink::put_u32(message, IFLA_GSO_MAX_SEGS, 1);
}

// Kernel: a bundle that came from a virtual machine does not say how many segments it has, and is
// cut only where the interface says that it cannot do it (skb_gso_ok).
Result<> cut_everything(const std::string& name) {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ethtool_value off{ETHTOOL_STSO, 0};
  ifreq request{};
  std::memcpy(request.ifr_name, name.c_str(), std::min(name.size(), std::size_t{IFNAMSIZ - 1}));
  request.ifr_data = reinterpret_cast<char*>(&off);
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0)
    return sys_error("switch off segmentation of '" + name + "'");
  return {};
}

// Without an address of its own the end sends nothing of itself. No IPv6 at all is as good.
Result<> stay_silent(int ifindex) {
  const auto message = netlink::make_message(RTM_SETLINK, NLM_F_ACK, head_of(ifindex));
  {
    const netlink::Nest families(message, IFLA_AF_SPEC);
    const netlink::Nest family(message, AF_INET6);
    const std::uint8_t none = IN6_ADDR_GEN_MODE_NONE;
    netlink::put(message, IFLA_INET6_ADDR_GEN_MODE, none);
  }
  SQUALL_CHECK(netlink::ask(message));
  return {};
}

Result<> finish(const ChangeToken&, const std::string& name, const std::string& alias) {
  SQUALL_TRY(const auto device, find_device(name));
  if (!device)
    return Error{ErrorKind::gone, "the interface '" + name + "' is gone again", {}, {}, ENODEV};
  const auto message = netlink::make_message(RTM_SETLINK, NLM_F_ACK, head_of(device->index));
  netlink::put_text(message, IFLA_IFALIAS, alias);
  SQUALL_TRY(const int code, netlink::ask(message));
  if (code != 0) return sys_error("describe the interface '" + name + "'", code);
  SQUALL_CHECK(stay_silent(device->index));
  return cut_everything(name);
}

}  // namespace

Result<std::optional<Device>> find_device(const std::string& name) {
  std::optional<Device> found;
  const netlink::Each each = [&](nlmsghdr& header) { found = device_of(header); };
  const auto message = netlink::make_message(RTM_GETLINK, 0, head_of(0));
  netlink::put_text(message, IFLA_IFNAME, name);
  SQUALL_TRY(const int code, netlink::ask(message, &each));
  if (code != 0 && code != ENODEV) return sys_error("find the interface '" + name + "'", code);
  return found;
}

Result<std::vector<Device>> read_devices() {
  std::vector<Device> all;
  const netlink::Each each = [&](nlmsghdr& header) { all.push_back(device_of(header)); };
  SQUALL_TRY(const int code,
             netlink::ask(netlink::make_message(RTM_GETLINK, NLM_F_DUMP, head_of(0)), &each));
  if (code != 0) return sys_error("list the interfaces", code);
  return all;
}

Result<> put_pair(const ChangeToken& token, const End& one, const End& other,
                  const std::string& alias) {
  const auto message =
      netlink::make_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, head_of(0));
  describe(message, one);
  {
    const netlink::Nest info(message, IFLA_LINKINFO);
    netlink::put_text(message, IFLA_INFO_KIND, "veth");
    const netlink::Nest data(message, IFLA_INFO_DATA);
    const netlink::Nest peer(message, VETH_INFO_PEER);
    const auto head = head_of(0);
    nlmsg_append(message.get(), const_cast<ifinfomsg*>(&head), sizeof head, NLMSG_ALIGNTO);
    describe(message, other);
  }
  SQUALL_TRY(const int code, netlink::ask(message));
  if (code == EOPNOTSUPP)
    return Error{ErrorKind::unsupported,
                 "this kernel has no veth",
                 "load it with 'modprobe veth'; 'packet_loss' loses packets without it",
                 {},
                 code};
  if (code != 0) return sys_error("make the interface '" + one.name + "'", code);
  SQUALL_CHECK(finish(token, one.name, alias));
  return finish(token, other.name, alias);
}

Result<> put_ifb(const ChangeToken& token, const End& end, const std::string& alias) {
  const auto message =
      netlink::make_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, head_of(0));
  describe(message, end);
  {
    const netlink::Nest info(message, IFLA_LINKINFO);
    netlink::put_text(message, IFLA_INFO_KIND, "ifb");
  }
  SQUALL_TRY(const int code, netlink::ask(message));
  if (code == EOPNOTSUPP)
    return Error{ErrorKind::unsupported,
                 "this kernel has no ifb, which a loopback interface needs",
                 "load it with 'modprobe ifb'; 'packet_loss' loses packets without it",
                 {},
                 code};
  if (code != 0) return sys_error("make the interface '" + end.name + "'", code);
  return finish(token, end.name, alias);
}

Result<> take_up(const ChangeToken&, int ifindex) {
  auto head = head_of(ifindex);
  head.ifi_flags = IFF_UP | IFF_NOARP;
  head.ifi_change = IFF_UP | IFF_NOARP;
  SQUALL_TRY(const int code, netlink::ask(netlink::make_message(RTM_SETLINK, NLM_F_ACK, head)));
  if (code != 0) return sys_error("take up interface " + std::to_string(ifindex), code);
  return {};
}

Result<> delete_device(const ChangeToken&, int ifindex) {
  SQUALL_TRY(const int code,
             netlink::ask(netlink::make_message(RTM_DELLINK, NLM_F_ACK, head_of(ifindex))));
  if (code != 0 && code != ENODEV)
    return sys_error("delete interface " + std::to_string(ifindex), code);
  return {};
}

}  // namespace squall::link
