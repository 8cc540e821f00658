// SPDX-License-Identifier: Apache-2.0
//
// Qdiscs and filters by rtnetlink.

#include "faults/kit/tc.hpp"

#include "faults/kit/netlink.hpp"

#include <netlink/attr.h>
#include <netlink/msg.h>

#include <arpa/inet.h>
#include <cerrno>
#include <functional>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

namespace squall::tc {
namespace {

using netlink::ask;
using netlink::Message;
using network::Direction;
using Each = std::function<void(const tcmsg&, nlattr** attributes)>;

std::uint32_t parent_of(Direction direction) {
  return TC_H_MAKE(TC_H_CLSACT, direction == Direction::in ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

netlink::Each parsed(const Each& each) {
  return [&each](nlmsghdr& header) {
    nlattr* attributes[TCA_MAX + 1] = {};
    if (nlmsg_parse(&header, sizeof(tcmsg), attributes, TCA_MAX, nullptr) == 0)
      each(*static_cast<const tcmsg*>(nlmsg_data(&header)), attributes);
  };
}

Result<int> dump(const Message& message, const Each& each) {
  const auto all = parsed(each);
  return ask(message, &all);
}

std::string text_of(const nlattr* attribute) { return attribute ? nla_get_string(attribute) : ""; }

std::uint64_t packets_of(nlattr** attributes) {
  nlattr* stats[TCA_STATS_MAX + 1] = {};
  if (!attributes[TCA_STATS2] ||
      nla_parse_nested(stats, TCA_STATS_MAX, attributes[TCA_STATS2], nullptr) != 0)
    return 0;
  if (stats[TCA_STATS_PKT64]) return nla_get_u64(stats[TCA_STATS_PKT64]);
  const auto* basic = stats[TCA_STATS_BASIC];
  return basic ? static_cast<const gnet_stats_basic*>(nla_data(basic))->packets : 0;
}

tcmsg head_of(int ifindex, std::uint32_t parent = 0, std::uint32_t handle = 0,
              std::uint32_t info = 0) {
  tcmsg head{};
  head.tcm_family = AF_UNSPEC;
  head.tcm_ifindex = ifindex;
  head.tcm_parent = parent;
  head.tcm_handle = handle;
  head.tcm_info = info;
  return head;
}

std::uint32_t our_info(std::uint32_t handle) {
  return network::filter_priority(handle) << 16 | htons(ETH_P_ALL);
}

std::string named(int ifindex) { return "interface " + std::to_string(ifindex); }

Filter filter_of(const tcmsg& head, nlattr** attributes) {
  Filter made{text_of(attributes[TCA_KIND]),
              head.tcm_info >> 16,
              ntohs(static_cast<std::uint16_t>(head.tcm_info & 0xffff)),
              head.tcm_handle,
              "",
              0};
  nlattr* options[TCA_BPF_MAX + 1] = {};
  if (made.kind == "bpf" && attributes[TCA_OPTIONS] &&
      nla_parse_nested(options, TCA_BPF_MAX, attributes[TCA_OPTIONS], nullptr) == 0) {
    made.name = text_of(options[TCA_BPF_NAME]);
    if (options[TCA_BPF_ID]) made.program = nla_get_u32(options[TCA_BPF_ID]);
  }
  return made;
}

}  // namespace

Result<std::vector<Qdisc>> read_qdiscs(int ifindex) {
  std::vector<Qdisc> found;
  const Each each = [&](const tcmsg& head, nlattr** attributes) {
    if (head.tcm_ifindex == ifindex)
      found.push_back({text_of(attributes[TCA_KIND]), head.tcm_handle, head.tcm_parent,
                       packets_of(attributes)});
  };
  SQUALL_TRY(const int code,
             dump(netlink::make_message(RTM_GETQDISC, NLM_F_DUMP, head_of(ifindex)), each));
  if (code != 0) return sys_error("list the qdiscs of " + named(ifindex), code);
  return found;
}

Result<std::vector<Filter>> read_filters_at(int ifindex, std::uint32_t parent) {
  std::vector<Filter> found;
  const Each each = [&](const tcmsg& head, nlattr** attributes) {
    // Kernel: a classifier also announces itself, with handle 0, before its filters.
    if (head.tcm_handle != 0) found.push_back(filter_of(head, attributes));
  };
  SQUALL_TRY(
      const int code,
      dump(netlink::make_message(RTM_GETTFILTER, NLM_F_DUMP, head_of(ifindex, parent)), each));
  if (code == ENOENT || code == EINVAL) return found;  // no qdisc that could have filters
  if (code != 0) return sys_error("list the filters of " + named(ifindex), code);
  return found;
}

Result<network::HookQdisc> read_hook_qdisc(int ifindex) {
  SQUALL_TRY(const auto qdiscs, read_qdiscs(ifindex));
  for (const auto& each : qdiscs) {
    if (each.kind == "clsact") return network::HookQdisc::clsact;
    if (each.kind == "ingress") return network::HookQdisc::ingress;
  }
  return network::HookQdisc::none;
}

Result<std::vector<Filter>> read_filters(int ifindex, Direction direction) {
  SQUALL_TRY(auto filters, read_filters_at(ifindex, parent_of(direction)));
  if (filters.empty() || direction == Direction::in) return filters;
  // Kernel: an ingress qdisc answers with its filters whichever direction is asked for.
  SQUALL_TRY(const auto qdisc, read_hook_qdisc(ifindex));
  if (qdisc == network::HookQdisc::ingress) filters.clear();
  return filters;
}

Result<std::vector<Filter>> find_filter(int ifindex, Direction direction, std::uint32_t handle) {
  std::vector<Filter> found;
  const Each each = [&](const tcmsg& head, nlattr** attributes) {
    found.push_back(filter_of(head, attributes));
  };
  const auto message = netlink::make_message(
      RTM_GETTFILTER, 0, head_of(ifindex, parent_of(direction), handle, our_info(handle)));
  netlink::put_text(message, TCA_KIND, "bpf");
  SQUALL_TRY(const int code, dump(message, each));
  // Kernel: EINVAL where there is no clsact qdisc.
  if (code == ENOENT || code == EINVAL || code == ENODEV) return found;
  if (code != 0) return sys_error("find a filter of " + named(ifindex), code);
  return found;
}

Result<> put_clsact(const ChangeToken&, int ifindex) {
  const auto message =
      netlink::make_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
                            head_of(ifindex, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0)));
  netlink::put_text(message, TCA_KIND, "clsact");
  SQUALL_TRY(const int code, ask(message));
  if (code == EEXIST)
    return Error{ErrorKind::foreign,
                 "cannot make a clsact qdisc on " + named(ifindex) + ": others have one there",
                 "'tc qdisc show' names it; an 'ingress' qdisc excludes clsact",
                 {},
                 code};
  if (code == 0) return {};
  auto error = sys_error("make a clsact qdisc on " + named(ifindex), code);
  // Kernel: the kind of qdisc is not there, nor a module that has it.
  if (code == ENOENT) error.hint = "this kernel has none: write attach = \"tcx\" (Linux 6.6)";
  return error;
}

Result<> delete_clsact(const ChangeToken&, int ifindex) {
  const auto message = netlink::make_message(
      RTM_DELQDISC, NLM_F_ACK, head_of(ifindex, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0)));
  netlink::put_text(message, TCA_KIND, "clsact");
  SQUALL_TRY(const int code, ask(message));
  // Kernel: EINVAL and ENOENT where there is no such qdisc, ENODEV where there is no link.
  if (code != 0 && code != ENOENT && code != EINVAL && code != ENODEV)
    return sys_error("delete the clsact qdisc of " + named(ifindex), code);
  return {};
}

