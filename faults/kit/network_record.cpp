// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/network_record.hpp"

namespace squall::network {

UndoRecord with_namespace(UndoRecord record, const NamespaceId& netns) {
  return std::move(record)
      .with("cookie", std::to_string(netns.cookie))
      .with("inode", std::to_string(netns.inode))
      .with("namespace", netns.hint);
}

Result<NamespaceId> namespace_of(const UndoRecord& record) {
  SQUALL_TRY(const auto cookie, record.number("cookie"));
  SQUALL_TRY(const auto inode, record.number("inode"));
  NamespaceId netns;
  SQUALL_TRY(netns.hint, record.text("namespace"));
  netns.cookie = static_cast<std::uint64_t>(cookie);
  netns.inode = static_cast<std::uint64_t>(inode);
  return netns;
}

std::string shell_inside(const NamespaceId& netns) {
  const auto& hint = netns.hint;
  if (hint.empty()) return "";
  if (hint.front() == '/') return "nsenter --net=" + hint + " ";
  if (hint.find_first_not_of("0123456789") == std::string::npos)
    return "nsenter --net --target " + hint + " ";
  return "ip netns exec " + hint + " ";
}

}  // namespace squall::network
