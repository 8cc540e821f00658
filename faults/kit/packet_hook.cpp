// SPDX-License-Identifier: Apache-2.0
//
// Packet faults at their hooks, see packet_hook.hpp.

#include "faults/kit/packet_hook.hpp"

#include "faults/kit/container_target.hpp"
#include "faults/kit/kernel.hpp"
#include "faults/kit/network_record.hpp"
#include "faults/kit/sidecar.hpp"
#include "faults/machine.hpp"

#include <algorithm>
#include <cstdio>

namespace squall::packet {
namespace {

using network::Direction;
using network::Hook;
using network::HookQdisc;
using network::Means;

constexpr const char* kProgram = "program";
constexpr const char* kClsact = "clsact";

std::vector<Direction> directions(const PacketMatch& match) {
  std::vector<Direction> list;
  if (match.outgoing()) list.push_back(Direction::out);
  if (match.incoming()) list.push_back(Direction::in);
  return list;
}

Result<Hook> find_hook(const Machine& host, const Target& target, Direction direction) {
  SQUALL_TRY(const auto netns, host.network().find_namespace(target.netns));
  SQUALL_TRY(const auto link, host.network().find_link(netns, target.interface));
  return Hook{netns, link.index, link.name, direction};
}

UndoRecord record_of(const std::string& fault, const char* what, const Hook& hook) {
  return network::with_namespace({fault, {{"what", what}}}, hook.netns)
      .with("ifindex", std::to_string(hook.ifindex))
      .with("link", hook.link)
      .with("direction", std::string(word(hook.direction)));
}

Result<Hook> hook_of(const UndoRecord& record) {
  Hook hook;
  SQUALL_TRY(hook.netns, network::namespace_of(record));
  SQUALL_TRY(const auto ifindex, record.number("ifindex"));
  SQUALL_TRY(hook.link, record.text("link"));
  SQUALL_TRY(const auto direction, record.text("direction"));
  hook.ifindex = static_cast<int>(ifindex);
  hook.direction = direction == word(Direction::in) ? Direction::in : Direction::out;
  return hook;
}

std::string program_by_hand(const Hook& hook, Means means, const std::string& program) {
  if (means == Means::tcx)
    return "for id in $(bpftool prog show name " + program +
           " | sed -n 's/: sched_cls.*//p'); do bpftool link | sed -n \"s/^\\([0-9]*\\):.* prog "
           "$id "
           ".*/\\1/p\"; done | xargs -n 1 bpftool link detach id";
  const auto number = network::filter_handle(program);
  char handle[16];
  std::snprintf(handle, sizeof handle, "0x%x", number);
  return network::shell_inside(hook.netns) + "tc filter del dev " + hook.link + " " +
         (hook.direction == Direction::in ? "ingress" : "egress") + " priority " +
         std::to_string(network::filter_priority(number)) + " handle " + handle + " bpf";
}

std::string place(const Hook& hook) { return hook.link + network::of_namespace(hook.netns); }

Intent clsact_intent(const std::string& fault, const Hook& hook, const std::string& program) {
  return {"make a clsact qdisc on " + place(hook) + ", beside the qdiscs that are there",
          record_of(fault, kClsact, hook).with("program", program),
          "delete the clsact qdisc, unless others use it by then",
          network::shell_inside(hook.netns) + "tc qdisc del dev " + hook.link + " clsact"};
}

Intent program_intent(const std::string& fault, const Hook& hook, Means means,
                      const std::string& program, const std::string& sentence) {
  return {sentence + (hook.direction == Direction::in ? " entering " : " leaving ") + place(hook),
          record_of(fault, kProgram, hook)
              .with("program", program)
              .with("means", std::string(word(means))),
          "detach the program " + program, program_by_hand(hook, means, program)};
}

// Whether a filter can be put there: into the qdisc that is there, or one of ours.
Result<> clsact_fits(const Hook& hook, HookQdisc qdisc) {
  if (qdisc != HookQdisc::ingress || hook.direction == Direction::in) return {};
  return Error{ErrorKind::foreign,
               "cannot attach to packets leaving " + place(hook) +
                   ": others have an ingress qdisc there, which excludes clsact",
               "use tcx (Linux 6.6 has it), or have their filters moved to a clsact qdisc, which "
               "takes the same ones",
               {},
               0};
}

// Kernel: to make or delete a clsact qdisc the interface's queues are stopped and emptied for some
// milliseconds (qdisc_graft()), which costs everybody packets; a filter in one that is there costs
// nothing, and 0.1 ms where a change at a tcx hook takes 8 to 15. But programs that others have at
// tcx come first, and may keep packets from clsact; what comes back through the hook is seen twice
// by filters before ours; and an ingress qdisc of others is better left alone.
Result<Means> choose(const Machine& host, const Hook& hook, const Where& where,
                     const std::vector<network::Attached>& before) {
  const auto attach = where.attach;
  const bool others_first = std::any_of(before.begin(), before.end(), [&](const auto& each) {
    return !each.ours && (each.means == Means::tcx || where.comes_back);
  });
  SQUALL_TRY(const auto qdisc, host.network().read_hook_qdisc(hook));
  const auto fits = clsact_fits(hook, qdisc);
  if (attach == Attach::clsact && !fits) return fits.error();
  if (attach == Attach::clsact ||
      (attach == Attach::automatic && qdisc == HookQdisc::clsact && !others_first))
    return Means::clsact;
  SQUALL_TRY(const auto means, host.network().probe_means(hook));
  if (attach == Attach::tcx && means != Means::tcx)
    return Error{ErrorKind::unsupported,
                 "cannot attach to '" + hook.link + "' by tcx: this kernel has none (6.6 has)",
                 "leave 'attach' out, or write attach = \"clsact\"",
                 {},
                 0};
  if (means == Means::clsact && !fits) return fits.error();
  return means;
}

Intent stray_intent(const std::string& fault, const Hook& hook, const network::Attached& program) {
  auto intent = program_intent(fault, hook, program.means, program.name,
                               "the program " + program.name + " on the packets");
  return program.made_clsact ? intent.with(kClsact, "ours") : intent;
}

bool made_clsact(const network::Attached& each) { return each.ours && each.made_clsact; }

// Whether a clsact qdisc that is there was made by us, for this fault or another one.
Result<bool> clsact_is_ours(const Machine& host, Hook hook) {
  for (const auto direction : {Direction::in, Direction::out}) {
    hook.direction = direction;
    SQUALL_TRY(const auto programs, host.network().read_hook(hook));
    if (std::any_of(programs.begin(), programs.end(), made_clsact)) return true;
  }
  return false;
}

// A clsact qdisc that is ours is owed by each fault that uses it: the last one deletes it.
Result<bool> put_clsact(const Intent& intent, const Hook& hook, Machine& machine, Scope& scope) {
  SQUALL_TRY(const auto qdisc, machine.network().read_hook_qdisc(hook));
  SQUALL_TRY(const bool ours, clsact_is_ours(machine, hook));
  const bool there = qdisc != HookQdisc::none;
  if (there && !ours) return false;  // others made it since the plan was read
  SQUALL_CHECK(scope.change(intent, [&](const ChangeToken& token) -> Result<> {
    if (there) return {};
    return machine.network().put_clsact(token, hook);
  }));
  return true;
}

// Kernel: TCP hands segments down in bundles (GSO) whatever the interface can do, and the
// outgoing hook sees them before they are cut. Incoming ones come bundled by GRO, or as
// they were sent where the other end is a veth.
void add_notes(Plan& plan, const Hook& hook, const network::Link& link, Means means,
               const Where& where, const std::vector<network::Attached>& before) {
  const auto& match = where.match;
  const bool tcp = match.protocol == PacketProtocol{} || match.protocol == PacketProtocol{6};
  if (!where.comes_back && (tcp || match.invert) &&
      (hook.direction == Direction::out || link.segments_late))
    plan.notes.push_back(
        "TCP" + std::string(hook.direction == Direction::out ? " leaving " : " entering ") +
        place(hook) +
        " is judged by GSO super-packets of several segments each: "
        "losses come in bursts of that length");
  if (!link.up && hook.direction == directions(match).front())
    plan.notes.push_back(place(hook) + " is down");
  if (means == Means::clsact && !before.empty() && !before.front().ours)
    plan.notes.push_back("the filter '" + before.front().name + "' on " + place(hook) +
                         " comes first: a packet that it decides on is not seen" +
                         (where.comes_back ? ", and others it sees twice" : ""));
}

bool may_carry_a_tunnel(const PacketMatch& match) {
  if (match.invert) return true;
  return match.port.empty() && match.source_port.empty() && match.destination_port.empty() &&
         match.protocol != PacketProtocol{6} &&
         match.protocol != PacketProtocol{PacketProtocol::kIcmp};
}

// SSH that comes through a tunnel which ends here is the tunnel's packets on this link.
Result<> note_tunnels(Plan& plan, const Machine& host, const Where& where) {
  if (!plan.run.spare.ssh || !may_carry_a_tunnel(where.match)) return {};
  SQUALL_TRY(const auto netns, host.network().find_namespace(where.target.netns));
  SQUALL_TRY(const auto links, host.network().read_links(netns));
  std::string names;
  for (const auto& each : links)
    if (each.tunnels && each.up && each.name != where.target.interface)
      names += (names.empty() ? "'" : ", '") + each.name + "'";
  if (!names.empty())
    plan.notes.push_back("SSH inside a tunnel cannot be seen and is not spared: there is " + names +
                         network::of_namespace(netns));
  return {};
}

// What plan() chose, for verify(): an interface keeps its index when it is renamed.
std::string target_of(const Hook& hook) { return std::to_string(hook.ifindex); }

struct FoundTarget {
  Hook hook;
  std::string renamed;  // a sentence, or ""
};

// Error (gone): with the sentence that says what became of it.
Result<FoundTarget> find_target(const Machine& host, const RunContext& run, const Target& target) {
  SQUALL_TRY(const auto netns, host.network().find_namespace(target.netns));
  if (run.targets.empty()) {
    SQUALL_TRY(const auto link, host.network().find_link(netns, target.interface));
    return FoundTarget{{netns, link.index, link.name, Direction::out}, ""};
  }
  SQUALL_TRY(const auto links, host.network().read_links(netns));
  for (const auto& link : links) {
    Hook hook{netns, link.index, target.interface, Direction::out};
    if (target_of(hook) != run.targets.front()) continue;
    return FoundTarget{hook, link.name == target.interface ? ""
                                                           : "interface " + place(hook) +
                                                                 " was renamed to '" + link.name +
                                                                 "'"};
  }
  return Error{ErrorKind::gone,
               "interface '" + target.interface + "'" + network::of_namespace(netns) +
                   " is gone: it was deleted, or moved to another namespace",
               {},
               {},
               0};
}

}  // namespace

std::vector<std::string> needs() {
  return {"cap:net_admin", "cap:sys_admin", "bpf:sched_cls", "bpf:tcx or kernel:NET_SCH_INGRESS",
          "bpf:tcx or kernel:NET_CLS_BPF"};
}

Result<Plan> plan(const Machine& host, const RunContext& run, const std::string& fault,
                  const Where& asked, const std::string& sentence) {
  Plan made{run, {}, {}};
  SQUALL_TRY(const auto target, resolve(asked.target, host));
  const Where where{target, asked.match, asked.attach, asked.comes_back};
  SQUALL_CHECK(check_spare(run.spare));
  const auto program = bpf::program_name(run.mark, run.slot);
  bool needs_clsact = true;
  for (const auto direction : directions(where.match)) {
    SQUALL_TRY(const auto hook, find_hook(host, where.target, direction));
    SQUALL_TRY(const auto link, host.network().find_link(hook.netns, hook.link));
    SQUALL_TRY(const auto before, host.network().read_hook(hook));
    SQUALL_TRY(const auto means, choose(host, hook, where, before));
    if (means == Means::clsact && needs_clsact) {
      needs_clsact = false;
      SQUALL_TRY(const auto qdisc, host.network().read_hook_qdisc(hook));
      SQUALL_TRY(const bool ours, clsact_is_ours(host, hook));
      if (qdisc == HookQdisc::none || ours)
        made.intents.push_back(clsact_intent(fault, hook, program));
      if (qdisc == HookQdisc::none)
        made.notes.push_back(
            "making and deleting a clsact qdisc stops " + place(hook) +
            " for some milliseconds each: packets that anybody sends there then "
            "are lost" +
            (where.attach == Attach::clsact ? "" : "; Linux 6.6 and later need none"));
    }
    made.intents.push_back(program_intent(fault, hook, means, program, sentence));
    add_notes(made, hook, link, means, where, before);
    if (direction == directions(where.match).front()) made.run.targets.push_back(target_of(hook));
  }
  SQUALL_CHECK(note_tunnels(made, host, where));
  SQUALL_CHECK(remember_container(made, target.container, host));
  return made;
}

void let_go(std::vector<Leg>& legs) {
  for (auto& leg : legs) leg.program.reset();
}

Result<std::vector<Leg>> inject(const Plan& plan, Machine& machine, Scope& scope, const Load& load,
                                int redirect_to) {
  std::vector<Leg> legs;
  bool ours = false;
  for (const auto& intent : plan.intents) {
    SQUALL_TRY(const auto hook, hook_of(intent.undo));
    SQUALL_TRY(const auto what, intent.undo.text("what"));
    if (what == kClsact) {
      SQUALL_TRY(ours, put_clsact(intent, hook, machine, scope));
      continue;
    }
    SQUALL_TRY(const auto program, intent.undo.text("program"));
    SQUALL_TRY(const auto means, intent.undo.text("means"));
    Leg leg;
    leg.direction = hook.direction;
    SQUALL_CHECK(scope.change(intent, [&](const ChangeToken& token) -> Result<> {
      SQUALL_TRY(leg.program, load(token, hook.direction, program));
      SQUALL_TRY(leg.attachment,
                 machine.network().put_program(
                     token, hook, means == word(Means::tcx) ? Means::tcx : Means::clsact,
                     *leg.program, {ours, redirect_to}));
      return {};
    }));
    legs.push_back(std::move(leg));
  }
  return legs;
}

Result<Verified> verify(const Machine& host, const RunContext& run, const Where& where) {
  const auto program = bpf::program_name(run.mark, run.slot);
  if (auto lost = lost_container(run, host); !lost.empty())
    return Verified{Reading::absent, std::move(lost)};
  const auto named = resolve(where.target, host, run);
  auto target = named ? find_target(host, run, *named) : Result<FoundTarget>(named.error());
  if (!target && target.error().kind == ErrorKind::gone)
    return Verified{Reading::absent, target.error().what};
  if (!target) return std::move(target).error();
  std::size_t found = 0;
  const auto wanted = directions(where.match);
  for (const auto direction : wanted) {
    target->hook.direction = direction;
    const auto programs = host.network().read_hook(target->hook);
    if (!programs && programs.error().kind == ErrorKind::gone) continue;
    if (!programs) return programs.error();
    found += std::any_of(programs->begin(), programs->end(),
                         [&](const auto& each) { return each.ours && each.name == program; });
  }
  const auto reading = found == 0               ? Reading::absent
                       : found == wanted.size() ? Reading::present
                                                : Reading::partial;
  if (!target->renamed.empty()) return Verified{reading, target->renamed};
  if (reading == Reading::present) return reading;
  return Verified{reading, "our program on " + place(target->hook) + " was detached by others"};
}

Result<> revert(const UndoRecord& record, Machine& machine, const ChangeToken& token) {
  SQUALL_TRY(const auto hook, hook_of(record));
  SQUALL_TRY(const auto what, record.text("what"));
  SQUALL_TRY(const auto program, record.text("program"));
  if (what == kClsact) return machine.network().delete_clsact_if_unused(token, hook, program);
  SQUALL_CHECK(machine.network().delete_program_if_ours(token, hook, program));
  // Only strays say this: a journal has a record of its own for the qdisc. It stays until
  // the last of our programs is gone, which may be the other direction's.
  if (!record.find(kClsact)) return {};
  auto deleted = machine.network().delete_clsact_if_unused(token, hook, program);
  if (!deleted && deleted.error().kind != ErrorKind::refused) return deleted;
  return {};
}

Strays strays(const Machine& host, const std::string& fault) {
  Strays all;
  const auto& network = host.network();
  const auto namespaces = network.read_namespaces();
  if (!all.saw(namespaces)) return all;
  for (const auto& netns : *namespaces) {
    const auto links = network.read_links(netns);
    if (!all.saw(links)) continue;
    for (const auto& link : *links) {
      if (sidecar::is_our_name(link.name)) continue;
      for (const auto direction : {Direction::out, Direction::in}) {
        const Hook hook{netns, link.index, link.name, direction};
        const auto programs = network.read_hook(hook);
        if (!all.saw(programs)) continue;
        for (const auto& each : *programs)
          if (each.ours) all.found.push_back(stray_intent(fault, hook, each));
      }
    }
  }
  return all;
}

Result<std::vector<std::string>> survey(const Machine& host, const Target& asked) {
  SQUALL_TRY(const auto target, resolve(asked, host));
  SQUALL_TRY(const auto netns, host.network().find_namespace(target.netns));
  SQUALL_TRY(const auto link, host.network().find_link(netns, target.interface));
  SQUALL_TRY(auto lines, host.network().survey_link(netns, link.index));
  for (auto& line : lines) line = link.name + network::of_namespace(netns) + ": " + line;
  return lines;
}

}  // namespace squall::packet