Result<> put_filter(const ChangeToken&, int ifindex, Direction direction, int program,
                    const std::string& name, std::uint32_t handle) {
  const auto message =
      netlink::make_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
                            head_of(ifindex, parent_of(direction), handle, our_info(handle)));
  netlink::put_text(message, TCA_KIND, "bpf");
  {
    const netlink::Nest options(message, TCA_OPTIONS);
    netlink::put_u32(message, TCA_BPF_FD, static_cast<std::uint32_t>(program));
    netlink::put_text(message, TCA_BPF_NAME, name);
    netlink::put_u32(message, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
  }
  SQUALL_TRY(const int code, ask(message));
  if (code != 0) return sys_error("put the filter '" + name + "' on " + named(ifindex), code);
  return {};
}

Result<> delete_filter(const ChangeToken&, int ifindex, Direction direction, const Filter& filter) {
  const auto info = filter.priority << 16 | htons(static_cast<std::uint16_t>(filter.protocol));
  const auto message = netlink::make_message(
      RTM_DELTFILTER, NLM_F_ACK, head_of(ifindex, parent_of(direction), filter.handle, info));
  netlink::put_text(message, TCA_KIND, filter.kind);
  SQUALL_TRY(const int code, ask(message));
  if (code != 0 && code != ENOENT && code != EINVAL && code != ENODEV)
    return sys_error("delete the filter '" + filter.name + "' of " + named(ifindex), code);
  return {};
}

}  // namespace squall::tc
