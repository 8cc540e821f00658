// SPDX-License-Identifier: Apache-2.0
//
// A sidecar: a veth pair of ours beside an interface, with the kernel's netem on it. Packets are
// sent into it and come back; the interface's own qdiscs are not touched. See docs/decisions.
//
//   name + "a"   the entrance: cuts super-packets, so that one packet of the wire is one for netem
//   name + "b"   the turn: its root qdisc is netem
//
// Beside a loopback interface the turn alone, an ifb, which gives packets back by itself.
//
// Our marks: the name, "sq", the run's mark, the slot in hex and 'o' or 'i'; and the alias.

#pragma once

#include "faults/kit/bpf.hpp"
#include "faults/kit/netem_qdisc.hpp"
#include "faults/kit/network.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace squall {
namespace sidecar {

inline constexpr std::string_view kAlias = "squall sidecar";

struct Identity {
  network::NamespaceId netns;
  std::string name;
  int loopback = 0;  // ifindex of the loopback interface that it stands beside
  std::string entrance() const { return name + "a"; }
  std::string turn() const { return name + "b"; }
};
std::string name_of(const std::string& mark, unsigned slot, network::Direction);
bool is_our_name(std::string_view device);  // of either end
// What its programs are called, which the name of a device leads to as well.
std::string program_of(std::string_view name);

struct Devices {
  int entrance = 0;  // ifindex; 0 beside a loopback interface
  int turn = 0;
};

struct State {
  Devices devices;
  netem::Counters netem;
  std::uint64_t over_limit = 0;  // packets that found netem full
  std::uint64_t overrun = 0;     // lost between the two ends: the CPU's backlog was full
  bool in_transit = false;       // between the two ends, outside netem
  bool whole = false;            // netem is there, and what leads into it and out of it
};

}  // namespace sidecar

class Sidecars {
 public:
  virtual ~Sidecars() = default;

  // nullopt: there is none of this name that has our mark, or its namespace is gone.
  virtual Result<std::optional<sidecar::State>> read(const sidecar::Identity&) const = 0;
  virtual Result<std::vector<sidecar::Identity>> find_all(const network::NamespaceId&) const = 0;

  virtual Result<sidecar::Devices> put(const ChangeToken&, const sidecar::Identity&,
                                       const netem::Settings&, const netem::Tables&) = 0;
  // The program at both ends, and at the turn the way into netem. Not beside a loopback interface,
  // where the hook itself leads there.
  virtual Result<> connect(const ChangeToken&, const sidecar::Identity&, const bpf::Loaded&) = 0;
  virtual Result<> change(const ChangeToken&, const sidecar::Identity&, const netem::Settings&) = 0;
  // Success when it is not there. Error (busy): packets are inside, which would be lost.
  virtual Result<> delete_if_ours(const ChangeToken&, const sidecar::Identity&) = 0;
};

std::unique_ptr<Sidecars> this_sidecars();

}  // namespace squall
