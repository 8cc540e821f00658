// SPDX-License-Identifier: Apache-2.0
//
// Network namespaces, see netns.hpp.

#include "faults/kit/netns.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <optional>
#include <sched.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace squall::netns {
namespace {

using network::NamespaceId;

constexpr const char* kOwn = "/proc/thread-self/ns/net";
constexpr const char* kNamed = "/run/netns/";
#ifndef SO_NETNS_COOKIE
constexpr int SO_NETNS_COOKIE = 71;
#endif

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// Where a hint leads; nothing says yet that it is the namespace that was meant.
std::string path_of(const std::string& hint) {
  if (hint.empty()) return kOwn;
  if (hint.front() == '/') return hint;
  auto named = kNamed + hint;
  if (!is_number(hint) || ::access(named.c_str(), F_OK) == 0) return named;
  return "/proc/" + hint + "/ns/net";
}

std::uint64_t inode_of(const std::string& path) {
  struct stat about{};
  return ::stat(path.c_str(), &about) == 0 ? about.st_ino : 0;
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

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(directory.c_str()), ::closedir);
  if (!opened) return names;
  while (const auto* entry = ::readdir(opened.get()))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  std::sort(names.begin(), names.end());
  return names;
}

// Hints that lead to some namespace: ours, named ones, ones that are mounted elsewhere
// (container engines), and those of processes.
std::vector<std::string> all_hints() {
  std::vector<std::string> hints = {""};
  for (auto& name : names_in(kNamed)) hints.push_back(std::move(name));
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" net:[") == std::string::npos) continue;
    std::istringstream words(line);
    std::string skipped, point;
    words >> skipped >> skipped >> skipped >> skipped >> point;
    if (!point.starts_with(kNamed)) hints.push_back(point);
  }
  for (auto& name : names_in("/proc"))
    if (is_number(name)) hints.push_back(std::move(name));
  return hints;
}

Result<Fd> open_namespace(const std::string& hint) {
  Fd opened(::open(path_of(hint).c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened) return sys_error("open '" + path_of(hint) + "'");
  return opened;
}

[[noreturn]] void stop() {
  std::fputs("squall: cannot return to its own network namespace; stopping\n", stderr);
  std::abort();
}

// This thread is in `target` until the object goes.
class Visit {
 public:
  static Result<Fd> begin(const Fd& target, const std::string& hint) {
    SQUALL_TRY(auto back, open_namespace(""));
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

// Empty when the hint does not lead to the namespace with this identity.
Result<Fd> enter_by(const std::string& hint, const NamespaceId& wanted) {
  SQUALL_TRY(const auto target, open_namespace(hint));
  SQUALL_TRY(auto back, Visit::begin(target, hint));
  const auto cookie = read_cookie();
  if (cookie && *cookie == wanted.cookie) return back;
  Visit::end(back);
  return Error{ErrorKind::gone, "'" + hint + "' is another namespace now", {}, {}, 0};
}

Error not_found(const std::string& text, Error cause) {
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

}  // namespace

Entered::~Entered() { Visit::end(back_); }

Result<NamespaceId> find(const std::string& text) {
  NamespaceId id{0, inode_of(path_of(text)), text};
  if (text.empty() || (id.inode != 0 && id.inode == inode_of(kOwn))) {
    SQUALL_TRY(id.cookie, read_cookie());
    return id;
  }
  auto target = open_namespace(text);
  if (!target) return not_found(text, std::move(target).error());
  SQUALL_TRY(const auto back, Visit::begin(*target, text));
  const auto cookie = read_cookie();
  Visit::end(back);
  SQUALL_TRY(id.cookie, cookie);
  return id;
}

Result<Entered> enter(const NamespaceId& wanted) {
  Entered entered;
  // A way that leads there but is barred does not mean that it is gone.
  std::optional<Error> barred;
  if (inode_of(kOwn) == wanted.inode) {
    SQUALL_TRY(const auto cookie, read_cookie());
    if (cookie == wanted.cookie) return entered;
  }
  const auto try_by = [&](const std::string& hint) {
    if (inode_of(path_of(hint)) != wanted.inode) return false;
    auto back = enter_by(hint, wanted);
    if (back)
      entered.back_ = std::move(*back);
    else if (back.error().kind != ErrorKind::gone && !barred)
      barred = std::move(back).error();
    return static_cast<bool>(entered.back_);
  };
  if (try_by(wanted.hint)) return entered;
  for (const auto& hint : all_hints())
    if (try_by(hint)) return entered;
  if (barred) return *std::move(barred);
  return Error{
      ErrorKind::gone,
      "the network namespace '" + (wanted.hint.empty() ? "of the run" : wanted.hint) + "' is gone",
      {},
      {},
      ENOENT};
}

Result<std::vector<NamespaceId>> find_all() {
  std::vector<NamespaceId> all;
  for (const auto& hint : all_hints()) {
    const auto inode = inode_of(path_of(hint));
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
