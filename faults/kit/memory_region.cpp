// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/memory_region.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace squall::filling {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kUnit = 64 << 10;  // a whole number of pages on every machine
constexpr std::uint64_t kPattern = 16 * kPage;

std::uint64_t up(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

std::uint64_t mixed(std::uint64_t seed) {
  seed += 0x9e3779b97f4a7c15;
  seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
  seed = (seed ^ (seed >> 27)) * 0x94d049bb133111eb;
  return seed ^ (seed >> 31);
}

const unsigned char* make_pattern() {
  void* mapped =
      ::mmap(nullptr, kPattern, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* words = static_cast<std::uint64_t*>(mapped);
  for (std::uint64_t each = 0; each < kPattern / sizeof *words; ++each) words[each] = mixed(each);
  return static_cast<const unsigned char*>(mapped);
}

// Kernel: the policy of the task also decides where page cache and shared memory come from, which
// the one of a mapping (mbind) does not.
bool bind_to(std::int64_t node) {
  constexpr std::uint64_t kNodes = 1024, kBits = 8 * sizeof(unsigned long);
  std::array<unsigned long, kNodes / kBits> mask{};
  mask.at(static_cast<std::uint64_t>(node) / kBits) = 1UL
                                                      << (static_cast<std::uint64_t>(node) % kBits);
  return ::syscall(SYS_set_mempolicy, MPOL_BIND, mask.data(), kNodes) == 0;
}

// A file that has no name, or had one for a moment: not every file system knows O_TMPFILE.
int make_file(const char* directory) {
  const int file = ::open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return file;
  std::array<char, 1100> path{};
  std::snprintf(path.data(), path.size(), "%s/.squall-%d", directory, ::getpid());
  const int named = ::open(path.data(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (named >= 0) ::unlink(path.data());
  return named;
}

}  // namespace

Step Region::make(memory::Kind kind, HugePages pages, std::int64_t node, const char* directory) {
  kind_ = kind;
  huge_ = pages != HugePages::off && kind != memory::Kind::page_cache;
  if (node >= 0 && !bind_to(node)) return Step::bind;
  pattern_ = make_pattern();
  // Addresses for all memory there is; they cost nothing.
  const auto all = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_PHYS_PAGES)));
  room_ = up(all * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)), kHugePage);
  return pattern_ ? map(directory) : Step::map;
}

Step Region::map(const char* directory) {
  // Kernel: addresses that cannot be written to do not count where overcommit is forbidden.
  void* all = ::mmap(nullptr, room_ + kHugePage, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) return Step::map;
  auto* first = static_cast<unsigned char*>(all);
  start_ = first + (up(reinterpret_cast<std::uintptr_t>(first), kHugePage) -
                    reinterpret_cast<std::uintptr_t>(first));
  if (kind_ != memory::Kind::anonymous) {
    const bool shared = kind_ == memory::Kind::shared;
    file_ = shared ? ::memfd_create("squall", MFD_CLOEXEC) : make_file(directory);
    if (file_ < 0) return Step::make_file;
    const int access = shared ? PROT_READ | PROT_WRITE : PROT_READ;
    if (::mmap(start_, room_, access, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, file_, 0) ==
        MAP_FAILED)
      return Step::map;
  }
  ::madvise(start_, room_, huge_ ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  return Step::none;
}

std::uint64_t Region::granule() const { return huge_ ? kHugePage : kUnit; }

bool Region::grow(std::uint64_t size) {
  size = std::min(up(size, kUnit), room_);
  // Kernel: a huge page is given only where all of it may be used, so the last, partial one is not.
  const bool ready = file_ >= 0
                         ? ::ftruncate(file_, static_cast<off_t>(size)) == 0
                         : ::mprotect(start_ + held_, size - held_, PROT_READ | PROT_WRITE) == 0;
  if (!ready) return false;
  write(held_, size);
  held_ = size;
  return true;
}

void Region::write(std::uint64_t from, std::uint64_t to) {
  // Kernel: all pages at once, from Linux 5.14 on, cost less than a fault for each.
  ::madvise(start_ + from, to - from,
            kind_ == memory::Kind::page_cache ? MADV_POPULATE_READ : MADV_POPULATE_WRITE);
  // Kernel: a hole in a file takes a page of the cache when it is looked at, and no disk.
  if (kind_ == memory::Kind::page_cache) return touch(from, to);
  for (auto at = from; at < to; at += kPage) {
    std::memcpy(start_ + at, pattern_ + at % kPattern, kPage);
    const auto own = mixed(at ^ static_cast<std::uint64_t>(::getpid()) << 44);
    std::memcpy(start_ + at, &own, sizeof own);
  }
}

void Region::shrink(std::uint64_t size) {
  // Kernel: a huge page that is given back in part stays whole until memory runs short.
  size = size / granule() * granule();
  if (size >= held_) return;
  if (file_ >= 0) {
    if (::ftruncate(file_, static_cast<off_t>(size)) != 0) return;
  } else {
    ::madvise(start_ + size, held_ - size, MADV_DONTNEED);
    ::mprotect(start_ + size, held_ - size, PROT_NONE);
  }
  held_ = size;
}

void Region::touch(std::uint64_t from, std::uint64_t to) const {
  const volatile unsigned char* bytes = start_;
  for (auto at = from; at < to; at += kPage) (void)bytes[at];
}

std::uint64_t Region::read_huge() const {
  std::array<char, 4096> text{};
  const int file = ::open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
  const auto got = file < 0 ? 0 : ::read(file, text.data(), text.size());
  if (file >= 0) ::close(file);
  const std::string_view all(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  const auto* key = kind_ == memory::Kind::shared ? "ShmemPmdMapped" : "AnonHugePages";
  return memory::find_amount(all, key).value_or(Bytes{}).value;
}

std::uint64_t Region::read_thousandths_on(std::int64_t node) const {
  constexpr std::uint64_t kSample = 64;
  std::array<void*, kSample> pages{};
  std::array<int, kSample> nodes{};
  if (held_ < kSample * kPage) return 0;
  for (std::uint64_t each = 0; each < kSample; ++each)
    pages.at(each) = start_ + held_ / kSample / kPage * kPage * each;
  if (::syscall(SYS_move_pages, 0, kSample, pages.data(), nullptr, nodes.data(), 0) != 0) return 0;
  return static_cast<std::uint64_t>(std::ranges::count(nodes, static_cast<int>(node))) * 1000 /
         kSample;
}

}  // namespace squall::filling
