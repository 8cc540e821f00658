// SPDX-License-Identifier: Apache-2.0
//
// Our marks at packet hooks, see network.hpp.

#include "faults/kit/network.hpp"

#include <cctype>

namespace squall {
namespace {

constexpr std::string_view kPrefix = "squall_";
constexpr std::size_t kNameLength = 15;  // Kernel: BPF_OBJ_NAME_LEN is 16 with the final zero

}  // namespace

namespace bpf {

std::string program_name(const std::string& mark, unsigned slot) {
  constexpr char digits[] = "0123456789abcdef";
  auto name = std::string(kPrefix) + mark;
  name.resize(kNameLength - 2, '0');
  name += digits[slot >> 4 & 0xf];
  name += digits[slot & 0xf];
  return name;
}

bool is_our_name(std::string_view name) {
  return name.size() == kNameLength && name.starts_with(kPrefix);
}

}  // namespace bpf

namespace network {

// The slot in the lowest byte keeps the faults of one run apart; the mark, folded
// into the byte above, keeps what an earlier run left from standing in the way.
std::uint32_t filter_handle(std::string_view program_name) {
  std::uint32_t mark = 0, slot = 0;
  for (std::size_t i = kPrefix.size(); i < program_name.size(); ++i) {
    const auto c = static_cast<unsigned char>(program_name[i]);
    const auto digit = static_cast<std::uint32_t>(std::isdigit(c) ? c - '0' : (c - 'a' + 10) & 0xf);
    if (i < kNameLength - 2)
      mark = mark * 31 + digit;
    else
      slot = slot << 4 | digit;
  }
  return std::uint32_t{kFilterPriority} << 16 | (mark & 0xff) << 8 | (slot & 0xff);
}

std::uint32_t filter_priority(std::uint32_t handle) { return kFilterPriority + (handle & 0xff); }

Error clsact_still_used(const std::string& link, const std::string& program_name) {
  return {ErrorKind::refused,
          "cannot delete the clsact qdisc of '" + link + "': our filter '" + program_name +
              "' is still there",
          {},
          {},
          0};
}

std::string of_namespace(const NamespaceId& netns) {
  return netns.hint.empty() ? "" : " of namespace '" + netns.hint + "'";
}

}  // namespace network
}  // namespace squall
