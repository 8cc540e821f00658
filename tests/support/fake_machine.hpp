// SPDX-License-Identifier: Apache-2.0
//
// A machine made of state, for tests: every write of any part passes one gate, which
// can refuse the n-th or let the program die there. Tests state what the machine
// looks like afterwards; two machines compare, and print as text.

#pragma once

#include "faults/kit/kernel.hpp"
#include "faults/machine.hpp"
#include "tests/support/fake_memory.hpp"
#include "tests/support/fake_network.hpp"
#include "tests/support/fake_processes.hpp"
#include "tests/support/fake_sidecars.hpp"
#include "tests/support/write_gate.hpp"

#include <iosfwd>
#include <memory>
#include <set>
#include <string>

namespace squall::testing {

// Everything is there, but for what is named.
class FakeKernel final : public Kernel {
 public:
  void lack(const std::string& need) { lacks_.insert(need); }
  Result<> available(const std::string& need) const override;
  std::string module_to_load(const std::string&) const override { return ""; }

 private:
  std::set<std::string> lacks_;
};

class FakeMachine final : public Machine {
 public:
  FakeMachine() = default;
  FakeMachine(const FakeMachine&) = delete;
  FakeMachine& operator=(const FakeMachine&) = delete;

  WriteGate& gate() { return gate_; }  // also for the test's journal

  const FakeKernel& kernel() const override { return kernel_; }
  const FakeNetwork& network() const override { return network_; }
  FakeNetwork& network() override { return network_; }
  const FakeBpf& bpf() const override { return bpf_; }
  FakeBpf& bpf() override { return bpf_; }
  const FakeSidecars& sidecars() const override { return sidecars_; }
  FakeSidecars& sidecars() override { return sidecars_; }
  const FakeProcesses& processes() const override { return processes_; }
  FakeProcesses& processes() override { return processes_; }
  const FakeCgroups& cgroups() const override { return cgroups_; }
  FakeCgroups& cgroups() override { return cgroups_; }
  const FakeWorkers& workers() const override { return workers_; }
  FakeWorkers& workers() override { return workers_; }
  const FakeMemory& memory() const override { return memory_; }
  FakeMemory& memory() override { return memory_; }
  FakeKernel& edit_kernel() { return kernel_; }

  // The same state, whatever became of the gate.
  friend bool operator==(const FakeMachine&, const FakeMachine&);

 private:
  WriteGate gate_;
  FakeKernel kernel_;
  FakeNetwork network_{gate_};
  FakeBpf bpf_{gate_};
  FakeSidecars sidecars_{gate_};
  FakeProcesses processes_{gate_};
  FakeCgroups cgroups_{gate_, processes_};
  FakeWorkers workers_{gate_, processes_};
  FakeMemory memory_;
};

std::ostream& operator<<(std::ostream&, const FakeMachine&);
std::string dump(const FakeMachine&);

// What the examples of the faults are aimed at: init, sshd, a shell, the lab's
// services 'order_gateway' (in a cgroup of its own, "/trading", with limits), 'price_service' and
// 'order_client', and what FakeNetwork starts with.
std::unique_ptr<FakeMachine> clean_machine();

}  // namespace squall::testing
