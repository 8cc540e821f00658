// SPDX-License-Identifier: Apache-2.0
//
// tcx by plain bpf(2): older libraries and headers do not know it yet.

#include "faults/kit/tcx.hpp"

#include <cerrno>
#include <cstring>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace squall::tcx {
namespace {

// Kernel: include/uapi/linux/bpf.h since 6.6.
constexpr std::uint32_t kIngress = 46;
constexpr std::uint32_t kEgress = 47;
constexpr std::uint32_t kBefore = 1U << 3;  // without an anchor: at the head of the list
constexpr std::uint32_t kAfter = 1U << 4;
constexpr std::uint32_t kAnchorIsNumber = 1U << 5;

struct LinkCreate {
  std::uint32_t program;
  std::uint32_t ifindex;
  std::uint32_t attach_type;
  std::uint32_t flags;
  std::uint32_t anchor;
  std::uint32_t pad;
  std::uint64_t expected_revision;
};

struct Query {
  std::uint32_t ifindex;
  std::uint32_t attach_type;
  std::uint32_t query_flags;
  std::uint32_t attach_flags;
  std::uint64_t programs;
  std::uint32_t count;
  std::uint32_t pad;
  std::uint64_t program_flags;
  std::uint64_t links;
  std::uint64_t link_flags;
  std::uint64_t revision;
};

template <class T>
int call(int command, T& request) {
  return static_cast<int>(::syscall(SYS_bpf, command, &request, sizeof request));
}

std::uint32_t attach_type(network::Direction direction) {
  return direction == network::Direction::in ? kIngress : kEgress;
}

Fd open_by_id(int command, std::uint32_t id) {
  bpf_attr request;
  std::memset(&request, 0, sizeof request);
  request.prog_id = id;  // the same place for programs and links
  return Fd(call(command, request));
}

}  // namespace

Result<std::string> read_program_name(std::uint32_t program) {
  const auto opened = open_by_id(BPF_PROG_GET_FD_BY_ID, program);
  if (!opened) return sys_error("look at the BPF program " + std::to_string(program));
  bpf_prog_info info;
  std::memset(&info, 0, sizeof info);
  bpf_attr request;
  std::memset(&request, 0, sizeof request);
  request.info.bpf_fd = static_cast<std::uint32_t>(opened.get());
  request.info.info_len = sizeof info;
  request.info.info = reinterpret_cast<std::uintptr_t>(&info);
  if (call(BPF_OBJ_GET_INFO_BY_FD, request) != 0)
    return sys_error("read the name of the BPF program " + std::to_string(program));
  return std::string(info.name, ::strnlen(info.name, sizeof info.name));
}

Result<std::vector<Entry>> read(int ifindex, network::Direction direction) {
  constexpr std::uint32_t kMost = 64;  // Kernel: BPF_MPROG_MAX, per hook
  std::uint32_t programs[kMost] = {}, links[kMost] = {};
  Query query{};
  query.ifindex = static_cast<std::uint32_t>(ifindex);
  query.attach_type = attach_type(direction);
  query.programs = reinterpret_cast<std::uintptr_t>(programs);
  query.links = reinterpret_cast<std::uintptr_t>(links);
  query.count = kMost;
  if (call(BPF_PROG_QUERY, query) != 0) {
    if (errno == ENOENT) return std::vector<Entry>{};  // Kernel: nothing was ever attached
    if (errno == EINVAL || errno == EOPNOTSUPP)
      return Error{ErrorKind::unsupported, "this kernel has no tcx", {}, {}, errno};
    return sys_error("list the packet programs of interface " + std::to_string(ifindex));
  }
  std::vector<Entry> entries;
  for (std::uint32_t i = 0; i < query.count && i < kMost; ++i) {
    auto name = read_program_name(programs[i]);
    if (!name && name.error().kind == ErrorKind::gone) continue;
    if (!name) return std::move(name).error();
    entries.push_back({programs[i], links[i], std::move(*name)});
  }
  return entries;
}

Result<Fd> put(const ChangeToken&, int ifindex, network::Direction direction, int program,
               std::uint32_t behind) {
  LinkCreate request{};
  request.program = static_cast<std::uint32_t>(program);
  request.ifindex = static_cast<std::uint32_t>(ifindex);
  request.attach_type = attach_type(direction);
  request.flags = behind == 0 ? kBefore : kAfter | kAnchorIsNumber;
  request.anchor = behind;
  Fd link(call(BPF_LINK_CREATE, request));
  if (!link) return sys_error("attach a packet program to interface " + std::to_string(ifindex));
  return link;
}

Result<> delete_link(const ChangeToken&, std::uint32_t link) {
  const auto opened = open_by_id(BPF_LINK_GET_FD_BY_ID, link);
  if (!opened && errno == ENOENT) return {};
  if (!opened) return sys_error("open the BPF link " + std::to_string(link));
  bpf_attr request;
  std::memset(&request, 0, sizeof request);
  request.link_detach.link_fd = static_cast<std::uint32_t>(opened.get());
  // Kernel: ENOLINK when the interface went away in between.
  if (call(BPF_LINK_DETACH, request) != 0 && errno != ENOLINK && errno != ENOENT)
    return sys_error("detach the BPF link " + std::to_string(link));
  return {};
}

}  // namespace squall::tcx
