// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/memory_fill.hpp"

#include "faults/kit/memory_region.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <span>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <utility>

namespace squall::filling {
namespace {

// Settings. kind_and_pages: the kind, and what of huge pages above it.
constexpr std::size_t kSize = 0, kRate = 1, kTouchEvery = 2, kReserve = 3, kKindAndPages = 4,
                      kNode = 5, kWorkers = 6;
constexpr std::uint64_t kMiB = 1 << 20, kProgramPage = 4096;
constexpr std::uint64_t kSlice = 8 * kMiB;         // between two looks
constexpr std::uint64_t kWorthGrowing = 8 * kMiB;  // else what is given back is taken again at once
// Others take some 2 GiB in a second at most: at each look there is more left than they take.
constexpr std::uint64_t kPlenty = 256 * kMiB;
constexpr int kOften = 10, kSeldom = 50;  // milliseconds
constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

// Kernel: pages of the program count as page cache of its process when they are first looked at.
void look_at_program() {
  ::dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void*) {
        for (const auto& each : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
          if (each.p_type != PT_LOAD) continue;
          const auto from = (object->dlpi_addr + each.p_vaddr) & ~(kProgramPage - 1);
          const auto end = object->dlpi_addr + each.p_vaddr + each.p_filesz;
          // Before Linux 5.14 it is not known, and the measure is a few MiB too high.
          ::syscall(SYS_madvise, from, end - from, MADV_POPULATE_READ);
        }
        return 0;
      },
      nullptr);
}

bool alive(int lifeline, int wait) {
  pollfd line{lifeline, POLLIN, 0};
  return ::poll(&line, 1, wait) == 0;
}

// What is available beyond the reserve; below 0: how much is missing.
class Available {
 public:
  bool open(std::int64_t node) {
    host_ = ::open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    if (node < 0) return host_ >= 0;
    std::array<char, 64> path{};
    std::snprintf(path.data(), path.size(), "/sys/devices/system/node/node%d/meminfo",
                  static_cast<int>(node));
    node_ = ::open(path.data(), O_RDONLY | O_CLOEXEC);
    return host_ >= 0 && node_ >= 0;
  }
  std::int64_t beyond(std::uint64_t reserve) {
    auto least = sum(host_, {"MemAvailable"});
    if (node_ >= 0)
      least = std::min(least, sum(node_, {"MemFree", "Active(file)", "Inactive(file)"}));
    return least - static_cast<std::int64_t>(reserve);
  }

 private:
  std::int64_t sum(int file, std::initializer_list<const char*> keys) {
    const auto got = ::pread(file, text_.data(), text_.size(), 0);
    const std::string_view all(text_.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    std::uint64_t bytes = 0;
    for (const auto* key : keys) bytes += memory::find_amount(all, key).value_or(Bytes{}).value;
    return static_cast<std::int64_t>(bytes);
  }

  int host_ = -1, node_ = -1;
  std::array<char, 8192> text_{};
};

class Filling {
 public:
  Filling(WorkerPage& page, int lifeline) : page_(page), lifeline_(lifeline) {}

  Step begin() {
    const auto kind = static_cast<memory::Kind>(setting(kKindAndPages) & 0xff);
    const auto huge_pages = static_cast<HugePages>(setting(kKindAndPages) >> 8);
    node_ = static_cast<std::int64_t>(setting(kNode)) - 1;
    if (kind == memory::Kind::page_cache) look_at_program();
    if (const auto step = region_.make(kind, huge_pages, node_, page_.text.data());
        step != Step::none)
      return step;
    looked_ = now();
    touched_ = looked_;
    return available_.open(node_) ? Step::none : Step::look;
  }

  void go_on() {
    int wait = 0;
    while (alive(lifeline_, wait)) {
      const auto before = region_.held();
      const auto room = available_.beyond(setting(kReserve)) /
                        static_cast<std::int64_t>(std::max<std::uint64_t>(1, setting(kWorkers)));
      earn(now());
      const auto size = setting(kSize);
      if (room < 0 && region_.held() > 0) {
        give_back(static_cast<std::uint64_t>(-room));
      } else if (region_.held() > size) {
        region_.shrink(size);
      } else if (region_.held() < size) {
        grow(size, static_cast<std::uint64_t>(room));
      }
      tell(size);
      const bool touching = touch();
      if (region_.held() != before)
        settled_ = false;
      else if (!settled_ && !touching)
        settle();
      wait = region_.held() != before || touching                    ? 0
             : growing_ || room < static_cast<std::int64_t>(kPlenty) ? kOften
                                                                     : kSeldom;
    }
  }

 private:
  std::uint64_t setting(std::size_t which) const {
    return page_.settings.at(which).load(std::memory_order_acquire);
  }
  void report(std::size_t which, std::uint64_t value) {
    page_.reports.at(which).store(value, std::memory_order_release);
  }

