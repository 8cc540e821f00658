// SPDX-License-Identifier: Apache-2.0
//
// netem by rtnetlink, see netem_qdisc.hpp.

#include "faults/kit/netem_qdisc.hpp"
#include "faults/kit/netlink.hpp"

#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

namespace squall::netem {
namespace {

constexpr std::uint32_t kHandle = 0x7f170000;
constexpr int kSeed = 14;                 // TCA_NETEM_PRNG_SEED, from Linux 6.6
constexpr std::size_t kRoom = 96 * 1024;  // two tables

tcmsg head_of(int ifindex) {
  tcmsg head{};
  head.tcm_family = AF_UNSPEC;
  head.tcm_ifindex = ifindex;
  head.tcm_parent = TC_H_ROOT;
  head.tcm_handle = kHandle;
  return head;
}

// Kernel: 0 is never, all bits are always.
__u32 chance(double share) {
  return static_cast<__u32>(std::llround(std::clamp(share, 0.0, 1.0) * 4294967295.0));
}

void put_loss(const netlink::Message& message, const Settings& settings) {
  if (settings.loss_model == LossModel::random) return;
  const netlink::Nest nest(message, TCA_NETEM_LOSS);
  if (settings.loss_model == LossModel::gilbert_elliott)
    netlink::put(message, NETEM_LOSS_GE,
                 tc_netem_gemodel{chance(settings.p), chance(settings.r),
                                  chance(1 - settings.one_minus_h), chance(settings.one_minus_k)});
  else
    netlink::put(message, NETEM_LOSS_GI,
                 tc_netem_gimodel{chance(settings.p13), chance(settings.p31), chance(settings.p32),
                                  chance(settings.p14), chance(settings.p23)});
}

void put_rate(const netlink::Message& message, const Rate& rate) {
  constexpr auto kMost = std::uint64_t{0xffffffff};
  netlink::put(message, TCA_NETEM_RATE,
               tc_netem_rate{static_cast<__u32>(std::min(rate.bytes_per_second, kMost)),
                             rate.packet_overhead, rate.cell_size, rate.cell_overhead});
  if (rate.bytes_per_second >= kMost)
    netlink::put(message, TCA_NETEM_RATE64, static_cast<__u64>(rate.bytes_per_second));
}

void put_slot(const netlink::Message& message, const Slot& slot) {
  netlink::put(message, TCA_NETEM_SLOT,
               tc_netem_slot{slot.shortest.count(), slot.longest.count(), slot.packets, slot.bytes,
                             slot.delay.count(), slot.jitter.count()});
}

void put_table(const netlink::Message& message, int type, const Distribution& table) {
  if (!table.empty())
    netlink::put_bytes(message, type, table.data(), table.size() * sizeof table.front());
}

// Kernel: what is not sent keeps its value, so that everything is.
Result<int> send(int ifindex, int flags, const Settings& settings, const Tables& tables) {
  const auto message =
      netlink::make_message(RTM_NEWQDISC, flags | NLM_F_ACK, head_of(ifindex), kRoom);
  netlink::put_text(message, TCA_KIND, "netem");
  {
    const netlink::Nest options(message, TCA_OPTIONS);
    tc_netem_qopt plain{};
    plain.limit = settings.limit;
    plain.gap = settings.gap;
    plain.duplicate = chance(settings.duplicate);
    if (settings.loss_model == LossModel::random) plain.loss = chance(settings.loss);
    nlmsg_append(message.get(), &plain, sizeof plain, NLMSG_ALIGNTO);
    netlink::put(message, TCA_NETEM_LATENCY64, static_cast<__s64>(settings.delay.count()));
    netlink::put(message, TCA_NETEM_JITTER64, static_cast<__s64>(settings.jitter.count()));
    netlink::put(
        message, TCA_NETEM_CORR,
        tc_netem_corr{chance(settings.delay_correlation), chance(settings.loss_correlation),
                      chance(settings.duplicate_correlation)});
    netlink::put(message, TCA_NETEM_REORDER,
                 tc_netem_reorder{chance(settings.reorder), chance(settings.reorder_correlation)});
    netlink::put(message, TCA_NETEM_CORRUPT,
                 tc_netem_corrupt{chance(settings.corrupt), chance(settings.corrupt_correlation)});
    netlink::put_u32(message, TCA_NETEM_ECN, settings.ecn ? 1 : 0);
    put_loss(message, settings);
    put_rate(message, settings.rate);
    put_slot(message, settings.slot);
    put_table(message, TCA_NETEM_DELAY_DIST, tables.delay);
    put_table(message, TCA_NETEM_SLOT_DIST, tables.slot);
    netlink::put(message, kSeed, static_cast<__u64>(settings.seed));
  }
  return netlink::ask(message);
}

Error failed(const std::string& what, int code) {
  auto error = sys_error(what, code);
  // Kernel: ENOENT says that there is no such kind of qdisc, nor a module that has it.
  if (code == ENOENT)
    error = {ErrorKind::unsupported,
             "this kernel has no netem",
             "load it with 'modprobe sch_netem'; 'packet_loss' loses packets without it",
             {},
             code};
  return error;
}

Counters counters_of(nlattr** attributes) {
  Counters counters;
  nlattr* stats[TCA_STATS_MAX + 1] = {};
  if (attributes[TCA_STATS2] &&
      nla_parse_nested(stats, TCA_STATS_MAX, attributes[TCA_STATS2], nullptr) == 0) {
    if (const auto* basic = stats[TCA_STATS_BASIC]) {
      counters.sent = static_cast<const gnet_stats_basic*>(nla_data(basic))->packets;
      counters.sent_bytes = static_cast<const gnet_stats_basic*>(nla_data(basic))->bytes;
    }
    if (const auto* wide = stats[TCA_STATS_PKT64]) counters.sent = nla_get_u64(wide);
    if (const auto* queue = stats[TCA_STATS_QUEUE]) {
      const auto* told = static_cast<const gnet_stats_queue*>(nla_data(queue));
      counters.waiting = told->qlen;
      counters.dropped = told->drops;
    }
  }
  nlattr* options[kSeed + 1] = {};
  if (auto* all = attributes[TCA_OPTIONS];
      all && nla_len(all) > NLA_ALIGN(int{sizeof(tc_netem_qopt)})) {
    auto* first = reinterpret_cast<nlattr*>(static_cast<char*>(nla_data(all)) +
                                            NLA_ALIGN(int{sizeof(tc_netem_qopt)}));
    (void)nla_parse(options, kSeed, first, nla_len(all) - NLA_ALIGN(int{sizeof(tc_netem_qopt)}),
                    nullptr);
  }
  counters.seeded = options[kSeed] != nullptr;
  return counters;
}

}  // namespace

Result<> put(const ChangeToken&, int ifindex, const Settings& settings, const Tables& tables) {
  SQUALL_TRY(const int code, send(ifindex, NLM_F_CREATE | NLM_F_EXCL, settings, tables));
  if (code != 0) return failed("put netem on interface " + std::to_string(ifindex), code);
  return {};
}

Result<> change(const ChangeToken&, int ifindex, const Settings& settings) {
  SQUALL_TRY(const int code, send(ifindex, 0, settings, {}));
  if (code != 0) return failed("change the netem of interface " + std::to_string(ifindex), code);
  return {};
}

Result<std::optional<Counters>> read(int ifindex) {
  std::optional<Counters> found;
  const netlink::Each each = [&](nlmsghdr& header) {
    nlattr* attributes[TCA_MAX + 1] = {};
    if (nlmsg_parse(&header, sizeof(tcmsg), attributes, TCA_MAX, nullptr) != 0) return;
    const auto& head = *static_cast<const tcmsg*>(nlmsg_data(&header));
    if (head.tcm_ifindex == ifindex && head.tcm_handle == kHandle && attributes[TCA_KIND] &&
        std::strcmp(nla_get_string(attributes[TCA_KIND]), "netem") == 0)
      found = counters_of(attributes);
  };
  const auto message = netlink::make_message(RTM_GETQDISC, NLM_F_DUMP, head_of(ifindex));
  SQUALL_TRY(const int code, netlink::ask(message, &each));
  if (code != 0) return sys_error("read the netem of interface " + std::to_string(ifindex), code);
  return found;
}

}  // namespace squall::netem
