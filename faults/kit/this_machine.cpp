// SPDX-License-Identifier: Apache-2.0
//
// This host as a machine: each part is made when it is first asked for.

#include "faults/kit/bpf.hpp"
#include "faults/kit/cgroup.hpp"
#include "faults/kit/kernel.hpp"
#include "faults/kit/memory.hpp"
#include "faults/kit/network.hpp"
#include "faults/kit/process.hpp"
#include "faults/kit/sidecar.hpp"
#include "faults/kit/worker.hpp"
#include "faults/machine.hpp"

namespace squall {
namespace {

template <class Part, std::unique_ptr<Part> (*Make)()>
class Lazy {
 public:
  Part& get() const {
    if (!part_) part_ = Make();
    return *part_;
  }

 private:
  mutable std::unique_ptr<Part> part_;
};

class ThisMachine final : public Machine {
 public:
  const Kernel& kernel() const override { return kernel_.get(); }
  const Network& network() const override { return network_.get(); }
  Network& network() override { return network_.get(); }
  const Bpf& bpf() const override { return bpf_.get(); }
  Bpf& bpf() override { return bpf_.get(); }
  const Sidecars& sidecars() const override { return sidecars_.get(); }
  Sidecars& sidecars() override { return sidecars_.get(); }
  const Processes& processes() const override { return processes_.get(); }
  Processes& processes() override { return processes_.get(); }
  const Cgroups& cgroups() const override { return cgroups_.get(); }
  Cgroups& cgroups() override { return cgroups_.get(); }
  const Workers& workers() const override { return workers_.get(); }
  Workers& workers() override { return workers_.get(); }
  const Memory& memory() const override { return memory_.get(); }
  Memory& memory() override { return memory_.get(); }

 private:
  Lazy<Kernel, this_kernel> kernel_;
  Lazy<Network, this_network> network_;
  Lazy<Bpf, this_bpf> bpf_;
  Lazy<Sidecars, this_sidecars> sidecars_;
  Lazy<Processes, this_hosts_processes> processes_;
  Lazy<Cgroups, this_hosts_cgroups> cgroups_;
  Lazy<Workers, this_hosts_workers> workers_;
  Lazy<Memory, this_hosts_memory> memory_;
};

}  // namespace

std::unique_ptr<Machine> this_machine() { return std::make_unique<ThisMachine>(); }

}  // namespace squall
