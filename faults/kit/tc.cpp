// SPDX-License-Identifier: Apache-2.0
//
// Qdiscs and filters through libnl's messages. libnl-route is not used: loading it
// costs more than everything that is asked here.

#include "faults/kit/tc.hpp"

#include "safety/base/fd.hpp"

#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <arpa/inet.h>
#include <cerrno>
#include <functional>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

namespace squall::tc {
namespace {

using network::Direction;
using Socket = Handle<nl_sock, nl_socket_free>;
using Message = Handle<nl_msg, nlmsg_free>;
using Each = std::function<void(const tcmsg&, nlattr** attributes)>;

std::uint32_t parent_of(Direction direction) {
  return TC_H_MAKE(TC_H_CLSACT, direction == Direction::in ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

struct Answer {
  const Each* each = nullptr;
  int code = 0;  // errno that the kernel answered
};

int on_message(nl_msg* message, void* raw) {
  const auto& answer = *static_cast<Answer*>(raw);
  auto* header = nlmsg_hdr(message);
  nlattr* attributes[TCA_MAX + 1] = {};
  if (answer.each && nlmsg_parse(header, sizeof(tcmsg), attributes, TCA_MAX, nullptr) == 0)
    (*answer.each)(*static_cast<const tcmsg*>(nlmsg_data(header)), attributes);
  return NL_OK;
}

int on_error(sockaddr_nl*, nlmsgerr* error, void* raw) {
  static_cast<Answer*>(raw)->code = -error->error;
  return NL_STOP;
}

Message make_message(int type, int flags, const tcmsg& head) {
  Message message(nlmsg_alloc_simple(type, flags));
  if (message) nlmsg_append(message.get(), const_cast<tcmsg*>(&head), sizeof head, NLMSG_ALIGNTO);
  return message;
}

// Sends, and hands each answer to `each`. Returns the kernel's errno, 0 for success.
Result<int> ask(const Message& message, const Each* each) {
  const Socket socket(nl_socket_alloc());
  if (!socket || !message) return sys_error("make a netlink message", ENOMEM);
  if (const int failed = nl_connect(socket.get(), NETLINK_ROUTE); failed < 0)
    return sys_error(std::string("open a netlink socket: ") + nl_geterror(failed), errno);
  Answer answer{each, 0};
  nl_socket_modify_cb(socket.get(), NL_CB_VALID, NL_CB_CUSTOM, on_message, &answer);
  nl_socket_modify_err_cb(socket.get(), NL_CB_CUSTOM, on_error, &answer);
  if (const int sent = nl_send_auto(socket.get(), message.get()); sent < 0)
    return sys_error(std::string("send by netlink: ") + nl_geterror(sent), EIO);
  const int received = nl_recvmsgs_default(socket.get());
  if (answer.code != 0) return answer.code;
  if (received < 0)
    return sys_error(std::string("receive by netlink: ") + nl_geterror(received), EIO);
  return 0;
}

Result<int> acknowledged(const Message& message) { return ask(message, nullptr); }

std::string text_of(const nlattr* attribute) { return attribute ? nla_get_string(attribute) : ""; }

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

std::uint32_t our_info() {
  return static_cast<std::uint32_t>(network::kFilterPriority) << 16 | htons(ETH_P_ALL);
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
      found.push_back({text_of(attributes[TCA_KIND]), head.tcm_handle, head.tcm_parent});
  };
  SQUALL_TRY(const int code, ask(make_message(RTM_GETQDISC, NLM_F_DUMP, head_of(ifindex)), &each));
  if (code != 0) return sys_error("list the qdiscs of " + named(ifindex), code);
  return found;
}

Result<std::vector<Filter>> read_filters_at(int ifindex, std::uint32_t parent) {
  std::vector<Filter> found;
  const Each each = [&](const tcmsg& head, nlattr** attributes) {
    // Kernel: a classifier also announces itself, with handle 0, before its filters.
    if (head.tcm_handle != 0) found.push_back(filter_of(head, attributes));
  };
  SQUALL_TRY(const int code,
             ask(make_message(RTM_GETTFILTER, NLM_F_DUMP, head_of(ifindex, parent)), &each));
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
  const auto message =
      make_message(RTM_GETTFILTER, 0, head_of(ifindex, parent_of(direction), handle, our_info()));
  nla_put_string(message.get(), TCA_KIND, "bpf");
  SQUALL_TRY(const int code, ask(message, &each));
  // Kernel: EINVAL where there is no clsact qdisc.
  if (code == ENOENT || code == EINVAL || code == ENODEV) return found;
  if (code != 0) return sys_error("find a filter of " + named(ifindex), code);
  return found;
}

Result<> put_clsact(const ChangeToken&, int ifindex) {
  const auto message = make_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
                                    head_of(ifindex, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0)));
  nla_put_string(message.get(), TCA_KIND, "clsact");
  SQUALL_TRY(const int code, acknowledged(message));
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
  const auto message = make_message(RTM_DELQDISC, NLM_F_ACK,
                                    head_of(ifindex, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0)));
  nla_put_string(message.get(), TCA_KIND, "clsact");
  SQUALL_TRY(const int code, acknowledged(message));
  // Kernel: EINVAL and ENOENT where there is no such qdisc, ENODEV where there is no link.
  if (code != 0 && code != ENOENT && code != EINVAL && code != ENODEV)
    return sys_error("delete the clsact qdisc of " + named(ifindex), code);
  return {};
}

Result<> put_filter(const ChangeToken&, int ifindex, Direction direction, int program,
                    const std::string& name, std::uint32_t handle) {
  const auto message = make_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
                                    head_of(ifindex, parent_of(direction), handle, our_info()));
  nla_put_string(message.get(), TCA_KIND, "bpf");
  auto* options = nla_nest_start(message.get(), TCA_OPTIONS);
  nla_put_u32(message.get(), TCA_BPF_FD, static_cast<std::uint32_t>(program));
  nla_put_string(message.get(), TCA_BPF_NAME, name.c_str());
  nla_put_u32(message.get(), TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
  nla_nest_end(message.get(), options);
  SQUALL_TRY(const int code, acknowledged(message));
  if (code != 0) return sys_error("put the filter '" + name + "' on " + named(ifindex), code);
  return {};
}

Result<> delete_filter(const ChangeToken&, int ifindex, Direction direction, const Filter& filter) {
  const auto info = filter.priority << 16 | htons(static_cast<std::uint16_t>(filter.protocol));
  const auto message = make_message(RTM_DELTFILTER, NLM_F_ACK,
                                    head_of(ifindex, parent_of(direction), filter.handle, info));
  nla_put_string(message.get(), TCA_KIND, filter.kind.c_str());
  SQUALL_TRY(const int code, acknowledged(message));
  if (code != 0 && code != ENOENT && code != EINVAL && code != ENODEV)
    return sys_error("delete the filter '" + filter.name + "' of " + named(ifindex), code);
  return {};
}

}  // namespace squall::tc
