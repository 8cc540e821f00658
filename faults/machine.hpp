// SPDX-License-Identifier: Apache-2.0
//
// The machine, as faults see it. Reading is const, so plan and verify, which get a
// const Machine, cannot write; every writing function also takes the change token.
// There are two implementations: this host, and the fake machine of the tests,
// which has state, can refuse, be slow, or die at the n-th write.

#pragma once

#include <memory>

namespace squall {

class Kernel;     // faults/kit/kernel.hpp     what this kernel and our privileges allow
class Network;    // faults/kit/network.hpp    namespaces, links, packet hooks
class Bpf;        // faults/kit/bpf.hpp        programs and maps
class Sidecars;   // faults/kit/sidecar.hpp    netem beside an interface
class Processes;  // faults/kit/process.hpp    finding and signalling processes
class Cgroups;    // faults/kit/cgroup.hpp     groups, v1 and v2
class Workers;    // faults/kit/worker.hpp     our own helper processes
class Memory;     // faults/kit/memory.hpp     what memory there is, and who lacks it

class Machine {
 public:
  virtual ~Machine() = default;

  virtual const Kernel& kernel() const = 0;
  virtual const Network& network() const = 0;
  virtual Network& network() = 0;
  virtual const Bpf& bpf() const = 0;
  virtual Bpf& bpf() = 0;
  virtual const Sidecars& sidecars() const = 0;
  virtual Sidecars& sidecars() = 0;
  virtual const Processes& processes() const = 0;
  virtual Processes& processes() = 0;
  virtual const Cgroups& cgroups() const = 0;
  virtual Cgroups& cgroups() = 0;
  virtual const Workers& workers() const = 0;
  virtual Workers& workers() = 0;
  virtual const Memory& memory() const = 0;
  virtual Memory& memory() = 0;
};

// This host. Cheap to make: nothing is opened before it is used.
std::unique_ptr<Machine> this_machine();

}  // namespace squall
