// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/memory.hpp"

#include "safety/base/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <linux/magic.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace squall {
namespace {

Error refused(std::string what, std::string hint) {
  return {ErrorKind::refused, std::move(what), std::move(hint), {}, 0};
}

std::string_view after(std::string_view text, std::string_view key) {
  const auto at = text.find(key);
  return at == std::string_view::npos ? std::string_view{} : text.substr(at + key.size());
}

template <class T>
bool take_number(std::string_view text, T& number) {
  return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc{};
}

// One record: "6,1234,56789012,-;Out of memory: Killed process 1234 (postgres) total-vm:…", its
// time in microseconds by the clock that `since` is of.
std::optional<OomVictim> victim_of(std::string_view record, Instant since) {
  const auto times = after(after(record, ","), ",");
  std::int64_t at_us = 0;
  if (!take_number(times, at_us)) return std::nullopt;
  if (std::chrono::microseconds(at_us) < since.time_since_epoch()) return std::nullopt;
  const auto rest = after(record, "Killed process ");
  OomVictim victim;
  if (!take_number(rest, victim.pid)) return std::nullopt;
  const auto name = after(rest, "(");
  victim.name = name.substr(0, name.find(") total-vm"));
  return victim;
}

class ThisHostsMemory final : public Memory {
 public:
  Result<std::string> read(const std::string& path) const override {
    return read_file(path, 1u << 20);
  }

  std::vector<OomVictim> find_oom_victims(Instant since) const override {
    std::vector<OomVictim> found;
    const Fd log{::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    std::array<char, 8192> record{};
    for (;;) {
      const auto got = ::read(log.get(), record.data(), record.size());
      // Kernel: EPIPE when a record was overwritten before it was read; the next one follows.
      if (got < 0 && (errno == EPIPE || errno == EINTR)) continue;
      if (got <= 0) return found;
      if (auto victim = victim_of({record.data(), static_cast<std::size_t>(got)}, since))
        found.push_back(std::move(*victim));
    }
  }

  Result<> can_cache(const std::string& directory) const override {
    struct stat found{};
    struct statfs system{};
    if (::stat(directory.c_str(), &found) != 0 || ::statfs(directory.c_str(), &system) != 0)
      return sys_error("look at '" + directory + "'");
    if (!S_ISDIR(found.st_mode)) return refused("'" + directory + "' is no directory", "");
    if (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC)
      return refused("files in '" + directory + "' are no page cache: it is a tmpfs",
                     "name a directory on a disk, or take memory = \"shared\"");
    if (::access(directory.c_str(), W_OK | X_OK) != 0)
      return sys_error("make a file in '" + directory + "'");
    return {};
  }

  // Kernel: with MCL_ONFAULT in place of what is mapped later, a new thread's stack or a buffer
  // costs what is used of it, not its whole size.
  Result<> lock_own(const ChangeToken&) override {
    if (::mlockall(MCL_CURRENT) != 0 || ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
      return sys_error("lock squall's own memory");
    return {};
  }
};

}  // namespace

std::unique_ptr<Memory> this_hosts_memory() { return std::make_unique<ThisHostsMemory>(); }

namespace memory {
namespace {

constexpr const char* kHugePages = "/sys/kernel/mm/transparent_hugepage/";

Result<Bytes> amount(const std::string& text, const std::string& key, const std::string& path) {
  if (const auto found = find_amount(text, key)) return *found;
  return Error{ErrorKind::unsupported, "'" + path + "' has no '" + key + "'", {}, {}, 0};
}

}  // namespace

std::optional<Bytes> find_amount(std::string_view text, std::string_view key) {
  // At the start of a line, or behind "Node 0 " in a node's file.
  for (auto at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    if (at != 0 && text[at - 1] != '\n' && text[at - 1] != ' ') continue;
    auto rest = text.substr(at + key.size());
    if (!rest.starts_with(':')) continue;
    const auto digit = rest.find_first_not_of(": \t");
    std::uint64_t kib = 0;
    if (digit != std::string_view::npos && take_number(rest.substr(digit), kib))
      return Bytes{kib * 1024};
  }
  return std::nullopt;
}

std::optional<std::uint64_t> find_count(const std::string& text, const std::string& key) {
  const auto named = key + " ";
  for (auto at = text.find(named); at != std::string::npos; at = text.find(named, at + 1)) {
    std::uint64_t count = 0;
    if (at != 0 && text[at - 1] != '\n') continue;
    if (take_number(std::string_view(text).substr(at + named.size()), count)) return count;
  }
  return std::nullopt;
}

Result<Room> read_room(const Memory& memory) {
  const std::string path = "/proc/meminfo";
  SQUALL_TRY(const auto text, memory.read(path));
  SQUALL_TRY(const auto total, amount(text, "MemTotal", path));
  SQUALL_TRY(const auto available, amount(text, "MemAvailable", path));
  return Room{total, available};
}

Result<Room> read_room(const Memory& memory, std::int64_t node) {
  const std::string nodes = "/sys/devices/system/node/";
  const auto path = nodes + "node" + std::to_string(node) + "/meminfo";
  const auto text = memory.read(path);
  if (!text) {
    auto list = memory.read(nodes + "has_memory");
    if (list && list->ends_with('\n')) list->pop_back();
    return refused("there is no NUMA node '" + std::to_string(node) + "' with memory",
                   list ? "those with memory are '" + *list + "'"
                        : "this machine has no NUMA nodes; leave 'numa_node' out");
  }
  SQUALL_TRY(const auto total, amount(*text, "MemTotal", path));
  SQUALL_TRY(auto available, amount(*text, "MemFree", path));
  // Kernel: a node has no MemAvailable; files that nobody has changed can be dropped.
  for (const auto* key : {"Active(file)", "Inactive(file)"})
    available.value += find_amount(*text, key).value_or(Bytes{}).value;
  return Room{total, available};
}

Result<> can_be_huge(const Memory& memory, Kind kind) {
  if (kind == Kind::page_cache)
    return refused("page cache is not given huge pages", "leave 'huge_pages' out");
  const auto path = std::string(kHugePages) + (kind == Kind::shared ? "shmem_enabled" : "enabled");
  const auto text = memory.read(path);
  if (!text)
    return Error{ErrorKind::unsupported,
                 "this kernel has no huge pages: there is no '" + path + "'",
                 "leave 'huge_pages' out, or boot a kernel with TRANSPARENT_HUGEPAGE",
                 {},
                 0};
  for (const auto* word : {"[never]", "[deny]"})
    if (text->find(word) != std::string::npos)
      return Error{ErrorKind::unsupported,
                   "huge pages are switched off in '" + path + "'",
                   std::string("leave 'huge_pages' out, or 'echo ") +
                       (kind == Kind::shared ? "advise" : "madvise") + " >" + path + "'",
                   {},
                   0};
  return {};
}

std::optional<Pressure> parse_pressure(const std::string& text) {
  const auto some = after(text, "some ");
  const auto full = after(text, "full ");
  Pressure made;
  if (!take_number(after(some, "avg10="), made.some_avg10.value) ||
      !take_number(after(some, "total="), made.some_us) ||
      !take_number(after(full, "avg10="), made.full_avg10.value) ||
      !take_number(after(full, "total="), made.full_us))
    return std::nullopt;
  return made;
}

std::string rounded_text(Bytes value) {
  constexpr std::uint64_t kMiB = 1 << 20;
  return value.value < kMiB ? to_text(value) : std::to_string(value.value / kMiB) + "MiB";
}

}  // namespace memory
}  // namespace squall
