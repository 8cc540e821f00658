// SPDX-License-Identifier: Apache-2.0
//
// Sidecars of the fake machine. Made of three steps, as the kernel's are, so that a program can
// die between them.

#pragma once

#include "faults/kit/sidecar.hpp"
#include "tests/support/write_gate.hpp"

#include <iosfwd>
#include <map>
#include <string>
#include <utility>

namespace squall::testing {

class FakeSidecars final : public Sidecars {
 public:
  using Key = std::pair<std::uint64_t, std::string>;  // cookie of the namespace, name
  struct State {
    std::map<Key, std::string> made;  // to what was connected, or ""
    bool operator==(const State&) const = default;
  };
  explicit FakeSidecars(WriteGate& gate) : gate_(gate) {}

  const State& state() const { return state_; }
  State& edit() { return state_; }
  // What every look at one that is there shows.
  void answer(sidecar::State state) { answer_ = state; }
  // So many attempts to delete meet packets inside.
  void fill(int attempts) { filled_ = attempts; }

  Result<std::optional<sidecar::State>> read(const sidecar::Identity&) const override;
  Result<std::vector<sidecar::Identity>> find_all(const network::NamespaceId&) const override;
  Result<sidecar::Devices> put(const ChangeToken&, const sidecar::Identity&, const netem::Settings&,
                               const netem::Tables&) override;
  Result<> connect(const ChangeToken&, const sidecar::Identity&, const bpf::Loaded&) override;
  Result<> change(const ChangeToken&, const sidecar::Identity&, const netem::Settings&) override;
  Result<> delete_if_ours(const ChangeToken&, const sidecar::Identity&) override;

 private:
  WriteGate& gate_;
  State state_;
  sidecar::State answer_{{11, 12}, {}, 0, 0, false, true};
  int filled_ = 0;
};

std::ostream& operator<<(std::ostream&, const FakeSidecars::State&);

}  // namespace squall::testing
