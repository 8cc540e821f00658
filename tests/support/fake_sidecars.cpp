// SPDX-License-Identifier: Apache-2.0

#include "tests/support/fake_sidecars.hpp"

#include <ostream>

namespace squall::testing {
namespace {

FakeSidecars::Key key_of(const sidecar::Identity& id) { return {id.netns.cookie, id.name}; }

Error gone(const sidecar::Identity& id) {
  return {ErrorKind::gone, "the sidecar '" + id.name + "' is gone", {}, {}, 0};
}

}  // namespace

Result<std::optional<sidecar::State>> FakeSidecars::read(const sidecar::Identity& id) const {
  if (!state_.made.contains(key_of(id))) return std::optional<sidecar::State>{};
  return std::optional<sidecar::State>{answer_};
}

Result<std::vector<sidecar::Identity>> FakeSidecars::find_all(
    const network::NamespaceId& netns) const {
  std::vector<sidecar::Identity> found;
  for (const auto& [key, connected] : state_.made)
    if (key.first == netns.cookie) found.push_back({netns, key.second});
  return found;
}

Result<sidecar::Devices> FakeSidecars::put(const ChangeToken&, const sidecar::Identity& id,
                                           const netem::Settings&, const netem::Tables&) {
  SQUALL_CHECK(gate_.pass("make the sidecar '" + id.name + "'"));
  state_.made[key_of(id)] = "";
  SQUALL_CHECK(gate_.pass("put netem on '" + id.name + "'"));
  return answer_.devices;
}

Result<> FakeSidecars::connect(const ChangeToken&, const sidecar::Identity& id,
                               const bpf::Loaded& program) {
  SQUALL_CHECK(gate_.pass("connect '" + id.name + "'"));
  const auto found = state_.made.find(key_of(id));
  if (found == state_.made.end()) return gone(id);
  found->second = program.name();
  return {};
}

Result<> FakeSidecars::change(const ChangeToken&, const sidecar::Identity& id,
                              const netem::Settings&) {
  SQUALL_CHECK(gate_.pass("change '" + id.name + "'"));
  if (!state_.made.contains(key_of(id))) return gone(id);
  return {};
}

Result<> FakeSidecars::delete_if_ours(const ChangeToken&, const sidecar::Identity& id) {
  if (!state_.made.contains(key_of(id))) return {};
  if (filled_ > 0) {
    --filled_;
    return Error{
        ErrorKind::busy, "5 packets are on their way through '" + id.name + "'", {}, {}, 0};
  }
  SQUALL_CHECK(gate_.pass("delete the sidecar '" + id.name + "'"));
  state_.made.erase(key_of(id));
  return {};
}

std::ostream& operator<<(std::ostream& out, const FakeSidecars::State& state) {
  for (const auto& [key, connected] : state.made)
    out << "sidecar " << key.second << (connected.empty() ? "" : ", " + connected) << "\n";
  return out;
}

}  // namespace squall::testing
