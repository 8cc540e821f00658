// SPDX-License-Identifier: Apache-2.0

#include "safety/base/netns.hpp"

#include "safety/base/proc.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

namespace squall {
namespace {

constexpr const char* kOwn = "/proc/thread-self/ns/net";
constexpr const char* kNamed = "/run/netns";

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

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

std::string netns_path(const std::string& text) {
  if (text.empty()) return kOwn;
  if (text.front() == '/') return text;
  auto named = std::string(kNamed) + "/" + text;
  if (!is_number(text) || ::access(named.c_str(), F_OK) == 0) return named;
  return "/proc/" + text + "/ns/net";
}

Error no_such_netns(const std::string& text, Error cause) {
  if (cause.kind != ErrorKind::gone) return cause;
  if (is_number(text))
    return {ErrorKind::gone,
            "there is no process " + text + " whose network namespace could be used",
            "give the name of a namespace ('ip netns list') or the pid of a running process",
            {},
            cause.code};
  const auto meant = nearest(text, names_in(kNamed));
  return {ErrorKind::gone,
          "there is no network namespace '" + text + "'" +
              (meant.empty() ? "" : " (did you mean '" + meant + "'?)"),
          "'ip netns list' shows the named ones; a pid also names one",
          {},
          cause.code};
}

Result<Fd> open_netns(const Netns& netns) {
  Fd file{::open(netns_path(netns.text).c_str(), O_RDONLY | O_CLOEXEC)};
  if (file) return file;
  return no_such_netns(netns.text, sys_error("open network namespace '" + netns.text + "'"));
}

Result<Fd> socket_in(const Netns& netns, int domain, int type, int protocol) {
  Fd home;
  if (!netns.text.empty()) {
    SQUALL_TRY(const auto there, open_netns(netns));
    SQUALL_TRY(home, open_netns({}));
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
