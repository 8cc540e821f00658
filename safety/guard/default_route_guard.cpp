// SPDX-License-Identifier: Apache-2.0
//
// default_route: abort when a default route that was there at the start is lost, for
// the operator's way in usually leads over it. The kernel's notifications wake it.

#include "safety/base/netns.hpp"
#include "safety/guard/make.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace squall {
namespace {

struct Params {
  Netns netns;
};

const Table<Params>& table() {
  static const Table<Params> made(
      {field("namespace", &Params::netns, "network namespace to watch")});
  return made;
}

// Addresses of documentation: no table has a narrower route for them.
constexpr const char* kFar[] = {"192.0.2.1", "2001:db8::1"};
constexpr int kFamilies[] = {AF_INET, AF_INET6};
constexpr const char* kNames[] = {"IPv4", "IPv6"};

struct Question {
  nlmsghdr header{};
  rtmsg route{};
  rtattr attribute{};
  std::array<unsigned char, 16> address{};
};

// Which entry of the routing tables leads far away? One lookup, however long the tables
// are. Kernel: with RTM_F_FIB_MATCH the answer is the entry itself, whose prefix length
// is 0 for a default route; no route at all is an error message.
Result<bool> has_default(const Fd& socket, int family) {
  const auto index = family == AF_INET ? 0 : 1;
  const unsigned size = family == AF_INET ? 4 : 16;
  Question question;
  question.header.nlmsg_type = RTM_GETROUTE;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.route.rtm_family = static_cast<unsigned char>(family);
  question.route.rtm_dst_len = static_cast<unsigned char>(size * 8);
  question.route.rtm_flags = RTM_F_FIB_MATCH;
  question.attribute.rta_type = RTA_DST;
  question.attribute.rta_len = static_cast<unsigned short>(sizeof(rtattr) + size);
  ::inet_pton(family, kFar[index], question.address.data());
  question.header.nlmsg_len =
      static_cast<unsigned>(NLMSG_LENGTH(sizeof(rtmsg)) + sizeof(rtattr) + size);
  if (::send(socket.get(), &question, question.header.nlmsg_len, 0) < 0)
    return sys_error("ask for the default route");
  alignas(nlmsghdr) std::array<char, 8192> answer{};
  const auto got = ::recv(socket.get(), answer.data(), answer.size(), 0);
  if (got < static_cast<ssize_t>(sizeof(nlmsghdr))) return sys_error("read the default route");
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (header->nlmsg_type != RTM_NEWROUTE) return false;
  const auto* route = static_cast<const rtmsg*>(NLMSG_DATA(header));
  return route->rtm_dst_len == 0 && route->rtm_type == RTN_UNICAST;
}

class DefaultRouteGuard final : public Guard {
 public:
  explicit DefaultRouteGuard(Params params) : params_(std::move(params)) {}

  std::string name() const override {
    return "default_route" + (params_.netns.text.empty() ? "" : " of " + params_.netns.text);
  }

  GuardWord look() override {
    std::array<bool, 2> has{};
    if (auto seen = read(has); !seen) return {GuardWord::Kind::blind, seen.error().sentence(), ""};
    if (!seen_) had_ = has;
    seen_ = true;
    std::string value;
    for (std::size_t i = 0; i < has.size(); ++i) {
      if (had_[i] && !has[i])
        return {GuardWord::Kind::abort, std::string("the ") + kNames[i] + " default route is gone",
                "gone"};
      if (has[i]) value += (value.empty() ? "" : ", ") + std::string(kNames[i]);
    }
    if (value.empty()) return {GuardWord::Kind::blind, "there is no default route to watch", ""};
    return {GuardWord::Kind::carry_on, "", value};
  }

  Result<Watch> arm(Loop& loop, Say say) override {
    auto armed = std::make_shared<Armed>();
    SQUALL_TRY(armed->news, socket_in(params_.netns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
    sockaddr_nl here{};
    here.nl_family = AF_NETLINK;
    // Kernel: a link that goes down takes its IPv4 routes along without a word of them.
    here.nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_LINK;
    if (::bind(armed->news.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) != 0)
      return sys_error("listen for changes of routes");
    armed->watch = loop.on_readable(armed->news.get(), [this, news = armed->news.get(), say] {
      // What it says does not matter, and may be lost in a burst: the route is asked for.
      std::array<char, 8192> dropped{};
      while (::recv(news, dropped.data(), dropped.size(), MSG_TRUNC) > 0) {
      }
      if (const auto word = look(); word.kind != GuardWord::Kind::carry_on) say(word);
    });
    return Watch(std::move(armed));
  }

 private:
  struct Armed {
    Fd news;
    Watch watch;
    ~Armed() { watch.cancel(); }
  };

  Result<> read(std::array<bool, 2>& has) {
    if (!socket_) {
      SQUALL_TRY(socket_, socket_in(params_.netns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
    }
    for (std::size_t i = 0; i < has.size(); ++i) {
      SQUALL_TRY(has[i], has_default(socket_, kFamilies[i]));
    }
    return {};
  }

  const Params params_;
  Fd socket_;
  bool seen_ = false;
  std::array<bool, 2> had_{};
};

}  // namespace

const GuardKind& default_route_guard_kind() {
  static const GuardKind kind{"default_route", "abort when the default route is lost",
                              table().sheet(), "[[guard]]\nkind = \"default_route\"\n",
                              guard_maker<DefaultRouteGuard>("default_route", table())};
  return kind;
}

}  // namespace squall
