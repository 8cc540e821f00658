// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/netlink.hpp"

#include "safety/base/fd.hpp"

#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <cerrno>

namespace squall::netlink {
namespace {

using Socket = Handle<nl_sock, nl_socket_free>;

struct Answer {
  const Each* each = nullptr;
  int code = 0;  // errno that the kernel answered
};

int on_message(nl_msg* message, void* raw) {
  if (const auto& answer = *static_cast<Answer*>(raw); answer.each)
    (*answer.each)(*nlmsg_hdr(message));
  return NL_OK;
}

int on_error(sockaddr_nl*, nlmsgerr* error, void* raw) {
  static_cast<Answer*>(raw)->code = -error->error;
  return NL_STOP;
}

}  // namespace

void MessageFreer::operator()(nl_msg* message) const noexcept { nlmsg_free(message); }

Message make_message(int type, int flags, const void* head, std::size_t size, std::size_t room) {
  Message message(nlmsg_alloc_size(room));
  if (!message) return message;
  nlmsg_put(message.get(), NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, flags);
  nlmsg_append(message.get(), const_cast<void*>(head), size, NLMSG_ALIGNTO);
  return message;
}

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

void put_u32(const Message& message, int type, std::uint32_t value) {
  nla_put_u32(message.get(), type, value);
}

void put_text(const Message& message, int type, const std::string& text) {
  nla_put_string(message.get(), type, text.c_str());
}

void put_bytes(const Message& message, int type, const void* bytes, std::size_t size) {
  nla_put(message.get(), type, static_cast<int>(size), bytes);
}

Nest::Nest(const Message& message, int type)
    : message_(message.get()), start_(nla_nest_start(message_, type)) {}
Nest::~Nest() { nla_nest_end(message_, start_); }

}  // namespace squall::netlink
