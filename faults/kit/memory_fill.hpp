// SPDX-License-Identifier: Apache-2.0
//
// The job of a worker that holds memory: it fills its part with content of its own, which
// nothing can merge or compress away, and keeps a reserve for others. It looks at what is
// available while it grows and for as long as it holds, and gives back what others need.

#pragma once

#include "faults/kit/memory.hpp"
#include "faults/kit/worker.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace squall {

// preferred: where the kernel has some at hand, also in a system that gives them on request only.
enum class HugePages { preferred, on, off };
template <>
struct Words<HugePages> {
  static constexpr std::pair<HugePages, std::string_view> list[] = {
      {HugePages::preferred, "preferred"}, {HugePages::on, "on"}, {HugePages::off, "off"}};
};

namespace filling {

struct Job {
  memory::Kind kind = memory::Kind::anonymous;
  HugePages huge = HugePages::preferred;
  std::int64_t node = -1;
  Bytes reserve{};
  Bytes rate{};            // in a second; 0: as fast as it goes
  Duration touch_every{};  // 0: never
  std::uint64_t workers = 1;
};

// Reports, in bytes unless they say otherwise. withheld: of what was asked, now, to keep the
// reserve; given_back: for the same reason, in all. on_node: in thousandths, of a sample.
inline constexpr std::size_t began = 0, failure = 1, held = 2, withheld = 3, given_back = 4,
                             huge = 5, on_node = 6;

void set_job(const ChangeToken&, Worker&, const Job&);
// The worker's own part.
void set_size(const ChangeToken&, Worker&, Bytes size);
// What it could not do, if anything; `directory` is where its file was to be.
std::optional<Error> read_failure(const Worker&, const std::string& directory);

void work(WorkerPage& page, int lifeline);

}  // namespace filling
}  // namespace squall
