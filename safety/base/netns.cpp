// SPDX-License-Identifier: Apache-2.0

#include "safety/base/netns.hpp"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

namespace squall {

Result<Netns> Value<Netns>::parse(const Raw& raw) {
  if (const auto* pid = std::get_if<std::int64_t>(&raw.value); pid && *pid > 0)
    return Netns{std::to_string(*pid)};
  SQUALL_TRY(auto text, Value<std::string>::parse(raw));
  if (text.empty() || text.contains('/') || text.starts_with('.'))
    return Error{ErrorKind::invalid,
                 "'" + text + "' is not the name of a network namespace",
                 "'ip netns' lists the names; a process's pid also stands for its namespace",
                 {},
                 0};
  return Netns{std::move(text)};
}
std::string Value<Netns>::print(const Netns& netns) { return netns.text; }
TypeSheet Value<Netns>::sheet() {
  return {"network namespace", "gw", "^[^/.][^/]*$", {}, {"string", "integer"}, false};
}

Result<Fd> open_netns(const Netns& netns) {
  const auto& text = netns.text;
  const bool by_pid =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const auto path = by_pid ? "/proc/" + text + "/ns/net" : "/run/netns/" + text;
  Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file) return file;
  auto error = sys_error("open network namespace '" + text + "'");
  if (error.kind == ErrorKind::gone) {
    error.what = "there is no network namespace '" + text + "'";
    error.hint = "'ip netns' lists the names";
  }
  return error;
}

Result<Fd> socket_in(const Netns& netns, int domain, int type, int protocol) {
  Fd home;
  if (!netns.text.empty()) {
    SQUALL_TRY(const auto there, open_netns(netns));
    home = Fd{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
    if (!home) return sys_error("open our own network namespace");
    if (::setns(there.get(), CLONE_NEWNET) != 0)
      return sys_error("enter network namespace '" + netns.text + "'");
  }
  Fd made{::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)};
  const int code = errno;
  if (home && ::setns(home.get(), CLONE_NEWNET) != 0) std::abort();
  if (!made) return sys_error("make a socket", code);
  return made;
}

}  // namespace squall
