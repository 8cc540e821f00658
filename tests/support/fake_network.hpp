// SPDX-License-Identifier: Apache-2.0
//
// Networks and BPF of the fake machine: state that compares and prints. Every write
// passes the gate. What the kernel would undo by itself when a process dies (a tcx
// link, a loaded program) goes when its owner object is destroyed.

#pragma once

#include "faults/kit/network.hpp"
#include "tests/support/write_gate.hpp"

#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace squall::testing {

class FakeBpf final : public Bpf {
 public:
  struct State {
    std::map<int, std::string> programs;  // descriptor, name
    std::map<std::pair<int, std::string>, std::vector<bpf::Block>> values;
    bool operator==(const State&) const = default;
  };
  explicit FakeBpf(WriteGate& gate) : gate_(gate) {}

  const State& state() const { return *state_; }
  // What every loaded program's map answers from now on, for checks of effects.
  void answer(const std::string& map, std::vector<bpf::Block> blocks) {
    answers_[map] = std::move(blocks);
  }

  Result<std::unique_ptr<bpf::Loaded>> load(const ChangeToken&, const bpf::Image&,
                                            const bpf::LoadOptions&) override;
  Result<> set_value(const ChangeToken&, bpf::Loaded&, const std::string& map, std::uint32_t key,
                     const bpf::Block& value) override;
  Result<std::vector<bpf::Block>> read_values(const bpf::Loaded&, const std::string& map,
                                              std::uint32_t key) const override;

 private:
  WriteGate& gate_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::map<std::string, std::vector<bpf::Block>> answers_;
  int next_ = 100;
};

class FakeNetwork final : public Network {
 public:
  struct State {
    struct Hooks {
      bool clsact = false;
      bool ingress = false;  // others have a qdisc of this kind
      std::vector<network::Attached> in, out;
      bool operator==(const Hooks&) const = default;
    };
    struct Namespace {
      std::string name;  // "" is our own
      std::vector<network::Link> links;
      std::map<int, Hooks> hooks;  // by ifindex
      bool operator==(const Namespace&) const = default;
    };
    std::map<std::uint64_t, Namespace> namespaces;  // by cookie
    bool operator==(const State&) const = default;
  };

  // One namespace, our own, with lo and eth0.
  explicit FakeNetwork(WriteGate& gate);

  const State& state() const { return *state_; }
  State& edit() { return *state_; }  // what others do to the machine
  void has_tcx(bool yes) { tcx_ = yes; }
  // What each look at a hook ends with from now on, or at those of one interface.
  void bar(Error error, std::optional<int> ifindex = {}) {
    barred_ = Barred{std::move(error), ifindex};
  }
  std::uint64_t add_namespace(const std::string& name, std::vector<network::Link> links);
  // The process is in that namespace; those of which nothing is said are in our own.
  void put_process(pid_t pid, std::uint64_t cookie) { places_[std::to_string(pid)] = cookie; }

  Result<network::NamespaceId> find_namespace(const std::string& text) const override;
  Result<Fd> hold_namespace(const network::NamespaceId&) const override;
  Result<std::vector<network::NamespaceId>> read_namespaces() const override;
  Result<network::Link> find_link(const network::NamespaceId&,
                                  const std::string& name) const override;
  Result<std::vector<network::Link>> read_links(const network::NamespaceId&) const override;
  Result<bool> takes_metadata(const network::NamespaceId&, int) const override { return false; }
  Result<network::Means> probe_means(const network::Hook&) const override;
  Result<network::HookQdisc> read_hook_qdisc(const network::Hook&) const override;
  Result<std::vector<network::Attached>> read_hook(const network::Hook&) const override;
  Result<std::vector<std::string>> survey_link(const network::NamespaceId&,
                                               int ifindex) const override;

  Result<std::unique_ptr<network::Attachment>> put_program(const ChangeToken&, const network::Hook&,
                                                           network::Means, const bpf::Loaded&,
                                                           const network::Filter&) override;
  Result<> delete_program_if_ours(const ChangeToken&, const network::Hook&,
                                  const std::string& program_name) override;
  Result<> put_clsact(const ChangeToken&, const network::Hook&) override;
  Result<> delete_clsact_if_unused(const ChangeToken&, const network::Hook&,
                                   const std::string& program_name) override;

 private:
  Result<State::Hooks*> hooks_at(const network::Hook&) const;

  WriteGate& gate_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::map<std::string, std::uint64_t> places_;
  bool tcx_ = true;
  struct Barred {
    Error error;
    std::optional<int> ifindex;
  };
  std::optional<Barred> barred_;
  std::uint32_t next_ = 1;
};

std::ostream& operator<<(std::ostream&, const FakeBpf::State&);
std::ostream& operator<<(std::ostream&, const FakeNetwork::State&);

}  // namespace squall::testing
