// SPDX-License-Identifier: Apache-2.0
//
// The network of this host. Each function enters the namespace, asks or acts on the
// link by its index, and comes back.

#include "faults/kit/network.hpp"

#include "faults/kit/link.hpp"
#include "faults/kit/link_kind.hpp"
#include "faults/kit/netns.hpp"
#include "faults/kit/tc.hpp"
#include "faults/kit/tc_redirect.hpp"
#include "faults/kit/tcx.hpp"

#include <algorithm>
#include <cstdio>
#include <linux/pkt_sched.h>

namespace squall {
namespace {

using network::Attached;
using network::Direction;
using network::Hook;
using network::Means;
using network::NamespaceId;

class TcxLink final : public network::Attachment {
 public:
  explicit TcxLink(Fd link) : link_(std::move(link)) {}

 private:
  Fd link_;  // closing it detaches the program
};

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

std::string handle_text(std::uint32_t handle) {
  char text[16];
  std::snprintf(text, sizeof text, "%x:%x", handle >> 16, handle & 0xffff);
  return text;
}

// A filter of ours is named after its program, which must have our name as well. An error
// is one of looking: it must not pass for a filter of others.
Result<Attached> attached_of(const tc::Filter& filter) {
  const auto bare = filter.name.substr(0, filter.name.find(network::kMadeClsact));
  bool ours = filter.kind == "bpf" && bpf::is_our_name(bare) &&
              filter.handle == network::filter_handle(bare) &&
              filter.priority == network::filter_priority(filter.handle);
  if (ours) {
    const auto name = tcx::read_program_name(filter.program);
    if (!name && name.error().kind != ErrorKind::gone) return name.error();
    ours = name && *name == bare;
  }
  return Attached{ours ? bare : (filter.name.empty() ? filter.kind : filter.name),
                  filter.program,
                  Means::clsact,
                  filter.priority,
                  filter.handle,
                  ours,
                  ours && bare != filter.name};
}

Result<std::vector<tcx::Entry>> read_tcx(int ifindex, Direction direction) {
  auto entries = tcx::read(ifindex, direction);
  if (!entries && entries.error().kind == ErrorKind::unsupported) return std::vector<tcx::Entry>{};
  return entries;
}

Result<std::vector<Attached>> read_hook_here(int ifindex, Direction direction) {
  std::vector<Attached> all;
  SQUALL_TRY(const auto entries, read_tcx(ifindex, direction));
  for (const auto& each : entries)
    all.push_back(
        {each.name, each.program, Means::tcx, 0, each.link, bpf::is_our_name(each.name), false});
  // Kernel: a dump goes through the filters in the order of their priorities.
  SQUALL_TRY(const auto filters, tc::read_filters(ifindex, direction));
  for (const auto& each : filters) {
    SQUALL_TRY(auto attached, attached_of(each));
    all.push_back(std::move(attached));
  }
  return all;
}

Result<std::vector<std::string>> survey_here(int ifindex) {
  std::vector<std::string> lines;
  SQUALL_TRY(const auto qdiscs, tc::read_qdiscs(ifindex));
  for (const auto& each : qdiscs) {
    lines.push_back("qdisc " + each.kind + " " + handle_text(each.handle) + " parent " +
                    handle_text(each.parent));
    if (each.parent == TC_H_CLSACT || each.parent == TC_H_INGRESS) continue;
    SQUALL_TRY(const auto filters, tc::read_filters_at(ifindex, each.handle));
    for (const auto& filter : filters)
      lines.push_back("filter " + filter.kind + " of " + handle_text(each.handle) + " priority " +
                      std::to_string(filter.priority) + " handle " + hex(filter.handle));
  }
  for (const auto direction : {Direction::in, Direction::out}) {
    SQUALL_TRY(const auto programs, read_hook_here(ifindex, direction));
    for (const auto& each : programs)
      lines.push_back(std::string(word(direction)) + " " + std::string(word(each.means)) + " " +
                      each.name + " program " + std::to_string(each.program) + " priority " +
                      std::to_string(each.priority) + " handle " + hex(each.handle) +
                      (each.ours ? " (squall)" : ""));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

// Ours see a packet in the order of the scenario, before those of others: the number of the last
// one with an earlier slot, or 0.
std::uint32_t behind_which(const std::vector<tcx::Entry>& entries, const std::string& name) {
  std::uint32_t last = 0;
  const auto slot = network::filter_handle(name) & 0xff;
  for (const auto& each : entries)
    if (bpf::is_our_name(each.name) && (network::filter_handle(each.name) & 0xff) < slot)
      last = each.program;
  return last;
}

class ThisNetwork final : public Network {
 public:
  Result<NamespaceId> find_namespace(const std::string& text) const override {
    return netns::find(text);
  }
  Result<Fd> hold_namespace(const NamespaceId& id) const override { return netns::open(id); }
  Result<std::vector<NamespaceId>> read_namespaces() const override { return netns::find_all(); }

  Result<network::Link> find_link(const NamespaceId& id, const std::string& name) const override {
    SQUALL_TRY(const auto inside, netns::enter(id));
    return link::find(name, id);
  }
  Result<std::vector<network::Link>> read_links(const NamespaceId& id) const override {
    SQUALL_TRY(const auto inside, netns::enter(id));
    return link::read_all();
  }

  Result<bool> takes_metadata(const NamespaceId& id, int ifindex) const override {
    SQUALL_TRY(const auto inside, netns::enter(id));
    return link::takes_metadata(ifindex);
  }

  Result<Means> probe_means(const Hook& hook) const override {
    SQUALL_TRY(const auto inside, netns::enter(hook.netns));
    const auto entries = tcx::read(hook.ifindex, hook.direction);
    if (entries) return Means::tcx;
    if (entries.error().kind == ErrorKind::unsupported) return Means::clsact;
    return entries.error();
  }
  Result<network::HookQdisc> read_hook_qdisc(const Hook& hook) const override {
    SQUALL_TRY(const auto inside, netns::enter(hook.netns));
    return tc::read_hook_qdisc(hook.ifindex);
  }
  Result<std::vector<Attached>> read_hook(const Hook& hook) const override {
    SQUALL_TRY(const auto inside, netns::enter(hook.netns));
    return read_hook_here(hook.ifindex, hook.direction);
  }
  Result<std::vector<std::string>> survey_link(const NamespaceId& id, int ifindex) const override {
    SQUALL_TRY(const auto inside, netns::enter(id));
    return survey_here(ifindex);
  }

  Result<std::unique_ptr<network::Attachment>> put_program(const ChangeToken& token,
                                                           const Hook& hook, Means means,
                                                           const bpf::Loaded& loaded,
                                                           const network::Filter& filter) override {
    SQUALL_TRY(const auto inside, netns::enter(hook.netns));
    if (means == Means::tcx) {
      SQUALL_TRY(const auto entries, read_tcx(hook.ifindex, hook.direction));
      SQUALL_TRY(auto link, tcx::put(token, hook.ifindex, hook.direction, loaded.program(),
                                     behind_which(entries, loaded.name())));
      return std::unique_ptr<network::Attachment>(std::make_unique<TcxLink>(std::move(link)));
    }
    // Kernel: an ingress qdisc would take it, and show it the other direction's packets.
    SQUALL_TRY(const auto qdisc, tc::read_hook_qdisc(hook.ifindex));
    if (qdisc == network::HookQdisc::ingress && hook.direction == Direction::out)
      return Error{ErrorKind::foreign,
                   "others have put an ingress qdisc on '" + hook.link + "' meanwhile",
                   {},
                   {},
                   0};
    const auto name = loaded.name() + (filter.made_clsact ? std::string(network::kMadeClsact) : "");
    const auto handle = network::filter_handle(loaded.name());
    SQUALL_CHECK(filter.redirect_to != 0 ? tc::put_redirect(token, hook.ifindex, loaded.program(),
                                                            name, handle, filter.redirect_to)
                                         : tc::put_filter(token, hook.ifindex, hook.direction,
                                                          loaded.program(), name, handle));
    return std::make_unique<network::Attachment>();
  }

  Result<> delete_program_if_ours(const ChangeToken& token, const Hook& hook,
                                  const std::string& program_name) override {
    const auto inside = netns::enter(hook.netns);
    if (!inside) return gone_is_fine(inside.error());
    const auto filters =
        tc::find_filter(hook.ifindex, hook.direction, network::filter_handle(program_name));
    if (!filters) return gone_is_fine(filters.error());
    for (const auto& each : *filters) {
      SQUALL_TRY(const auto found, attached_of(each));
      if (found.ours && found.name == program_name)
        return tc::delete_filter(token, hook.ifindex, hook.direction, each);
    }
    SQUALL_TRY(const auto entries, existing_tcx(hook));
    for (const auto& each : entries)
      if (each.name == program_name) SQUALL_CHECK(tcx::delete_link(token, each.link));
    return {};
  }

  Result<> put_clsact(const ChangeToken& token, const Hook& hook) override {
    SQUALL_TRY(const auto inside, netns::enter(hook.netns));
    return tc::put_clsact(token, hook.ifindex);
  }

  Result<> delete_clsact_if_unused(const ChangeToken& token, const Hook& hook,
                                   const std::string& program_name) override {
    const auto inside = netns::enter(hook.netns);
    if (!inside) return gone_is_fine(inside.error());
    bool used = false;
    for (const auto direction : {Direction::in, Direction::out}) {
      const auto filters = tc::read_filters(hook.ifindex, direction);
      if (!filters) return gone_is_fine(filters.error());
      for (const auto& each : *filters) {
        used = true;
        if (!each.name.starts_with(program_name)) continue;
        SQUALL_TRY(const auto found, attached_of(each));
        if (found.ours) return network::clsact_still_used(hook.link, program_name);
      }
    }
    if (used) return {};
    return tc::delete_clsact(token, hook.ifindex);
  }

 private:
  static Result<> gone_is_fine(const Error& error) {
    if (error.kind == ErrorKind::gone) return {};
    return error;
  }
  static Result<std::vector<tcx::Entry>> existing_tcx(const Hook& hook) {
    auto entries = read_tcx(hook.ifindex, hook.direction);
    if (!entries && entries.error().kind == ErrorKind::gone) return std::vector<tcx::Entry>{};
    return entries;
  }
};

}  // namespace

std::unique_ptr<Network> this_network() { return std::make_unique<ThisNetwork>(); }

}  // namespace squall