  // With a rate, time is what growth is paid with; at most a second's worth is saved up.
  void earn(std::int64_t instant) {
    const auto rate = static_cast<double>(setting(kRate));
    const double passed = static_cast<double>(instant - std::exchange(looked_, instant)) / 1e9;
    const auto most = std::max(rate, static_cast<double>(region_.granule()));
    credit_ = std::min(credit_ + rate * passed, most);
  }

  void grow(std::uint64_t size, std::uint64_t room) {
    const auto missing = size - region_.held();
    auto step = std::min(missing, kSlice);
    kept_ = room < std::min(missing, kept_ ? kWorthGrowing : step);
    growing_ = !kept_ && !stuck_;
    if (!growing_) return;
    if (setting(kRate) != 0) step = std::min(step, static_cast<std::uint64_t>(credit_));
    if (step < missing) step = step / region_.granule() * region_.granule();
    if (step == 0) return;
    stuck_ = !region_.grow(region_.held() + step);
    if (stuck_) fail(Step::grow);
    credit_ -= static_cast<double>(step);
  }

  void give_back(std::uint64_t bytes) {
    const auto before = region_.held();
    region_.shrink(before - std::min(before, bytes));
    given_back_ += before - region_.held();
    kept_ = true;
    growing_ = false;
  }

  void tell(std::uint64_t size) {
    if (region_.held() >= size) kept_ = growing_ = false;
    report(held, region_.held());
    report(withheld, kept_ ? size - region_.held() : 0);
    report(given_back, given_back_);
  }

  // A slice at a time, so that the reserve is looked at meanwhile.
  bool touch() {
    const auto every = static_cast<std::int64_t>(setting(kTouchEvery));
    if (every == 0) return false;
    if (touch_at_ == 0 && now() - touched_ < every) return false;
    if (touch_at_ == 0) touched_ = now();
    const auto from = std::min(touch_at_, region_.held());
    const auto to = std::min(from + kSlice, region_.held());
    region_.touch(from, to);
    touch_at_ = to == region_.held() ? 0 : to;
    return touch_at_ != 0;
  }

  void settle() {
    settled_ = true;
    report(huge, region_.read_huge());
    if (node_ >= 0) report(on_node, region_.read_thousandths_on(node_));
  }

  void fail(Step step) {
    report(failure, static_cast<std::uint64_t>(step) << 32 | static_cast<std::uint32_t>(errno));
  }

  WorkerPage& page_;
  const int lifeline_;
  Region region_;
  Available available_;
  std::int64_t node_ = -1;
  std::int64_t looked_ = 0, touched_ = 0;
  std::uint64_t touch_at_ = 0;
  double credit_ = 0;
  std::uint64_t given_back_ = 0;
  bool kept_ = false;     // it is the reserve that stands in the way
  bool growing_ = false;  // on the way to what is asked
  bool stuck_ = false;    // the kernel refused
  bool settled_ = false;
};

}  // namespace

void set_job(const ChangeToken& token, Worker& worker, const Job& job) {
  worker.set(token, kRate, job.rate.value / job.workers);
  worker.set(token, kTouchEvery, static_cast<std::uint64_t>(job.touch_every.count()));
  worker.set(token, kReserve, job.reserve.value);
  worker.set(token, kKindAndPages,
             static_cast<std::uint64_t>(job.kind) | static_cast<std::uint64_t>(job.huge) << 8);
  worker.set(token, kNode, static_cast<std::uint64_t>(job.node + 1));
  worker.set(token, kWorkers, job.workers);
}

void set_size(const ChangeToken& token, Worker& worker, Bytes size) {
  worker.set(token, kSize, size.value);
}

std::optional<Error> read_failure(const Worker& worker, const std::string& directory) {
  const auto said = worker.read_report(failure);
  if (said == 0) return std::nullopt;
  const auto attempt = [&]() -> std::string {
    switch (static_cast<Step>(said >> 32)) {
      case Step::bind:
        return "bind a worker to the NUMA node";
      case Step::make_file:
        return "make a file in '" + directory + "'";
      case Step::look:
        return "read what memory is available";
      case Step::grow:
        return "take more memory";
      default:
        return "reserve addresses for the memory";
    }
  };
  return sys_error(attempt(), static_cast<int>(said & 0xffffffff));
}

void work(WorkerPage& page, int lifeline) {
  Filling filling(page, lifeline);
  const auto step = filling.begin();
  if (step != Step::none)
    page.reports.at(failure).store(static_cast<std::uint64_t>(step) << 32 |
                                   static_cast<std::uint32_t>(errno));
  publish_report(page, began, 1);
  if (step == Step::none) filling.go_on();
}

}  // namespace squall::filling
