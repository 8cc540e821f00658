// SPDX-License-Identifier: Apache-2.0
//
// What this kernel, this host and our privileges allow. Each need is one string, and
// is found out by looking or trying, never from the kernel's version:
//
//   cap:net_admin          a capability of this process
//   bpf:sched_cls          BPF programs of this type load; bpf:tcx: and attach by a tcx link
//   kernel:NET_CLS_BPF     an option that comes as a module: loaded, built in, or loadable
//   cgroup:cpu             a controller, in v2 or as a v1 hierarchy; cgroup2:cpu: in v2 only
//   file:/proc/pressure/cpu  a path that can be read
//   tool:systemctl         a program in PATH
//   call:pidfd             processes can be held by descriptor

#pragma once

#include "safety/base/result.hpp"

#include <memory>
#include <string>

namespace squall {

class Kernel {
 public:
  virtual ~Kernel() = default;
  // Error (unsupported): what is missing, and in the hint how to get it.
  virtual Result<> available(const std::string& need) const = 0;
  // The module that the kernel will load when this need is first used; "" where there is none.
  virtual std::string module_to_load(const std::string& need) const = 0;
};

std::unique_ptr<Kernel> this_kernel();

}  // namespace squall
