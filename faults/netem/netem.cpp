// SPDX-License-Identifier: Apache-2.0
//
// netem: delay, loss and all else that the kernel's netem does, for matching packets only, through
// a sidecar beside the interface. No qdisc of others is touched.

#include "faults/fault.hpp"
#include "faults/kit/distribution.hpp"
#include "faults/kit/figures.hpp"
#include "faults/kit/memory.hpp"
#include "faults/kit/packet_hook.hpp"
#include "faults/machine.hpp"
#include "faults/netem/active.hpp"
#include "faults/netem/limit.hpp"
#include "faults/netem/params.hpp"
#include "faults/netem/sidecar_record.hpp"

namespace squall {
namespace {

constexpr const char* kNotes =
    "Matching packets go through a sidecar, a veth pair of squall's with netem on it, and come "
    "back to where they were. The interface's own qdiscs stay as they are, with their counters. "
    "Super-packets (GSO, GRO) are cut before: one packet of the wire is one packet for netem, "
    "and the local TCP is not told of a loss.\n"
    "The sidecar itself adds some microseconds. What leaves netem is carried back by one CPU, the "
    "first that squall may use, and stays in order; 'taskset' chooses another. Packets that find "
    "netem full are lost, counted, and make the effect a mismatch: 'limit' is computed "
    "from the delay and a million packets a second, or what 'rate' or 'packet_rate' say.\n"
    "Several of these faults on one interface: a packet goes through the first one of the "
    "scenario that matches, and with compose = \"all\" also through this one.\n"
    "At a normal end netem delays no more but keeps the order, until nothing is inside: no "
    "packet is lost, and none overtaken but for one or two that come back on one CPU in the "
    "instant when the next pass on another. On abort packets pass at once, and those inside "
    "still arrive.\n"
    "ARP, IPv6 neighbour discovery with MLD, and SSH are spared unless that is given up. "
    "Traffic that does not pass the kernel's tc hook of this interface is not seen: kernel "
    "bypass, AF_XDP, RDMA, and what a host sends to itself, which passes 'lo' only.";

constexpr const char* kExample = R"([[fault]]
name = "slow and lossy uplink"
kind = "netem"
target = { interface = "eth0" }
match = { direction = "both", protocol = "tcp", port = 9001 }
delay = "20ms"
jitter = "5ms"
loss = "1%"
)";

struct Netem {
  using Params = NetemParams;
  using Hold = NetemHold;

  static const Spec<Params>& describe() {
    static const Spec<Params> spec{
        "netem",
        "delay, jitter, loss and more of matching packets, by the "
        "kernel's netem beside the interface",
        Rung::we_own_it,
        {"cap:net_admin", "cap:sys_admin", "bpf:sched_cls", "kernel:NET_SCH_NETEM",
         "kernel:NET_SCH_INGRESS", "kernel:NET_CLS_BPF", "kernel:NET_ACT_MIRRED", "kernel:VETH"},
        netem_table(),
        kNotes,
        kExample,
        {},
        "'packet_loss' loses packets without netem"};
    return spec;
  }

  static packet::Where where(const Params& p) { return {p.target, p.match, p.attach, true}; }

  Result<Plan> plan(const Params& asked, const Machine& host, const RunContext& run) const {
    const auto p = fitted(asked);
    SQUALL_CHECK(netem::read_distribution(p.delay.distribution));
    SQUALL_CHECK(netem::read_distribution(p.slot.distribution));
    SQUALL_TRY(auto plan,
               packet::plan(host, run, describe().name, where(p),
                            "send through netem (" + sentence(p) + ") " + p.match.sentence()));
    SQUALL_CHECK(plan_sidecars(plan, host, p.target));
    SQUALL_TRY(const auto room, memory::read_room(host.memory()));
    if (p.limit == 0 && needed_limit(p) > bearable_limit(room.available))
      plan.notes.push_back("as many as " + figures::grouped(needed_limit(p)) +
                           " packets may have to wait; memory bears " +
                           figures::grouped(bearable_limit(room.available)) +
                           ": write 'packet_rate' or 'limit'");
    if (does_nothing(p))
      plan.notes.emplace_back("netem has nothing to do until a ramp gives it something");
    return plan;
  }

  Result<Hold> inject(const Params& p, const Plan& plan, Machine& machine, Scope& scope) const {
    return inject_netem(p, plan, machine, scope);
  }

  Result<Verified> verify(const Params& asked, const Machine& host, const RunContext& run) const {
    const auto p = fitted(asked);
    return verify_sidecars(host, run, where(p));
  }

  Result<> revert(const UndoRecord& undo, Machine& machine, const ChangeToken& token) const {
    if (!is_of_sidecar(undo)) return packet::revert(undo, machine, token);
    SQUALL_TRY(const auto id, identity_of(undo));
    return machine.sidecars().delete_if_ours(token, id);
  }

  Result<> adjust(const Params& p, Hold& hold, Machine& machine, Scope& scope) const {
    return adjust_netem(p, hold, machine, scope);
  }

  Result<Duration> ease_off(const Params& p, Hold& hold, Machine& machine, Scope& scope) const {
    return empty_netem(p, hold, machine, scope);
  }

  void let_go(Hold& hold) const {
    for (auto& leg : hold.legs) leg.hook.program.reset();
  }

  Result<Effect> measure(const Params&, const Hold& hold, const Machine& host) const {
    return measure_netem(hold, host);
  }

  Strays strays(const Machine& host) const { return stray_sidecars(host); }

  Result<std::vector<std::string>> survey(const Params& p, const Machine& host) const {
    return packet::survey(host, p.target);
  }
};

}  // namespace

const Fault& netem_fault();
const Fault& netem_fault() {
  static const Adapt<Netem> fault;
  return fault;
}

}  // namespace squall
