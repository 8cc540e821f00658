// SPDX-License-Identifier: Apache-2.0

#include "lab/network.hpp"

#include "safety/base/file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace squall::lab {
namespace {

constexpr const char* kFolder = "/run/netns";

std::string path_of(const std::string& name) { return std::string(kFolder) + "/" + name; }

Result<Fd> own_network() { return open_for_reading("/proc/thread-self/ns/net"); }

void come_back(const Fd& home) {
  if (::setns(home.get(), CLONE_NEWNET) == 0) return;
  std::fputs("squall: cannot return to the own network namespace\n", stderr);
  std::abort();
}

// Kernel: /proc/sys/net shows the namespace of whoever opens a file in it, so these
// settings are those of the namespace that we are in.
Result<> write_setting(const std::string& name, const std::string& text) {
  const auto path = "/proc/sys/net/" + name;
  const Fd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!file) return sys_error("open '" + path + "'");
  return write_all(file.get(), text, path);
}

bool has_ipv6() { return ::access("/proc/sys/net/ipv6", F_OK) == 0; }

Result<> become_router() {
  SQUALL_CHECK(take_loopback_up());
  SQUALL_CHECK(write_setting("ipv4/ip_forward", "1"));
  if (!has_ipv6()) return {};
  return write_setting("ipv6/conf/all/forwarding", "1");
}

}  // namespace

Result<bool> prepare_networks() {
  if (::mkdir(kFolder, 0755) != 0 && errno != EEXIST)
    return sys_error("make '" + std::string(kFolder) + "'");
  if (::mount("", kFolder, "none", MS_SHARED | MS_REC, nullptr) == 0) return false;
  // Kernel: EINVAL says that it is not a mount point yet.
  if (errno != EINVAL) return sys_error("share the mount '" + std::string(kFolder) + "'");
  if (::mount(kFolder, kFolder, "none", MS_BIND | MS_REC, nullptr) != 0)
    return sys_error("bind '" + std::string(kFolder) + "' to itself");
  if (::mount("", kFolder, "none", MS_SHARED | MS_REC, nullptr) != 0)
    return sys_error("share the mount '" + std::string(kFolder) + "'");
  return true;
}

void unprepare_networks() {
  // Kernel: with a namespace of others mounted in it, this is EBUSY and changes nothing.
  if (::umount2(kFolder, 0) == 0) (void)::rmdir(kFolder);
}

Result<> make_network(const std::string& name) {
  const auto path = path_of(name);
  SQUALL_TRY(const Fd home, own_network());
  {
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_CREAT | O_EXCL, 0)};
    if (!file) return sys_error("make the network namespace '" + name + "'");
  }
  if (::unshare(CLONE_NEWNET) != 0) return sys_error("make the network namespace '" + name + "'");
  Result<> made;
  if (::mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0)
    made = sys_error("name the network namespace '" + name + "'");
  else
    made = become_router();
  come_back(home);
  return made;
}

Result<> skip_duplicate_check(const std::string& device) {
  if (!has_ipv6()) return {};
  return write_setting("ipv6/conf/" + device + "/accept_dad", "0");
}

Result<> delete_network(const std::string& name) {
  const auto path = path_of(name);
  // EINVAL: a name that was never mounted, left by somebody who died in between.
  if (::umount2(path.c_str(), MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT)
    return sys_error("unmount the network namespace '" + name + "'");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return sys_error("remove the network namespace '" + name + "'");
  return {};
}

Result<Fd> open_network(const std::string& name) {
  return name.empty() ? own_network() : open_for_reading(path_of(name));
}

std::uint64_t network_inode(const std::string& name) {
  struct stat seen{};
  return ::stat(path_of(name).c_str(), &seen) == 0 ? seen.st_ino : 0;
}

Result<> inside(const std::string& network, const std::function<Result<>()>& work) {
  if (network.empty()) return work();
  SQUALL_TRY(const Fd home, own_network());
  SQUALL_TRY(const Fd there, open_network(network));
  if (::setns(there.get(), CLONE_NEWNET) != 0)
    return sys_error("enter the network namespace '" + network + "'");
  auto done = work();
  come_back(home);
  return done;
}

}  // namespace squall::lab
