// SPDX-License-Identifier: Apache-2.0

#include "cmd/survey.hpp"

#include "cmd/files.hpp"
#include "safety/base/file.hpp"
#include "safety/base/proc.hpp"
#include "safety/lock.hpp"
#include "safety/recover.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <map>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

namespace squall {
namespace {

namespace fs = std::filesystem;

struct Capability {
  int bit;
  std::string_view name;
  std::string_view what_for;
};
constexpr std::array<Capability, 6> kCapabilities = {{
    {12, "CAP_NET_ADMIN", "network faults"},
    {39, "CAP_BPF", "faults that decide in BPF programs"},
    {21, "CAP_SYS_ADMIN", "faults in other namespaces"},
    {5, "CAP_KILL", "faults on processes of other users"},
    {23, "CAP_SYS_NICE", "priorities of load"},
    {19, "CAP_SYS_PTRACE", "looking at processes of other users"},
}};

// The line of a /proc file that begins with `key`, without it.
std::string field_of(const std::string& path, std::string_view key) {
  const auto text = read_file(path, 64 << 10);
  if (!text) return {};
  const auto at = text->starts_with(key) ? 0 : text->find("\n" + std::string(key));
  if (at == text->npos) return {};
  const auto from = at + (at ? 1 : 0) + key.size();
  auto line = text->substr(from, text->find('\n', from) - from);
  line.erase(0, line.find_first_not_of(" \t:=\""));
  line.erase(line.find_last_not_of(" \t\"") + 1);
  return line;
}

std::uint64_t effective_capabilities() {
  const auto text = field_of("/proc/self/status", "CapEff:");
  std::uint64_t bits = 0;
  std::from_chars(text.data(), text.data() + text.size(), bits, 16);
  return bits;
}

bool has(int capability) { return effective_capabilities() >> capability & 1; }

template <class See>
void each_process(See see) {
  for (const auto pid : all_processes())
    if (const auto name = process_name(pid); !name.empty()) see(std::to_string(pid), visible(name));
}

Finding owed_repairs(const Paths& paths) {
  const auto owed = find_owed(paths);
  if (!owed) return {Glyph::warn, owed.error().sentence(), owed.error().hint};
  if (owed->empty()) return {Glyph::good, "no earlier run owes a repair", ""};
  return {Glyph::bad,
          counted(owed->size(), "earlier run") +
              (owed->size() == 1 ? " owes repairs: " : " owe repairs: ") + owed->front().run +
              (owed->size() > 1 ? " and others" : ""),
          "squall recover"};
}

Finding active_run(const Paths& paths) {
  const auto objection = HostLock::objection(paths);
  if (!objection) return {Glyph::good, "no run is active", ""};
  return {Glyph::warn, objection->what, objection->hint};
}

// The nearest existing parent tells whether the directory can be made.
Finding state_directory(const Paths& paths) {
  fs::path there = paths.state;
  std::error_code ignored;
  while (!there.empty() && !fs::exists(there, ignored) && there != there.root_path())
    there = there.parent_path();
  if (::access(there.c_str(), W_OK | X_OK) == 0)
    return {Glyph::good, "journals can be written to " + paths.state, ""};
  return {Glyph::bad, "journals cannot be written to " + paths.state,
          "run squall as root, or set SQUALL_STATE_DIR and SQUALL_RUN_DIR"};
}

Finding watchdog_there() {
  const auto program = watchdog_program();
  if (::access(program.c_str(), X_OK) == 0)
    return {Glyph::good, "the watchdog's program is beside squall", ""};
  return {Glyph::bad, "the watchdog's program '" + program + "' is missing",
          "install squall-watchdog into the same folder as squall"};
}

Finding watchdog_memory() {
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  constexpr rlim_t kEnough = 16 << 20;
  if (has(14) || limit.rlim_cur >= kEnough)
    return {Glyph::good, "the watchdog can lock its memory", ""};
  return {Glyph::warn, "the watchdog cannot lock its memory: under memory pressure it may be slow",
          "give CAP_IPC_LOCK, or 'ulimit -l unlimited'"};
}

Finding watchdog_oom() {
  if (has(24)) return {Glyph::good, "the watchdog can be kept from the OOM killer", ""};
  return {Glyph::warn,
          "the watchdog cannot be kept from the OOM killer: CAP_SYS_RESOURCE is missing",
          "run squall outside the container, or give the container CAP_SYS_RESOURCE"};
}

Finding pressure() {
  if (::access("/proc/pressure/memory", R_OK) == 0)
    return {Glyph::good, "PSI is there: guards of kind 'pressure' work", ""};
  return {Glyph::warn, "this kernel shows no PSI: guards of kind 'pressure' cannot work",
          "boot with psi=1"};
}

Finding boot_unit() {
  std::error_code ignored;
  if (!fs::exists("/run/systemd/system", ignored))
    return {Glyph::warn, "no systemd: nothing calls 'squall recover' at boot",
            "let your init system call it before the services"};
  for (const auto* folder :
       {"/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"})
    if (fs::exists(std::string(folder) + "/sysinit.target.wants/squall-recover.service", ignored))
      return {Glyph::good, "'squall recover' is called at boot", ""};
  return {Glyph::warn, "'squall recover' is not called at boot",
          "systemctl enable squall-recover.service"};
}

void add_time_daemons(std::vector<Finding>& found) {
  constexpr std::array kDaemons = {"chronyd", "ntpd",    "systemd-timesyn",
                                   "ptp4l",   "phc2sys", "openntpd"};
  each_process([&](const std::string& pid, const std::string& name) {
    if (std::ranges::find(kDaemons, name) == kDaemons.end()) return;
    found.push_back({Glyph::warn, name + " (pid " + pid + ") keeps the clock",
                     "it will work against faults of the clock, and moves timestamps of others"});
  });
}

// Their packets do not pass the kernel's stack, so network faults do not touch them.
std::string bypass_in(const std::string& maps) {
  for (const auto* library :
       {"libonload", "libvma.so", "libxlio", "librte_eal", "libdpdk", "libTCPDirect", "libciul"})
    if (maps.find(library) != maps.npos) return library;
  return {};
}

void add_bypass(std::vector<Finding>& found) {
  each_process([&](const std::string& pid, const std::string& name) {
    const auto maps = read_file("/proc/" + pid + "/maps", 4 << 20);
    const auto library = maps ? bypass_in(*maps) : "";
    if (library.empty()) return;
    found.push_back({Glyph::warn, name + " (pid " + pid + ") bypasses the kernel with " + library,
                     "network faults do not touch its packets"});
  });
  // "XDP  960  2 …": the third column counts the sockets of this network namespace.
  const auto line = field_of("/proc/net/protocols", "XDP ");
  const auto column = line.find_first_not_of("0123456789");
  const auto sockets = column == line.npos ? 0 : std::atoi(line.c_str() + column);
  if (sockets > 0)
    found.push_back(
        {Glyph::warn,
         counted(static_cast<std::size_t>(sockets), "AF_XDP socket") + " in this network namespace",
         "packets that they take never reach the hooks of network faults"});
}

}  // namespace

std::string host_line() {
  utsname names{};
  ::uname(&names);
  const auto distribution = field_of("/etc/os-release", "PRETTY_NAME=");
  const auto cpus = std::max(1u, std::thread::hardware_concurrency());
  return std::string(names.sysname) + " " + names.release +
         (distribution.empty() ? "" : ", " + visible(distribution)) + ", " + counted(cpus, "CPU");
}

std::string living_watchdog() {
  std::string found;
  each_process([&](const std::string& pid, const std::string& name) {
    if (name != "squall-watchdog") return;
    // Anybody may give a process this name: only root's and ours count. Kernel: a zombie keeps
    // its name, and has no program any more.
    struct stat owner{};
    std::error_code gone;
    const auto program = fs::read_symlink("/proc/" + pid + "/exe", gone).filename().string();
    if (!gone && program.starts_with("squall-watchdog") &&
        ::stat(("/proc/" + pid).c_str(), &owner) == 0 &&
        (owner.st_uid == 0 || owner.st_uid == ::geteuid()))
      found = "process " + pid + " '" + name + "'";
  });
  return found;
}

FindingGroup privileges() {
  FindingGroup group{"privileges", {}};
  if (::geteuid() == 0)
    group.findings.push_back({Glyph::good, "squall runs as root", ""});
  else
    group.findings.push_back(
        {Glyph::warn, "squall does not run as root", "try 'sudo squall doctor'"});
  for (const auto& each : kCapabilities)
    if (!has(each.bit))
      group.findings.push_back(
          {Glyph::warn, std::string(each.name) + " is missing, for " + std::string(each.what_for),
           ::geteuid() == 0 ? "this container or user namespace withholds it" : ""});
  return group;
}

FindingGroup safety() {
  const auto paths = paths_from_environment();
  return {"safety",
          {owed_repairs(paths), active_run(paths), state_directory(paths), watchdog_there(),
           watchdog_memory(), watchdog_oom(), pressure(), boot_unit()}};
}

FindingGroup misleading_things() {
  FindingGroup group{"what could mislead a run", {}};
  add_time_daemons(group.findings);
  if (group.findings.empty())
    group.findings.push_back({Glyph::good, "no time daemon is running", ""});
  const auto before = group.findings.size();
  add_bypass(group.findings);
  if (group.findings.size() == before)
    group.findings.push_back({Glyph::good, "no process bypasses the kernel's network stack", ""});
  return group;
}

}  // namespace squall
