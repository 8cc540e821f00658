// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/tc_redirect.hpp"

#include "faults/kit/netlink.hpp"

#include <netlink/attr.h>
#include <netlink/msg.h>

#include <arpa/inet.h>
#include <cerrno>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

namespace squall::tc {
namespace {

constexpr int kFirst = 1;  // place in the list of actions

tcmsg head_of(int ifindex, std::uint32_t handle) {
  tcmsg head{};
  head.tcm_family = AF_UNSPEC;
  head.tcm_ifindex = ifindex;
  head.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
  head.tcm_handle = handle;
  head.tcm_info = network::filter_priority(handle) << 16 | htons(ETH_P_ALL);
  return head;
}

template <int Most>
bool open(const nlattr* attribute, nlattr* (&inner)[Most + 1]) {
  return attribute && nla_parse_nested(inner, Most, const_cast<nlattr*>(attribute), nullptr) == 0;
}

std::uint64_t failures_of(nlmsghdr& header) {
  nlattr* attributes[TCA_MAX + 1] = {};
  nlattr* options[TCA_BPF_MAX + 1] = {};
  nlattr* actions[kFirst + 1] = {};
  nlattr* action[TCA_ACT_MAX + 1] = {};
  nlattr* stats[TCA_STATS_MAX + 1] = {};
  if (nlmsg_parse(&header, sizeof(tcmsg), attributes, TCA_MAX, nullptr) != 0 ||
      !open<TCA_BPF_MAX>(attributes[TCA_OPTIONS], options) ||
      !open<kFirst>(options[TCA_BPF_ACT], actions) || !open<TCA_ACT_MAX>(actions[kFirst], action) ||
      !open<TCA_STATS_MAX>(action[TCA_ACT_STATS], stats) || !stats[TCA_STATS_QUEUE])
    return 0;
  return static_cast<const gnet_stats_queue*>(nla_data(stats[TCA_STATS_QUEUE]))->overlimits;
}

}  // namespace

Result<> put_redirect(const ChangeToken&, int ifindex, int program, const std::string& filter,
                      std::uint32_t handle, int to_ifindex) {
  const auto message = netlink::make_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
                                             head_of(ifindex, handle));
  netlink::put_text(message, TCA_KIND, "bpf");
  {
    const netlink::Nest options(message, TCA_OPTIONS);
    netlink::put_u32(message, TCA_BPF_FD, static_cast<std::uint32_t>(program));
    netlink::put_text(message, TCA_BPF_NAME, filter);
    const netlink::Nest actions(message, TCA_BPF_ACT);
    const netlink::Nest action(message, kFirst);
    netlink::put_text(message, TCA_ACT_KIND, "mirred");
    const netlink::Nest inner(message, TCA_ACT_OPTIONS);
    tc_mirred redirect{};
    redirect.action = TC_ACT_STOLEN;
    redirect.eaction = TCA_EGRESS_REDIR;
    redirect.ifindex = static_cast<__u32>(to_ifindex);
    netlink::put(message, TCA_MIRRED_PARMS, redirect);
  }
  SQUALL_TRY(const int code, netlink::ask(message));
  if (code == ENOENT)
    return Error{ErrorKind::unsupported,
                 "this kernel has no mirred action",
                 "load it with 'modprobe act_mirred'; 'packet_loss' loses packets without it",
                 {},
                 code};
  if (code != 0)
    return sys_error("redirect packets from interface " + std::to_string(ifindex), code);
  return {};
}

Result<std::uint64_t> read_redirect_failures(int ifindex, std::uint32_t handle) {
  std::uint64_t failures = 0;
  const netlink::Each each = [&](nlmsghdr& header) {
    const auto& head = *static_cast<const tcmsg*>(nlmsg_data(&header));
    if (handle == 0 || head.tcm_handle == handle) failures += failures_of(header);
  };
  auto all = head_of(ifindex, 0);
  all.tcm_info = 0;
  const auto message = netlink::make_message(RTM_GETTFILTER, NLM_F_DUMP, all);
  SQUALL_TRY(const int code, netlink::ask(message, &each));
  if (code != 0 && code != ENOENT && code != EINVAL)
    return sys_error("read the filters of interface " + std::to_string(ifindex), code);
  return failures;
}

}  // namespace squall::tc
