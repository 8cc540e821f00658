// SPDX-License-Identifier: Apache-2.0

#include "tests/support/fake_network.hpp"

#include <algorithm>
#include <ostream>

namespace squall::testing {
namespace {

using network::Attached;
using network::Direction;
using network::Means;

Error gone(const std::string& what) { return {ErrorKind::gone, what, {}, {}, 0}; }

class FakeLoaded final : public bpf::Loaded {
 public:
  FakeLoaded(std::shared_ptr<FakeBpf::State> state, int number, std::string name)
      : state_(std::move(state)), number_(number), name_(std::move(name)) {}
  FakeLoaded(const FakeLoaded&) = delete;
  FakeLoaded& operator=(const FakeLoaded&) = delete;
  ~FakeLoaded() override {
    state_->programs.erase(number_);
    std::erase_if(state_->values, [&](const auto& each) { return each.first.first == number_; });
  }
  int program() const override { return number_; }
  const std::string& name() const override { return name_; }

 private:
  std::shared_ptr<FakeBpf::State> state_;
  int number_;
  std::string name_;
};

std::vector<Attached>& side(FakeNetwork::State::Hooks& hooks, Direction direction) {
  return direction == Direction::in ? hooks.in : hooks.out;
}

class FakeLink final : public network::Attachment {
 public:
  FakeLink(std::shared_ptr<FakeNetwork::State> state, network::Hook hook, std::uint32_t program)
      : state_(std::move(state)), hook_(std::move(hook)), program_(program) {}
  FakeLink(const FakeLink&) = delete;
  FakeLink& operator=(const FakeLink&) = delete;
  ~FakeLink() override {
    const auto netns = state_->namespaces.find(hook_.netns.cookie);
    if (netns == state_->namespaces.end()) return;
    const auto hooks = netns->second.hooks.find(hook_.ifindex);
    if (hooks == netns->second.hooks.end()) return;
    std::erase_if(side(hooks->second, hook_.direction),
                  [&](const Attached& each) { return each.program == program_; });
  }

