// SPDX-License-Identifier: Apache-2.0

#include "faults/cpu_pressure/params.hpp"

namespace squall {

const char* const kCpuPressureNotes =
    "One worker per CPU, pinned to it, works and sleeps in periods of 9.5 ms and is held to\n"
    "the share by its own CPU clock. Where others compete for the CPU, or the cgroup's limit\n"
    "is lower, less is achieved than was asked for, and the effect check says so: it compares the "
    "mean,\n"
    "to within 1 point, and the worst second, to within 5 beside what others took. In a cgroup\n"
    "the load counts against the limits of its members. With priority fifo nothing of ordinary\n"
    "priority runs on that CPU while the worker works.";

Table<CpuPressureParams> cpu_pressure_table() {
  using P = CpuPressureParams;
  return {{field("load", &P::load, "share of each CPU's time that is used up")
               .required()
               .range(Percent{0}, Percent{100}),
           field("cpus", &P::cpus, "CPUs to load; without it every one that may be used"),
           field("priority", &P::priority, "scheduling class of the load"),
           field("nice", &P::nice, "nice value of the load")
               .range(std::int64_t{-20}, std::int64_t{19})
               .fixed(),
           field("rt_priority", &P::rt_priority, "real-time priority, with fifo")
               .range(std::int64_t{1}, std::int64_t{50})
               .fixed(),
           field("cgroup", &P::cgroup, "control group in which the load counts"),
           field("container", &P::container,
                 "container whose group it counts in: its name, id, or label as 'key=value'")},
          {{"with priority fifo the load is at most 90%, so that the host can be reached",
            [](const P& p) { return p.priority != WorkerClass::fifo || p.load <= Percent{90}; }},
           {"cgroup and container exclude each other",
            [](const P& p) { return p.cgroup.empty() || p.container.empty(); }},
           {"nice needs priority normal or batch", [](const P& p) {
              return p.nice == 0 || p.priority == WorkerClass::normal ||
                     p.priority == WorkerClass::batch;
            }}}};
}

}  // namespace squall
