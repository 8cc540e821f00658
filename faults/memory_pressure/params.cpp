// SPDX-License-Identifier: Apache-2.0

#include "faults/memory_pressure/params.hpp"

namespace squall {
namespace {

using P = MemoryPressureParams;

// A strength that is not given has no way to go.
template <class T>
Field<P> ramped(Field<P> made, std::optional<T> P::* member) {
  made.sheet.rampable = true;
  made.blend = [member](P& out, const P& from, const P& to, double f) {
    if (from.*member && to.*member)
      out.*member = Value<T>::blend(*(from.*member), *(to.*member), f);
  };
  return made;
}

}  // namespace

const char* const kMemoryPressureNotes =
    "Workers fill their parts with content that neither compresses nor merges, and hold them. A\n"
    "share is one of what is available at the start (MemAvailable), or, with a target, of the\n"
    "group's limit: the group's use, its members' own included, is brought to that share. Where\n"
    "the group has no limit, the nearest one above it that has counts.\n"
    "\n"
    "The workers stand first in line for the OOM killer. They look at what is available every 10\n"
    "to 50 ms, stop at the reserve, and give back what others need; the effect says so, and so it\n"
    "does when the OOM killer ended anything. Page cache counts as available to the kernel, which\n"
    "drops it when it needs memory, so a reserve hardly limits it. What is swapped out is\n"
    "no longer held; touch_every brings it back.";

Table<MemoryPressureParams> memory_pressure_table() {
  return Table<P>(
             {ramped(field("size", &P::size, "memory to hold")
                         .range(std::optional(Bytes{1 << 20}), std::optional(Bytes{1ULL << 44})),
                     &P::size),
              ramped(
                  field("share", &P::share, "share of what is available, or of the group's limit")
                      .range(std::optional(Percent{0}), std::optional(Percent{100})),
                  &P::share)},
             {{"say how much: size or share, and not both",
               [](const P& p) { return p.size.has_value() != p.share.has_value(); }},
              {"the target is a cgroup, a unit or a container, and not several",
               [](const P& p) { return !is_given(p.target) || has_one_selector(p.target); }},
              {"directory needs memory page_cache",
               [](const P& p) {
                 return p.directory.empty() || p.memory == memory::Kind::page_cache;
               }},
              {"huge_pages on needs memory anonymous or shared",
               [](const P& p) {
                 return p.huge_pages != HugePages::on || p.memory != memory::Kind::page_cache;
               }}})
      .add(group("target", &P::target, cgroup_target_fields()))
      .add({field("rate", &P::rate, "growth; without it as fast as it goes"),
            field("memory", &P::memory, "kind of memory"),
            field("directory", &P::directory,
                  "place of the unnamed file, with page_cache; without it /var/tmp"),
            field("touch_every", &P::touch_every,
                  "how often each page is looked at, so that it stays; 0s for never")
                .range(Duration{0}, Duration(1h))
                .fixed(),
            field("huge_pages", &P::huge_pages, "whether they are used"),
            field("numa_node", &P::numa_node, "NUMA node that the memory comes from"),
            field("reserve", &P::reserve,
                  "what stays available to others; without it 2% of all memory, at least 64MiB")});
}

}  // namespace squall
