// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/packet_steering.hpp"

#include "safety/base/fd.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace squall::link {
namespace {

// Kernel: a sysfs shows the interfaces of the namespace that it was mounted in. /sys is that of
// ours, so one is mounted, at no place, and goes with its descriptor.
Result<Fd> open_sysfs() {
  const Fd context(::fsopen("sysfs", FSOPEN_CLOEXEC));
  if (!context || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return sys_error("open the sysfs of a network namespace");
  Fd mounted(::fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
  if (!mounted) return sys_error("mount the sysfs of a network namespace");
  return mounted;
}

// As the kernel reads it: groups of 32 bits in hex, the highest first.
std::string mask_of(unsigned cpu) {
  constexpr const char* kDigits = "1248";
  std::string mask(1, kDigits[cpu % 4]);
  mask.append(cpu % 32 / 4, '0');
  for (unsigned group = 0; group < cpu / 32; ++group) mask += ",00000000";
  return mask;
}

}  // namespace

Result<> receive_on_one_cpu(const ChangeToken&, const std::string& interface) {
  SQUALL_TRY(const auto sysfs, open_sysfs());
  const auto path = "class/net/" + interface + "/queues/rx-0/rps_cpus";
  const Fd file(::openat(sysfs.get(), path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return {};
  if (!file) return sys_error("open '" + path + "' of sysfs");
  cpu_set_t usable;
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) return sys_error("read our CPUs");
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &usable)) continue;
    const auto mask = mask_of(cpu);
    if (::write(file.get(), mask.data(), mask.size()) == static_cast<ssize_t>(mask.size()))
      return {};
    if (errno != EINVAL) return sys_error("choose the CPU that receives for '" + interface + "'");
  }
  return {};
}

}  // namespace squall::link
