// SPDX-License-Identifier: Apache-2.0
//
// Needs that are found out by looking: capabilities, files, controllers, programs in
// PATH; and the two that are tried: BPF program types and process descriptors.

#include "faults/kit/kernel.hpp"

#include "faults/kit/kernel_module.hpp"
#include "safety/base/fd.hpp"
#include "safety/base/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <linux/bpf.h>
#include <map>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>

namespace squall {
namespace {

Error missing(std::string what, std::string hint) {
  return {ErrorKind::unsupported, std::move(what), std::move(hint), {}, 0};
}

// In the kernel's order: the position is the number.
constexpr std::array<std::string_view, 41> kCapabilities = {"chown",
                                                            "dac_override",
                                                            "dac_read_search",
                                                            "fowner",
                                                            "fsetid",
                                                            "kill",
                                                            "setgid",
                                                            "setuid",
                                                            "setpcap",
                                                            "linux_immutable",
                                                            "net_bind_service",
                                                            "net_broadcast",
                                                            "net_admin",
                                                            "net_raw",
                                                            "ipc_lock",
                                                            "ipc_owner",
                                                            "sys_module",
                                                            "sys_rawio",
                                                            "sys_chroot",
                                                            "sys_ptrace",
                                                            "sys_pacct",
                                                            "sys_admin",
                                                            "sys_boot",
                                                            "sys_nice",
                                                            "sys_resource",
                                                            "sys_time",
                                                            "sys_tty_config",
                                                            "mknod",
                                                            "lease",
                                                            "audit_write",
                                                            "audit_control",
                                                            "setfcap",
                                                            "mac_override",
                                                            "mac_admin",
                                                            "syslog",
                                                            "wake_alarm",
                                                            "block_suspend",
                                                            "audit_read",
                                                            "perfmon",
                                                            "bpf",
                                                            "checkpoint_restore"};

Result<> has_capability(const std::string& name) {
  const auto found = std::ranges::find(kCapabilities, name);
  if (found == kCapabilities.end())
    return Error{ErrorKind::internal, "unknown capability '" + name + "'", {}, {}, 0};
  SQUALL_TRY(const auto status, read_file("/proc/self/status", 64u << 10));
  constexpr std::string_view kLine = "\nCapEff:\t";
  const auto at = status.find(kLine);
  if (at == std::string::npos) return missing("/proc/self/status has no capabilities", "");
  std::uint64_t held = 0;
  std::from_chars(status.data() + at + kLine.size(), status.data() + status.size(), held, 16);
  if ((held >> (found - kCapabilities.begin()) & 1) != 0) return {};
  return missing(
      "this process lacks the capability CAP_" +
          [&] {
            std::string upper = name;
            std::ranges::transform(upper, upper.begin(),
                                   [](unsigned char c) { return std::toupper(c); });
            return upper;
          }(),
      "run squall as root, or give it with 'setcap cap_" + name + "+ep'");
}

constexpr std::array<std::pair<std::string_view, bpf_prog_type>, 9> kProgramTypes = {
    {{"sched_cls", BPF_PROG_TYPE_SCHED_CLS},
     {"sched_act", BPF_PROG_TYPE_SCHED_ACT},
     {"xdp", BPF_PROG_TYPE_XDP},
     {"socket_filter", BPF_PROG_TYPE_SOCKET_FILTER},
     {"kprobe", BPF_PROG_TYPE_KPROBE},
     {"tracepoint", BPF_PROG_TYPE_TRACEPOINT},
     {"raw_tracepoint", BPF_PROG_TYPE_RAW_TRACEPOINT},
     {"cgroup_skb", BPF_PROG_TYPE_CGROUP_SKB},
     {"perf_event", BPF_PROG_TYPE_PERF_EVENT}}};

int bpf(bpf_cmd command, bpf_attr& attr) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attr, sizeof attr));
}

// Loads the smallest program there is: "return 0".
Fd load_trivial(bpf_prog_type type) {
  const std::array<bpf_insn, 2> program = {
      {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}}};
  bpf_attr attr{};
  attr.prog_type = type;
  attr.insns = reinterpret_cast<std::uint64_t>(program.data());
  attr.insn_cnt = program.size();
  attr.license = reinterpret_cast<std::uint64_t>("GPL");
  return Fd{bpf(BPF_PROG_LOAD, attr)};
}

