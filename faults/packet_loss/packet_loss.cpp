// SPDX-License-Identifier: Apache-2.0
//
// packet_loss: loss of matching packets, decided by our BPF program at the interface's
// tc hook. It needs no netem, touches no qdisc, and the same seed on the same packets
// drops the same ones.

#include "bpf/packet_loss.h"

#include "faults/fault.hpp"
#include "faults/kit/packet_hook.hpp"
#include "faults/machine.hpp"
#include "faults/packet_loss/effect.hpp"

SQUALL_BPF_IMAGE(packet_loss);

namespace squall {
namespace {

constexpr const char* kNotes =
    "Each direction is a stream of its own: its matching packets are numbered from 1, and the fate "
    "of number n depends on the seed and n alone. 100% is a partition.\n"
    "Leaving packets vanish as they do in a network: the local TCP is told that they were sent. "
    "TCP is judged by GSO super-packets of several segments each; the report counts both.\n"
    "ARP, IPv6 neighbour discovery with MLD, and SSH are spared unless that is given up. A later "
    "fragment of an IP datagram has no ports and never matches a rule on ports; of TCP it is "
    "spared with SSH. A packet whose headers cannot be read passes, and is counted.\n"
    "Traffic that does not pass the kernel's tc hook of this interface is not seen: kernel bypass, "
    "AF_XDP, RDMA, and what a host sends to itself, which passes 'lo' only.";

constexpr const char* kExample = R"([[fault]]
name = "lossy uplink"
kind = "packet_loss"
target = { interface = "eth0" }
match = { direction = "out", protocol = "tcp", port = 9001 }
loss = "5%"
)";

struct PacketLoss {
  struct Params {
    packet::Target target;
    PacketMatch match;
    Loss loss;
    packet::Attach attach = packet::Attach::automatic;
  };
  struct Hold {
    std::vector<packet::Leg> legs;
    std::vector<LossTally> tallies;  // one for each leg
  };

  static Table<Params> table() {
    std::vector<Rule<Params>> rules = {
        {packet::kHasInterface, [](const Params& p) { return packet::has_interface(p.target); }},
        {packet::kOnePlace, [](const Params& p) { return packet::has_one_place(p.target); }},
        {kPacketMatchFits, [](const Params& p) { return p.match.fits(); }}};
    for (const auto& each : loss_rules())
      rules.push_back(
          {each.sentence, [holds = each.holds](const Params& p) { return holds(p.loss); }});
    Table<Params> made(group("target", &Params::target, packet::target_fields()), std::move(rules));
    made.add(group("match", &Params::match, packet_match_fields()));
    made.add(group("", &Params::loss, loss_fields()));
    made.add({field("attach", &Params::attach, "hook of the kernel that is used")});
    return made;
  }

  static const Spec<Params>& describe() {
    static const Spec<Params> spec{
        "packet_loss",   "loss of matching packets, decided by a BPF program",
        Rung::we_own_it, packet::needs(),
        table(),         kNotes,
        kExample,        {}};
    return spec;
  }

  static packet::Where where(const Params& p) { return {p.target, p.match, p.attach}; }

  Result<Plan> plan(const Params& p, const Machine& host, const RunContext& run) const {
    SQUALL_TRY(auto plan, packet::plan(host, run, describe().name, where(p),
                                       sentence(p.loss) + " " + p.match.sentence()));
    if (p.loss.model == LossModel::random && p.loss.loss.value == 0)
      plan.notes.push_back("loss is 0%: nothing is lost until a ramp raises it");
    return plan;
  }

  Result<Hold> inject(const Params& p, const Plan& plan, Machine& machine, Scope& scope) const {
    const auto load = [&](const ChangeToken& token, network::Direction direction,
                          const std::string& name) -> Result<std::unique_ptr<bpf::Loaded>> {
      packet_loss_config config{};
      config.leaving = direction == network::Direction::out;
      config.seed = plan.run.seed + config.leaving;  // the two streams must not be alike
      fill(config, p.loss);
      fill(config.match, p.match, plan.run.spare);
      SQUALL_TRY(auto loaded,
                 machine.bpf().load(token, bpf_image_packet_loss(), {name, bpf::block_of(config)}));
      SQUALL_CHECK(bpf::set(token, machine.bpf(), *loaded, "squall_settings", settings_of(p.loss)));
      return loaded;
    };
    SQUALL_TRY(auto legs, packet::inject(plan, machine, scope, load));
    const std::vector<LossTally> tallies(legs.size(), LossTally{p.loss});
    return Hold{std::move(legs), tallies};
  }

  Result<Verified> verify(const Params& p, const Machine& host, const RunContext& run) const {
    return packet::verify(host, run, where(p));
  }

  Result<> revert(const UndoRecord& undo, Machine& machine, const ChangeToken& token) const {
    return packet::revert(undo, machine, token);
  }

  // Counters are read first: what was expected so far was at the strength before.
  Result<> adjust(const Params& p, Hold& hold, Machine& machine, Scope& scope) const {
    for (std::size_t i = 0; i < hold.legs.size(); ++i) {
      auto& program = *hold.legs[i].program;
      SQUALL_TRY(const auto now, read_loss(machine.bpf(), program));
      SQUALL_CHECK(scope.adjust([&](const ChangeToken& token) {
        return bpf::set(token, machine.bpf(), program, "squall_settings", settings_of(p.loss));
      }));
      hold.tallies[i].change_to(p.loss, now.matched);
    }
    return {};
  }

  void let_go(Hold& hold) const { packet::let_go(hold.legs); }

  Result<Effect> measure(const Params&, const Hold& hold, const Machine& host) const {
    std::vector<packet_loss_counters> counters;
    for (const auto& leg : hold.legs) {
      SQUALL_TRY(const auto now, read_loss(host.bpf(), *leg.program));
      counters.push_back(now);
    }
    return loss_effect(hold.tallies, counters);
  }

  Strays strays(const Machine& host) const { return packet::strays(host, describe().name); }

  Result<std::vector<std::string>> survey(const Params& p, const Machine& host) const {
    return packet::survey(host, p.target);
  }
};

}  // namespace

const Fault& packet_loss_fault();
const Fault& packet_loss_fault() {
  static const Adapt<PacketLoss> fault;
  return fault;
}

}  // namespace squall
