// SPDX-License-Identifier: Apache-2.0
//
// Sidecars of this host, see sidecar.hpp.

#include "faults/kit/sidecar.hpp"

#include "faults/kit/link_pair.hpp"
#include "faults/kit/netns.hpp"
#include "faults/kit/packet_steering.hpp"
#include "faults/kit/tc.hpp"
#include "faults/kit/tc_redirect.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace squall {
namespace {

using sidecar::Devices;
using sidecar::Identity;
using sidecar::State;

constexpr std::size_t kMarkLength = 6;

std::uint8_t byte_of(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits)
    value = value << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
  return static_cast<std::uint8_t>(value);
}

// Kernel: an alias is not taken when the device is made, an address is; so a device that we died
// over is still known to be ours. Locally administered; 7f:17 as in our handles.
link::End end_of(const std::string& name) {
  const std::string_view mark = std::string_view(name).substr(2, kMarkLength);
  return {name,
          {name.back() == 'a' ? std::uint8_t{0x02} : std::uint8_t{0x06}, 0x7f, 0x17,
           byte_of(mark.substr(0, 2)), byte_of(mark.substr(2, 2)), byte_of(mark.substr(4, 2))}};
}

bool is_ours(const link::Device& device) {
  return sidecar::is_our_name(device.end.name) &&
         device.end.address == end_of(device.end.name).address;
}

Result<std::optional<link::Device>> find_ours(const std::string& name) {
  SQUALL_TRY(auto device, link::find_device(name));
  if (device && !is_ours(*device)) device.reset();
  return device;
}

Result<std::uint64_t> packets_at_hooks(int ifindex) {
  SQUALL_TRY(const auto qdiscs, tc::read_qdiscs(ifindex));
  for (const auto& each : qdiscs)
    if (each.kind == "clsact") return each.packets;
  return std::uint64_t{0};
}

// What left netem or the entrance has arrived when the hooks behind it have counted it.
Result<State> read_here(const link::Device& entrance, const link::Device& turn) {
  State state;
  state.devices = {entrance.index, turn.index};
  SQUALL_TRY(const auto netem, netem::read(turn.index));
  if (netem) state.netem = *netem;
  SQUALL_TRY(const auto way_in, tc::read_filters(turn.index, network::Direction::in));
  SQUALL_TRY(const auto way_out, tc::read_filters(entrance.index, network::Direction::in));
  state.whole = netem && !way_in.empty() && !way_out.empty();
  SQUALL_TRY(state.over_limit, tc::read_redirect_failures(turn.index, 0));
  SQUALL_TRY(const auto arrived, packets_at_hooks(turn.index));
  SQUALL_TRY(const auto returned, packets_at_hooks(entrance.index));
  state.overrun = entrance.dropped + turn.dropped;
  state.in_transit = arrived < entrance.sent || returned + turn.dropped < state.netem.sent;
  return state;
}

Result<State> read_ifb(const Identity& id, const link::Device& turn) {
  State state;
  state.devices.turn = turn.index;
  SQUALL_TRY(const auto netem, netem::read(turn.index));
  if (netem) state.netem = *netem;
  const auto handle = network::filter_handle(sidecar::program_of(id.name));
  SQUALL_TRY(state.over_limit, tc::read_redirect_failures(id.loopback, handle));
  state.whole = netem && id.loopback != 0;
  return state;
}

Result<std::optional<State>> look_here(const Identity& id) {
  SQUALL_TRY(const auto entrance, find_ours(id.entrance()));
  SQUALL_TRY(const auto turn, find_ours(id.turn()));
  if (turn && !entrance) {
    SQUALL_TRY(const auto state, read_ifb(id, *turn));
    return std::optional<State>{state};
  }
  if (!entrance || !turn) return std::optional<State>{};
  SQUALL_TRY(const auto state, read_here(*entrance, *turn));
  return std::optional<State>{state};
}

Error packets_inside(const Identity& id, std::uint32_t count) {
  return {ErrorKind::busy,
          count == 0 ? "packets are on their way through '" + id.name + "'"
                     : std::to_string(count) + (count == 1 ? " packet is" : " packets are") +
                           " on their way through '" + id.name + "'",
          {},
          {},
          0};
}

Error gone(const Identity& id) {
  return {ErrorKind::gone, "the sidecar '" + id.name + "' is gone", {}, {}, 0};
}

Result<> put_devices(const ChangeToken& token, const Identity& id) {
  const std::string alias(sidecar::kAlias);
  if (id.loopback != 0) return link::put_ifb(token, end_of(id.turn()), alias);
  return link::put_pair(token, end_of(id.entrance()), end_of(id.turn()), alias);
}

