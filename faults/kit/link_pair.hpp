// SPDX-License-Identifier: Apache-2.0
//
// Veth pairs and ifbs of ours, known by name and address, in the namespace that this thread is in.
// Nothing else of the kit makes or deletes an interface.

#pragma once

#include "safety/base/result.hpp"
#include "safety/undo/change.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace squall::link {

using Address = std::array<std::uint8_t, 6>;

struct End {
  std::string name;
  Address address{};
};
struct Device {
  End end;
  int index = 0;
  std::uint64_t sent = 0;     // packets
  std::uint64_t dropped = 0;  // on their way to the other end
};

Result<std::optional<Device>> find_device(const std::string& name);
Result<std::vector<Device>> read_devices();

// Both ends down, without addresses of IP. Super-packets that go into either are cut.
Result<> put_pair(const ChangeToken&, const End& one, const End& other, const std::string& alias);
// Gives back what is redirected to it, to where it came from.
Result<> put_ifb(const ChangeToken&, const End&, const std::string& alias);
Result<> take_up(const ChangeToken&, int ifindex);
Result<> delete_device(const ChangeToken&, int ifindex);

}  // namespace squall::link
