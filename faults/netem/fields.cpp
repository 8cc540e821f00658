// SPDX-License-Identifier: Apache-2.0
//
// The parameters of netem: their names and ranges.

#include "faults/netem/params.hpp"

namespace squall {
namespace {

const Percent kNone{0}, kAll{100};

std::vector<Field<DelayParams>> delay_fields() {
  return {
      field("delay", &DelayParams::delay, "added to each packet").range(Duration{}, Duration{10s}),
      field("jitter", &DelayParams::jitter, "deviation of the delay")
          .range(Duration{}, Duration{5s}),
      field("delay_correlation", &DelayParams::correlation,
            "how much a delay depends on the one before")
          .range(kNone, kAll),
      field("distribution", &DelayParams::distribution,
            "of the jitter: uniform, normal, pareto, paretonormal, experimental, or the path "
            "of a table")};
}

std::vector<Field<NetemLossParams>> loss_fields() {
  using L = NetemLossParams;
  const auto chance = [](const char* name, Percent L::* member, const char* help) {
    return field(name, member, help).range(kNone, kAll);
  };
  return {
      field("loss_model", &L::model, "how the lost packets are chosen"),
      chance("loss", &L::loss, "share of packets lost (loss_model random)"),
      chance("loss_correlation", &L::correlation,
             "how much a loss depends on the one before; it lowers the share (loss_model random)"),
      chance("enter_bad", &L::enter_bad,
             "chance per packet to go from the good to the bad state (gilbert_elliott, p)"),
      chance("leave_bad", &L::leave_bad,
             "chance per packet to go back to the good state (gilbert_elliott, r)"),
      chance("loss_in_bad", &L::loss_in_bad, "share lost in the bad state (gilbert_elliott, 1-h)"),
      chance("loss_in_good", &L::loss_in_good,
             "share lost in the good state (gilbert_elliott, 1-k)"),
      chance("p13", &L::p13, "chance that a burst of losses begins (four_state)"),
      chance("p31", &L::p31, "chance that a burst ends (four_state)"),
      chance("p32", &L::p32, "chance that a packet arrives within a burst (four_state)"),
      chance("p23", &L::p23, "chance that losses go on after such a packet (four_state)"),
      chance("p14", &L::p14, "chance of a loss outside bursts (four_state)"),
      field("ecn", &L::ecn, "packets that can carry it are marked by ECN instead of lost")};
}

std::vector<Field<HarmParams>> harm_fields() {
  using H = HarmParams;
  const auto share = [](const char* name, Percent H::* member, const char* help) {
    return field(name, member, help).range(kNone, kAll);
  };
  return {share("duplicate", &H::duplicate, "share of packets sent twice"),
          share("duplicate_correlation", &H::duplicate_correlation,
                "how much a duplicate depends on the one before"),
          share("corrupt", &H::corrupt, "share of packets with one bit turned over"),
          share("corrupt_correlation", &H::corrupt_correlation,
                "how much a damage depends on the one before"),
          share("reorder", &H::reorder, "share of packets that overtake, as they are not delayed"),
          share("reorder_correlation", &H::reorder_correlation,
                "how much overtaking depends on the one before"),
          field("gap", &H::gap, "one in so many packets may overtake")
              .range(std::uint64_t{0}, std::uint64_t{1'000'000})
              .fixed()};
}

std::vector<Field<RateParams>> rate_fields() {
  using R = RateParams;
  return {field("rate", &R::rate, "bits per second, as of a slow link"),
          field("packet_overhead", &R::packet_overhead,
                "bytes that each packet has more, or less, on that link")
              .range(-65535, 65535)
              .fixed(),
          field("cell_size", &R::cell_size, "bytes of the cells that packets are cut into")
              .range(std::uint64_t{0}, std::uint64_t{65535})
              .fixed(),
          field("cell_overhead", &R::cell_overhead, "bytes that each cell has more, or less")
              .range(-65535, 65535)
              .fixed()};
}

std::vector<Field<SlotParams>> slot_fields() {
  using S = SlotParams;
  const auto time = [](const char* name, Duration S::* member, const char* help) {
    return field(name, member, help).range(Duration{}, Duration{10s}).fixed();
  };
  return {time("min_delay", &S::shortest, "shortest time between two slots in which packets leave"),
          time("max_delay", &S::longest, "longest time between two slots; min_delay when left out"),
          time("delay", &S::delay, "mean time between two slots, by a distribution"),
          time("jitter", &S::jitter, "deviation of that time"),
          field("distribution", &S::distribution, "of that time, as for the delay"),
          field("max_packets", &S::packets, "most packets in one slot")
              .range(std::uint64_t{0}, std::uint64_t{1'000'000})
              .fixed(),
          field("max_bytes", &S::bytes, "most bytes in one slot")
              .range(Bytes{0}, Bytes{1u << 30})
              .fixed()};
}

}  // namespace

Table<NetemParams> netem_table() {
  Table<NetemParams> made(group("target", &NetemParams::target, packet::target_fields()),
                          netem_rules());
  made.add(group("match", &NetemParams::match, packet_match_fields()));
  made.add(group("", &NetemParams::delay, delay_fields()));
  made.add(group("", &NetemParams::loss, loss_fields()));
  made.add(group("", &NetemParams::harm, harm_fields()));
  made.add(group("", &NetemParams::rate, rate_fields()));
  made.add(group("slot", &NetemParams::slot, slot_fields()));
  made.add({field("limit", &NetemParams::limit,
                  "packets that may wait at the same time; computed when left out")
                .range(std::uint64_t{0}, std::uint64_t{0xffffffff})
                .fixed(),
            field("packet_rate", &NetemParams::packet_rate,
                  "packets per second that are expected, for the limit")
                .range(std::uint64_t{0}, std::uint64_t{1'000'000'000})
                .fixed(),
            field("compose", &NetemParams::compose,
                  "of packets that several faults match: those that no earlier one took, or all"),
            field("attach", &NetemParams::attach, "hook of the kernel that is used")});
  return made;
}

}  // namespace squall