Result<> has_bpf(const std::string& kind) {
  const auto wanted = kind == "tcx" ? std::string("sched_cls") : kind;
  const auto found =
      std::ranges::find(kProgramTypes, wanted, [](const auto& each) { return each.first; });
  if (found == kProgramTypes.end())
    return Error{ErrorKind::internal, "unknown kind of BPF program '" + kind + "'", {}, {}, 0};
  const auto program = load_trivial(found->second);
  if (!program)
    return errno == EPERM
               ? missing("BPF programs may not be loaded by this process",
                         "run squall as root, or give it cap_sys_admin and cap_net_admin")
               : missing("this kernel does not load BPF programs of type '" + wanted + "'",
                         "it needs CONFIG_BPF_SYSCALL and the subsystem of that type");
  if (kind != "tcx") return {};
  // Kernel: a link to interface 0 is refused with ENODEV by a kernel that knows tcx, and
  // with EINVAL by one that does not; nothing is attached in either case.
  constexpr int kTcxIngress = 46;
  bpf_attr attr{};
  attr.link_create.prog_fd = static_cast<std::uint32_t>(program.get());
  attr.link_create.attach_type = kTcxIngress;
  const Fd link{bpf(BPF_LINK_CREATE, attr)};
  if (link || errno == ENODEV) return {};
  return missing("this kernel has no tcx hooks", "it needs Linux 6.6 with CONFIG_NET_XGRESS");
}

Result<> has_file(const std::string& path) {
  if (::access(path.c_str(), R_OK) == 0) return {};
  return missing("'" + path + "' cannot be read",
                 path.starts_with("/proc/pressure") ? "start the kernel with 'psi=1'" : "");
}

Result<> has_tool(const std::string& name) {
  const char* path = std::getenv("PATH");
  const std::string_view folders = path ? path : "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (std::size_t from = 0; from <= folders.size();) {
    const auto end = std::min(folders.find(':', from), folders.size());
    const auto file = std::string(folders.substr(from, end - from)) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return {};
    from = end + 1;
  }
  return missing("the program '" + name + "' is not in PATH",
                 "install the package that has it, or add its folder to PATH");
}

bool has_word(const std::string& text, const std::string& word) {
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find_first_of(" \n,:", from), text.size());
    if (std::string_view(text).substr(from, end - from) == word) return true;
    from = end + 1;
  }
  return false;
}

Result<> has_controller(const std::string& name, bool also_v1) {
  for (const auto* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
    if (const auto text = read_file(std::string(root) + "/cgroup.controllers", 4096))
      if (has_word(*text, name)) return {};
  if (also_v1)
    if (const auto own = read_file("/proc/self/cgroup", 64u << 10); own && has_word(*own, name))
      return {};
  return missing("no cgroup hierarchy here has the controller '" + name + "'",
                 also_v1 ? "mount cgroup2 on /sys/fs/cgroup"
                         : "start the kernel with 'systemd.unified_cgroup_hierarchy=1'");
}

Result<> has_call(const std::string& name) {
  if (name != "pidfd")
    return Error{ErrorKind::internal, "unknown system call '" + name + "'", {}, {}, 0};
  const Fd held{static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))};
  if (held) return {};
  return missing("this kernel cannot hold processes by descriptor", "it needs Linux 5.3");
}

class ThisKernel final : public Kernel {
 public:
  Result<> available(const std::string& need) const override {
    const auto known = found_.find(need);
    if (known != found_.end()) return known->second;
    return found_.emplace(need, look(need)).first->second;
  }

  std::string module_to_load(const std::string& need) const override {
    constexpr std::string_view kOption = "kernel:";
    return need.starts_with(kOption) ? kernel_module_to_load(need.substr(kOption.size())) : "";
  }

 private:
  static Result<> look(const std::string& need) {
    const auto colon = std::min(need.find(':'), need.size());
    const auto kind = need.substr(0, colon);
    const auto name = need.substr(std::min(colon + 1, need.size()));
    if (kind == "cap") return has_capability(name);
    if (kind == "bpf") return has_bpf(name);
    if (kind == "kernel") return has_kernel_module(name);
    if (kind == "cgroup") return has_controller(name, true);
    if (kind == "cgroup2") return has_controller(name, false);
    if (kind == "file") return has_file(name);
    if (kind == "tool") return has_tool(name);
    if (kind == "call") return has_call(name);
    return Error{ErrorKind::internal, "nobody knows how to look for '" + need + "'", {}, {}, 0};
  }

  mutable std::map<std::string, Result<>> found_;
};

}  // namespace

std::unique_ptr<Kernel> this_kernel() { return std::make_unique<ThisKernel>(); }

}  // namespace squall
