// SPDX-License-Identifier: Apache-2.0
//
// Qdiscs and filters of the namespace that this thread is in. Only the clsact qdisc
// and our own filters are ever written.

#pragma once

#include "faults/kit/network.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace squall::tc {

struct Qdisc {
  std::string kind;
  std::uint32_t handle = 0;
  std::uint32_t parent = 0;
  std::uint64_t packets = 0;  // that it has seen
};

struct Filter {
  std::string kind;
  std::uint32_t priority = 0;
  std::uint32_t protocol = 0;
  std::uint32_t handle = 0;
  std::string name;           // of cls_bpf
  std::uint32_t program = 0;  // of cls_bpf
};

Result<std::vector<Qdisc>> read_qdiscs(int ifindex);
Result<network::HookQdisc> read_hook_qdisc(int ifindex);
// Of the clsact or ingress qdisc; none when there is no such qdisc.
Result<std::vector<Filter>> read_filters(int ifindex, network::Direction);
// At most one: the filter at our priority with this handle.
Result<std::vector<Filter>> find_filter(int ifindex, network::Direction, std::uint32_t handle);
Result<std::vector<Filter>> read_filters_at(int ifindex, std::uint32_t parent);

Result<> put_clsact(const ChangeToken&, int ifindex);
Result<> delete_clsact(const ChangeToken&, int ifindex);
Result<> put_filter(const ChangeToken&, int ifindex, network::Direction, int program,
                    const std::string& name, std::uint32_t handle);
Result<> delete_filter(const ChangeToken&, int ifindex, network::Direction, const Filter&);

}  // namespace squall::tc
