// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/link_kind.hpp"

#include "faults/kit/netlink.hpp"

#include <netlink/attr.h>
#include <netlink/msg.h>

#include <cerrno>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <string_view>

namespace squall::link {
namespace {

// 0: a kind that has no such attribute.
int attribute_of(std::string_view kind) {
  if (kind == "vxlan") return IFLA_VXLAN_COLLECT_METADATA;
  if (kind == "geneve") return IFLA_GENEVE_COLLECT_METADATA;
  for (const auto* each : {"gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan"})
    if (kind == each) return IFLA_GRE_COLLECT_METADATA;
  for (const auto* each : {"ipip", "sit", "ip6tnl"})
    if (kind == each) return IFLA_IPTUN_COLLECT_METADATA;
  return 0;
}

// Kernel: a flag where it is one, a byte of vxlan, which always says it.
bool says_yes(const nlattr* attribute) {
  return attribute && (nla_len(attribute) == 0 || nla_get_u8(attribute) != 0);
}

bool takes_metadata(nlmsghdr& header) {
  nlattr* attributes[IFLA_MAX + 1] = {};
  nlattr* info[IFLA_INFO_MAX + 1] = {};
  if (nlmsg_parse(&header, sizeof(ifinfomsg), attributes, IFLA_MAX, nullptr) != 0 ||
      !attributes[IFLA_LINKINFO] ||
      nla_parse_nested(info, IFLA_INFO_MAX, attributes[IFLA_LINKINFO], nullptr) != 0 ||
      !info[IFLA_INFO_KIND])
    return false;
  const std::string_view kind(nla_get_string(info[IFLA_INFO_KIND]));
  if (kind == "bareudp") return true;
  const int wanted = attribute_of(kind);
  if (wanted == 0 || !info[IFLA_INFO_DATA]) return false;
  return says_yes(nla_find(static_cast<nlattr*>(nla_data(info[IFLA_INFO_DATA])),
                           nla_len(info[IFLA_INFO_DATA]), wanted));
}

}  // namespace

Result<bool> takes_metadata(int ifindex) {
  ifinfomsg head{};
  head.ifi_family = AF_UNSPEC;
  head.ifi_index = ifindex;
  bool yes = false;
  const netlink::Each each = [&](nlmsghdr& header) { yes = takes_metadata(header); };
  SQUALL_TRY(const int code, netlink::ask(netlink::make_message(RTM_GETLINK, 0, head), &each));
  if (code != 0) return sys_error("read the kind of interface " + std::to_string(ifindex), code);
  return yes;
}

}  // namespace squall::link
