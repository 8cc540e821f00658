// SPDX-License-Identifier: Apache-2.0
//
// Network namespaces, see netns.hpp.

#include "faults/kit/netns.hpp"

#include "safety/base/netns.hpp"
#include "safety/base/proc.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <sched.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace squall::netns {
namespace {

using network::NamespaceId;

const std::string kHeld = "/proc/self/fd/";
const std::string kNamed = "/run/netns/";
#ifndef SO_NETNS_COOKIE
constexpr int SO_NETNS_COOKIE = 71;
#endif

std::uint64_t inode_of(const std::string& path) {
  struct stat about{};
  return ::stat(path.c_str(), &about) == 0 ? about.st_ino : 0;
}

std::string target_of(const std::string& link) {
  std::array<char, 64> target{};
  const auto length = ::readlink(link.c_str(), target.data(), target.size());
  return {target.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
}

// Of the namespace that this thread is in.
Result<std::uint64_t> read_cookie() {
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return sys_error("open a socket");
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) != 0)
    return sys_error("read the cookie of a network namespace");
  return cookie;
}

// Hints that lead to some namespace: ours, named ones, ones that are mounted elsewhere
// (container engines), those of processes, and those that we hold.
std::vector<std::string> all_hints() {
  std::vector<std::string> hints = {""};
  auto named = names_in(kNamed);
  std::ranges::sort(named);
  std::ranges::move(named, std::back_inserter(hints));
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" net:[") == std::string::npos) continue;
    std::istringstream words(line);
    std::string skipped, point;
    words >> skipped >> skipped >> skipped >> skipped >> point;
    if (!point.starts_with(kNamed)) hints.push_back(point);
  }
  for (const auto pid : all_processes()) hints.push_back(std::to_string(pid));
  for (const auto& name : names_in(kHeld))
    if (target_of(kHeld + name).starts_with("net:[")) hints.push_back(kHeld + name);
  return hints;
}

[[noreturn]] void stop() {
  std::fputs("squall: cannot return to its own network namespace; stopping\n", stderr);
  std::abort();
}

// This thread is in `target` until the object goes.
class Visit {
 public:
  static Result<Fd> begin(const Fd& target, const std::string& hint) {
    SQUALL_TRY(auto back, open_netns({}));
    if (::setns(target.get(), CLONE_NEWNET) == 0) return back;
    if (errno != EINVAL) return sys_error("enter the network namespace '" + hint + "'");
    // While a namespace is made or deleted, and after a failure, its name is a plain file.
    return Error{ErrorKind::gone,
                 "'" + hint + "' is not a network namespace",
                 "'ip netns list' shows the named ones; a pid also names one",
                 {},
                 EINVAL};
  }
  static void end(const Fd& back) {
    if (back && ::setns(back.get(), CLONE_NEWNET) != 0) stop();
  }
};

Result<std::uint64_t> read_cookie_of(const Fd& target, const std::string& hint) {
  SQUALL_TRY(const auto back, Visit::begin(target, hint));
  auto cookie = read_cookie();
  Visit::end(back);
  return cookie;
}

// Error (gone): the hint does not lead to the namespace with this identity.
Result<Fd> open_by(const std::string& hint, const NamespaceId& wanted) {
  SQUALL_TRY(auto target, open_netns({hint}));
  SQUALL_TRY(const auto cookie, read_cookie_of(target, hint));
  if (cookie == wanted.cookie) return target;
  return Error{ErrorKind::gone, "'" + hint + "' is another namespace now", {}, {}, 0};
}

Result<bool> is_own(const NamespaceId& wanted) {
  if (inode_of(netns_path("")) != wanted.inode) return false;
  SQUALL_TRY(const auto cookie, read_cookie());
  return cookie == wanted.cookie;
}

}  // namespace

Entered::~Entered() { Visit::end(back_); }

Result<NamespaceId> find(const std::string& text) {
  NamespaceId id{0, inode_of(netns_path(text)), text};
  if (text.empty() || (id.inode != 0 && id.inode == inode_of(netns_path("")))) {
    SQUALL_TRY(id.cookie, read_cookie());
    return id;
  }
  SQUALL_TRY(const auto target, open_netns({text}));
  SQUALL_TRY(id.cookie, read_cookie_of(target, text));
  return id;
}

Result<Fd> open(const NamespaceId& wanted) {
  SQUALL_TRY(const bool own, is_own(wanted));
  if (own) return open_netns({});
  // A way that leads there but is barred does not mean that it is gone.
  std::optional<Error> barred;
  Fd found;
  const auto try_by = [&](const std::string& hint) {
    if (inode_of(netns_path(hint)) != wanted.inode) return false;
    auto opened = open_by(hint, wanted);
    if (opened)
      found = std::move(*opened);
    else if (opened.error().kind != ErrorKind::gone && !barred)
      barred = std::move(opened).error();
    return static_cast<bool>(found);
  };
  if (try_by(wanted.hint)) return found;
  for (const auto& hint : all_hints())
    if (try_by(hint)) return found;
  if (barred) return *std::move(barred);
  return Error{
      ErrorKind::gone,
      "the network namespace '" + (wanted.hint.empty() ? "of the run" : wanted.hint) + "' is gone",
      {},
      {},
      ENOENT};
}

Result<Entered> enter(const NamespaceId& wanted) {
  Entered entered;
  SQUALL_TRY(const bool own, is_own(wanted));
  if (own) return entered;
  SQUALL_TRY(const auto target, open(wanted));
  SQUALL_TRY(entered.back_, Visit::begin(target, wanted.hint));
  return entered;
}

Result<std::vector<NamespaceId>> find_all() {
  std::vector<NamespaceId> all;
  for (const auto& hint : all_hints()) {
    const auto inode = inode_of(netns_path(hint));
    // Kernel: the namespaces of a process are for those who may trace it. Where squall may not
    // look it has put nothing either.
    if (inode == 0 && netns_path(hint).starts_with("/proc/")) continue;
    if (std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.inode == inode; }))
      continue;
    auto found = find(hint);
    if (!found && found.error().kind == ErrorKind::gone) continue;
    if (!found) return std::move(found).error();
    all.push_back(std::move(*found));
  }
  return all;
}

}  // namespace squall::netns
