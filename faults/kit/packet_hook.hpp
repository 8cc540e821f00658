// SPDX-License-Identifier: Apache-2.0
//
// What every packet fault does at its hooks: choose them in the plan, attach, look,
// detach from a record alone, find strays. A record of kind "program" is one program
// at one hook; one of kind "clsact" is the qdisc that we had to make first.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/network.hpp"
#include "faults/kit/packet_match.hpp"
#include "faults/kit/packet_target.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace squall::packet {

// For the fault's spec: what each way to attach takes.
std::vector<std::string> needs();

// How programs are attached. automatic: clsact, unless others have programs at tcx or an
// ingress qdisc, or the kernel lacks what clsact takes.
enum class Attach { automatic, tcx, clsact };

struct Where {
  const Target& target;
  const PacketMatch& match;
  Attach attach = Attach::automatic;
  bool comes_back = false;  // packets leave the hook for a sidecar, and pass it again afterwards
};

// "drop 5% of all packets leaving eth0 of namespace 'gw'" from "drop 5% of all packets".
Result<Plan> plan(const Machine&, const RunContext&, const std::string& fault, const Where&,
                  const std::string& sentence);

struct Leg {
  network::Direction direction = network::Direction::out;
  std::unique_ptr<bpf::Loaded> program;
  std::unique_ptr<network::Attachment> attachment;  // released before the program
};

// Loads and prepares the program of one hook; called once its record is durable.
using Load = std::function<Result<std::unique_ptr<bpf::Loaded>>(
    const ChangeToken&, network::Direction, const std::string& program_name)>;
// redirect_to: see network::Filter; of every hook.
Result<std::vector<Leg>> inject(const Plan&, Machine&, Scope&, const Load&, int redirect_to = 0);

// Every packet passes from now on, see bpf/packet_armed.h; the undo follows.
void let_go(std::vector<Leg>&);

Result<Verified> verify(const Machine&, const RunContext&, const Where&);
Result<> revert(const UndoRecord&, Machine&, const ChangeToken&);
Strays strays(const Machine&, const std::string& fault);
Result<std::vector<std::string>> survey(const Machine&, const Target&);

}  // namespace squall::packet

namespace squall {
template <>
struct Words<packet::Attach> {
  static constexpr std::pair<packet::Attach, std::string_view> list[] = {
      {packet::Attach::automatic, "automatic"},
      {packet::Attach::tcx, "tcx"},
      {packet::Attach::clsact, "clsact"}};
};
}  // namespace squall
