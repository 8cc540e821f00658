// SPDX-License-Identifier: Apache-2.0
//
// Network namespaces, links, and the hooks of a link where a packet program can be
// attached. A hook is shared with others: we add and remove only what is ours, and
// pass on what we do not drop, so that several faults and foreign filters compose.
//
// Our marks, fixed here and nowhere else:
//   program     squall_<mark><slot>, 15 characters: run's mark, slot in hex
//   tcx         first in the hook's list, by slot; see docs/decisions/0015 for where it is used
//   filter      priority 0x7f17 (32535) plus the slot; handle 0x7f17 in the upper half, mark and
//               slot in the lower; its name is the program's, with "+clsact" when the clsact
//               qdisc is ours as well

#pragma once

#include "faults/kit/bpf.hpp"
#include "safety/base/fd.hpp"
#include "safety/base/result.hpp"
#include "safety/base/schema.hpp"
#include "safety/undo/change.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace squall {
namespace network {

enum class Direction { in, out };
enum class Means { tcx, clsact };  // how a program is attached
// Which qdisc has the hooks of a link. Kernel: there is one place for either; an ingress qdisc
// takes filters for incoming packets only, and those as clsact does.
enum class HookQdisc { none, clsact, ingress };

inline constexpr std::uint16_t kFilterPriority = 0x7f17;
inline constexpr std::string_view kMadeClsact = "+clsact";
// From the name of the program, so that the name alone is the identity.
std::uint32_t filter_handle(std::string_view program_name);
// Kernel: of one priority, the newest filter sees a packet first. Ours see it in the order of the
// scenario.
std::uint32_t filter_priority(std::uint32_t handle);
Error clsact_still_used(const std::string& link, const std::string& program_name);

// A network namespace as an object, however it was found.
struct NamespaceId {
  // Kernel: the cookie (SO_NETNS_COOKIE) is not reused while the machine is up; inode numbers are.
  std::uint64_t cookie = 0;
  std::uint64_t inode = 0;
  std::string hint;  // how it was found: "" (our own), a name in /run/netns, a pid, or a path
  bool operator==(const NamespaceId& other) const { return cookie == other.cookie; }
};

// " of namespace 'gw'", or "" for our own.
std::string of_namespace(const NamespaceId& netns);

struct Link {
  std::string name;
  int index = 0;
  bool up = false;
  bool segments_late = false;  // TSO, GSO or GRO: the hook sees super-packets
  bool tunnels = false;        // its packets travel inside others, on another link
  bool bare = false;           // packets have no link header
  bool loopback = false;
  bool operator==(const Link&) const = default;
};

struct Hook {
  NamespaceId netns;
  int ifindex = 0;
  std::string link;  // name, for messages only
  Direction direction = Direction::out;
};

// One program at a hook, ours or of others.
struct Attached {
  std::string name;  // of the program; for other kinds of filters their kind
  std::uint32_t program = 0;
  Means means = Means::tcx;
  std::uint32_t priority = 0;
  std::uint32_t handle = 0;
  bool ours = false;
  bool made_clsact = false;  // it says that the clsact qdisc is ours as well
  bool operator==(const Attached&) const = default;
};

// What a filter is beside its program.
struct Filter {
  bool made_clsact = false;  // the clsact qdisc is ours as well
  // Of an incoming hook: ifindex to whose queue packets go for which the program says -1, by the
  // action mirred. 0: the program decides all by itself.
  int redirect_to = 0;
};

// What must live while the program is attached: by tcx, closing it detaches.
class Attachment {
 public:
  virtual ~Attachment() = default;
};

}  // namespace network

class Network {
 public:
  virtual ~Network() = default;

  // By name in /run/netns, pid, path, or "" for our own.
  virtual Result<network::NamespaceId> find_namespace(const std::string& text) const = 0;
  // While the descriptor is open it stays, and this process can reach it. Error (gone).
  virtual Result<Fd> hold_namespace(const network::NamespaceId&) const = 0;
  // Each one that can be reached: own, named, mounted, and those of processes.
  virtual Result<std::vector<network::NamespaceId>> read_namespaces() const = 0;
  // Error (gone): no such link, with "did you mean" over those that exist.
  virtual Result<network::Link> find_link(const network::NamespaceId&,
                                          const std::string& name) const = 0;
  virtual Result<std::vector<network::Link>> read_links(const network::NamespaceId&) const = 0;
  // See link::takes_metadata().
  virtual Result<bool> takes_metadata(const network::NamespaceId&, int ifindex) const = 0;
  // The best that this kernel has: tcx, else clsact.
  virtual Result<network::Means> probe_means(const network::Hook&) const = 0;
  virtual Result<network::HookQdisc> read_hook_qdisc(const network::Hook&) const = 0;
  // In the order in which they see a packet.
  virtual Result<std::vector<network::Attached>> read_hook(const network::Hook&) const = 0;
  // Qdiscs, filters and programs of a link as lines that compare; no counters.
  virtual Result<std::vector<std::string>> survey_link(const network::NamespaceId&,
                                                       int ifindex) const = 0;

  virtual Result<std::unique_ptr<network::Attachment>> put_program(const ChangeToken&,
                                                                   const network::Hook&,
                                                                   network::Means,
                                                                   const bpf::Loaded&,
                                                                   const network::Filter&) = 0;
  // Success when it is not there; whatever has another name is left alone.
  virtual Result<> delete_program_if_ours(const ChangeToken&, const network::Hook&,
                                          const std::string& program_name) = 0;
  virtual Result<> put_clsact(const ChangeToken&, const network::Hook&) = 0;
  // Success also when filters of others remain: then it stays. Error: a filter of the program
  // for which it was made does, whose deletion failed; so the qdisc stays owed as well.
  virtual Result<> delete_clsact_if_unused(const ChangeToken&, const network::Hook&,
                                           const std::string& program_name) = 0;
};

std::unique_ptr<Network> this_network();

template <>
struct Words<network::Direction> {
  static constexpr std::pair<network::Direction, std::string_view> list[] = {
      {network::Direction::in, "in"}, {network::Direction::out, "out"}};
};
template <>
struct Words<network::Means> {
  static constexpr std::pair<network::Means, std::string_view> list[] = {
      {network::Means::tcx, "tcx"}, {network::Means::clsact, "clsact"}};
};

}  // namespace squall