class ThisSidecars final : public Sidecars {
 public:
  Result<std::optional<State>> read(const Identity& id) const override {
    const auto inside = netns::enter(id.netns);
    if (!inside && inside.error().kind == ErrorKind::gone) return std::optional<State>{};
    if (!inside) return inside.error();
    return look_here(id);
  }

  Result<std::vector<Identity>> find_all(const network::NamespaceId& netns) const override {
    SQUALL_TRY(const auto inside, netns::enter(netns));
    SQUALL_TRY(const auto devices, link::read_devices());
    std::vector<Identity> found;
    for (const auto& each : devices) {
      auto name = each.end.name.substr(0, each.end.name.size() - 1);
      if (is_ours(each) && std::ranges::find(found, name, &Identity::name) == found.end())
        found.push_back({netns, std::move(name)});
    }
    return found;
  }

  Result<Devices> put(const ChangeToken& token, const Identity& id, const netem::Settings& settings,
                      const netem::Tables& tables) override {
    SQUALL_TRY(const auto inside, netns::enter(id.netns));
    SQUALL_CHECK(put_devices(token, id));
    SQUALL_TRY(const auto entrance, find_ours(id.entrance()));
    SQUALL_TRY(const auto turn, find_ours(id.turn()));
    if (!turn || (!entrance && id.loopback == 0)) return gone(id);
    SQUALL_CHECK(netem::put(token, turn->index, settings, tables));
    if (!entrance) {
      SQUALL_CHECK(link::take_up(token, turn->index));
      return Devices{0, turn->index};
    }
    SQUALL_CHECK(link::receive_on_one_cpu(token, entrance->end.name));
    for (const int each : {entrance->index, turn->index}) {
      SQUALL_CHECK(tc::put_clsact(token, each));
      SQUALL_CHECK(link::take_up(token, each));
    }
    return Devices{entrance->index, turn->index};
  }

  Result<> connect(const ChangeToken& token, const Identity& id,
                   const bpf::Loaded& program) override {
    SQUALL_TRY(const auto inside, netns::enter(id.netns));
    SQUALL_TRY(const auto state, look_here(id));
    if (!state) return gone(id);
    const auto& ends = state->devices;
    SQUALL_CHECK(tc::put_redirect(token, ends.turn, program.program(), program.name(),
                                  network::filter_handle(program.name()), ends.turn));
    return tc::put_filter(token, ends.entrance, network::Direction::in, program.program(),
                          program.name(), network::filter_handle(program.name()));
  }

  Result<> change(const ChangeToken& token, const Identity& id,
                  const netem::Settings& settings) override {
    SQUALL_TRY(const auto inside, netns::enter(id.netns));
    SQUALL_TRY(const auto turn, find_ours(id.turn()));
    if (!turn) return gone(id);
    return netem::change(token, turn->index, settings);
  }

  Result<> delete_if_ours(const ChangeToken& token, const Identity& id) override {
    const auto inside = netns::enter(id.netns);
    if (!inside && inside.error().kind == ErrorKind::gone) return {};
    if (!inside) return inside.error();
    SQUALL_CHECK(wait_for_transit(id));
    for (const auto& name : {id.entrance(), id.turn()}) {
      SQUALL_TRY(const auto device, find_ours(name));
      if (device) SQUALL_CHECK(link::delete_device(token, device->index));
    }
    return {};
  }

 private:
  // Between the ends there is nothing but the CPU's backlog of packets: a matter of
  // microseconds, for which there is no event. What is counted wrongly must not keep it for ever.
  static Result<> wait_for_transit(const Identity& id) {
    const auto until = std::chrono::steady_clock::now() + 500ms;
    for (;;) {
      SQUALL_TRY(const auto state, look_here(id));
      if (!state) return {};
      if (state->netem.waiting != 0) return packets_inside(id, state->netem.waiting);
      if (!state->in_transit || std::chrono::steady_clock::now() >= until) return {};
      std::this_thread::sleep_for(1ms);
    }
  }
};

}  // namespace

namespace sidecar {

std::string name_of(const std::string& mark, unsigned slot, network::Direction direction) {
  const auto program = bpf::program_name(mark, slot);  // squall_<mark><slot>
  return "sq" + program.substr(program.size() - kMarkLength - 2) +
         (direction == network::Direction::out ? "o" : "i");
}

std::string program_of(std::string_view name) {
  return "squall_" + std::string(name.substr(2, kMarkLength + 2));
}

bool is_our_name(std::string_view device) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return device.size() == 2 + kMarkLength + 4 && device.starts_with("sq") &&
         device.find_first_not_of(kDigits, 2) == device.size() - 2 &&
         (device[10] == 'o' || device[10] == 'i') && (device[11] == 'a' || device[11] == 'b');
}

}  // namespace sidecar

std::unique_ptr<Sidecars> this_sidecars() { return std::make_unique<ThisSidecars>(); }

}  // namespace squall