 private:
  std::shared_ptr<FakeNetwork::State> state_;
  network::Hook hook_;
  std::uint32_t program_;
};

}  // namespace

Result<std::unique_ptr<bpf::Loaded>> FakeBpf::load(const ChangeToken&, const bpf::Image& image,
                                                   const bpf::LoadOptions& options) {
  SQUALL_CHECK(gate_.pass("load '" + std::string(image.name) + "'"));
  const int number = next_++;
  state_->programs[number] = options.name;
  return std::unique_ptr<bpf::Loaded>(std::make_unique<FakeLoaded>(state_, number, options.name));
}

Result<> FakeBpf::set_value(const ChangeToken&, bpf::Loaded& loaded, const std::string& map,
                            std::uint32_t key, const bpf::Block& value) {
  SQUALL_CHECK(gate_.pass("set '" + map + "'"));
  auto& blocks = state_->values[{loaded.program(), map}];
  if (blocks.size() <= key) blocks.resize(key + 1);
  blocks[key] = value;
  return {};
}

Result<std::vector<bpf::Block>> FakeBpf::read_values(const bpf::Loaded& loaded,
                                                     const std::string& map,
                                                     std::uint32_t key) const {
  if (const auto set = answers_.find(map); set != answers_.end()) return set->second;
  const auto found = state_->values.find({loaded.program(), map});
  if (found == state_->values.end() || found->second.size() <= key)
    return std::vector<bpf::Block>{};
  return std::vector<bpf::Block>{found->second[key]};
}

FakeNetwork::FakeNetwork(WriteGate& gate) : gate_(gate) {
  add_namespace("", {{"lo", 1, true, false}, {"eth0", 2, true, false}});
}

std::uint64_t FakeNetwork::add_namespace(const std::string& name,
                                         std::vector<network::Link> links) {
  const std::uint64_t cookie = state_->namespaces.size() + 1;
  State::Namespace made{name, std::move(links), {}};
  for (const auto& link : made.links) made.hooks[link.index] = {};
  state_->namespaces[cookie] = std::move(made);
  return cookie;
}

Result<network::NamespaceId> FakeNetwork::find_namespace(const std::string& text) const {
  for (const auto& [cookie, netns] : state_->namespaces)
    if (netns.name == text) return network::NamespaceId{cookie, cookie, text};
  if (const auto place = places_.find(text); place != places_.end())
    return network::NamespaceId{place->second, place->second, text};
  if (text.find_first_not_of("0123456789") == std::string::npos)
    return network::NamespaceId{1, 1, text};
  return gone("there is no network namespace '" + text + "'");
}

Result<Fd> FakeNetwork::hold_namespace(const network::NamespaceId& id) const {
  if (!state_->namespaces.contains(id.cookie))
    return gone("the network namespace '" + id.hint + "' is gone");
  return Fd{};
}

Result<std::vector<network::NamespaceId>> FakeNetwork::read_namespaces() const {
  std::vector<network::NamespaceId> all;
  for (const auto& [cookie, netns] : state_->namespaces)
    all.push_back({cookie, cookie, netns.name});
  return all;
}

Result<std::vector<network::Link>> FakeNetwork::read_links(const network::NamespaceId& id) const {
  const auto netns = state_->namespaces.find(id.cookie);
  if (netns == state_->namespaces.end()) return gone("the namespace '" + id.hint + "' is gone");
  return netns->second.links;
}

Result<network::Link> FakeNetwork::find_link(const network::NamespaceId& id,
                                             const std::string& name) const {
  SQUALL_TRY(const auto links, read_links(id));
  for (const auto& link : links)
    if (link.name == name) return link;
  return gone("there is no interface '" + name + "'");
}

Result<FakeNetwork::State::Hooks*> FakeNetwork::hooks_at(const network::Hook& hook) const {
  const auto netns = state_->namespaces.find(hook.netns.cookie);
  if (netns == state_->namespaces.end())
    return gone("the namespace of '" + hook.link + "' is gone");
  const auto found = netns->second.hooks.find(hook.ifindex);
  if (found == netns->second.hooks.end()) return gone("the interface '" + hook.link + "' is gone");
  return &found->second;
}

Result<network::Means> FakeNetwork::probe_means(const network::Hook& hook) const {
  SQUALL_CHECK(hooks_at(hook));
  return tcx_ ? Means::tcx : Means::clsact;
}

Result<network::HookQdisc> FakeNetwork::read_hook_qdisc(const network::Hook& hook) const {
  SQUALL_TRY(const auto* hooks, hooks_at(hook));
  if (hooks->ingress) return network::HookQdisc::ingress;
  return hooks->clsact ? network::HookQdisc::clsact : network::HookQdisc::none;
}

Result<std::vector<Attached>> FakeNetwork::read_hook(const network::Hook& hook) const {
  SQUALL_TRY(auto* hooks, hooks_at(hook));
  if (barred_ && hook.ifindex == barred_->ifindex.value_or(hook.ifindex)) return barred_->error;
  return side(*hooks, hook.direction);
}

Result<std::vector<std::string>> FakeNetwork::survey_link(const network::NamespaceId& id,
                                                          int ifindex) const {
  SQUALL_TRY(const auto* hooks, hooks_at({id, ifindex, std::to_string(ifindex), Direction::in}));
  std::vector<std::string> lines;
  if (hooks->clsact) lines.emplace_back("qdisc clsact");
  if (hooks->ingress) lines.emplace_back("qdisc ingress");
  for (const auto& each : hooks->in) lines.push_back("in " + each.name);
  for (const auto& each : hooks->out) lines.push_back("out " + each.name);
  return lines;
}

Result<std::unique_ptr<network::Attachment>> FakeNetwork::put_program(
    const ChangeToken&, const network::Hook& hook, Means means, const bpf::Loaded& loaded,
    const network::Filter& filter) {
  SQUALL_TRY(auto* hooks, hooks_at(hook));
  const bool has_filters =
      hooks->clsact || (hooks->ingress && hook.direction == network::Direction::in);
  if (means == Means::clsact && !has_filters) return gone("no clsact on '" + hook.link + "'");
  SQUALL_CHECK(gate_.pass("attach '" + loaded.name() + "' to '" + hook.link + "'"));
  Attached made{loaded.name(), next_++, means, 0, 0, true, filter.made_clsact};
  auto& programs = side(*hooks, hook.direction);
  const auto program = made.program;
  if (means == Means::tcx) {
    programs.insert(programs.begin(), made);
    return std::unique_ptr<network::Attachment>(std::make_unique<FakeLink>(state_, hook, program));
  }
  made.handle = network::filter_handle(loaded.name());
  made.priority = network::filter_priority(made.handle);
  programs.push_back(made);
  return std::make_unique<network::Attachment>();
}

Result<> FakeNetwork::delete_program_if_ours(const ChangeToken&, const network::Hook& hook,
                                             const std::string& program_name) {
  auto hooks = hooks_at(hook);
  if (!hooks) return {};
  auto& programs = side(**hooks, hook.direction);
  const auto ours = [&](const Attached& each) { return each.ours && each.name == program_name; };
  if (std::none_of(programs.begin(), programs.end(), ours)) return {};
  SQUALL_CHECK(gate_.pass("detach '" + program_name + "' from '" + hook.link + "'"));
  std::erase_if(programs, ours);
  return {};
}

Result<> FakeNetwork::put_clsact(const ChangeToken&, const network::Hook& hook) {
  SQUALL_TRY(auto* hooks, hooks_at(hook));
  if (hooks->ingress)
    return Error{ErrorKind::foreign, "an ingress qdisc is on '" + hook.link + "'", {}, {}, 0};
  SQUALL_CHECK(gate_.pass("make clsact on '" + hook.link + "'"));
  hooks->clsact = true;
  return {};
}

Result<> FakeNetwork::delete_clsact_if_unused(const ChangeToken&, const network::Hook& hook,
                                              const std::string& program_name) {
  auto hooks = hooks_at(hook);
  if (!hooks || !(*hooks)->clsact) return {};
  bool used = false;
  for (const auto* programs : {&(*hooks)->in, &(*hooks)->out})
    for (const auto& each : *programs) {
      if (each.means != Means::clsact) continue;
      if (each.ours && each.name == program_name)
        return network::clsact_still_used(hook.link, program_name);
      used = true;
    }
  if (used) return {};
  SQUALL_CHECK(gate_.pass("delete clsact of '" + hook.link + "'"));
  (*hooks)->clsact = false;
  return {};
}

std::ostream& operator<<(std::ostream& out, const FakeBpf::State& state) {
  for (const auto& [number, name] : state.programs) out << "program " << name << "\n";
  return out;
}

std::ostream& operator<<(std::ostream& out, const FakeNetwork::State& state) {
  for (const auto& [cookie, netns] : state.namespaces) {
    out << "namespace '" << netns.name << "'\n";
    for (const auto& link : netns.links) {
      const auto found = netns.hooks.find(link.index);
      out << "  link " << link.name << (link.up ? " up" : " down");
      if (found != netns.hooks.end()) {
        if (found->second.clsact) out << ", clsact";
        if (found->second.ingress) out << ", ingress";
        for (const auto& each : found->second.in) out << ", in " << each.name;
        for (const auto& each : found->second.out) out << ", out " << each.name;
      }
      out << "\n";
    }
  }
  return out;
}

}  // namespace squall::testing
