// SPDX-License-Identifier: Apache-2.0

#include "tests/support/fake_machine.hpp"

#include <ostream>
#include <sstream>

namespace squall::testing {

Result<> FakeKernel::available(const std::string& need) const {
  if (!lacks_.contains(need)) return {};
  return Error{
      ErrorKind::unsupported, "this machine lacks '" + need + "'", "use another machine", {}, 0};
}

bool operator==(const FakeMachine& a, const FakeMachine& b) {
  return a.network_.state() == b.network_.state() && a.bpf_.state() == b.bpf_.state() &&
         a.sidecars_.state() == b.sidecars_.state() &&
         a.processes_.state() == b.processes_.state() && a.cgroups_.state() == b.cgroups_.state() &&
         a.workers_.state() == b.workers_.state();
}

std::ostream& operator<<(std::ostream& out, const FakeMachine& machine) {
  return out << machine.network().state() << machine.bpf().state() << machine.sidecars().state()
             << machine.processes().state() << machine.cgroups().state()
             << machine.workers().state();
}

std::string dump(const FakeMachine& machine) {
  std::ostringstream text;
  text << machine;
  return text.str();
}

std::unique_ptr<FakeMachine> clean_machine() {
  auto machine = std::make_unique<FakeMachine>();
  machine->cgroups().edit().groups["/trading"] = {
      {"cpu.max", "max 100000"},
      {"cpu.weight", "100"},
      {"cpu.stat", "usage_usec 1000\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0"},
      {"memory.current", "314572800"},
      {"memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0"},
      {"memory.high", "max"},
      {"memory.max", "max"}};
  machine->cgroups().edit().groups["/prices"] = {{"memory.max", "1073741824"},
                                                 {"memory.current", "104857600"}};
  const auto add = [&](pid_t pid, const std::string& name, const std::string& command,
                       const std::string& group) {
    ProcessInfo made;
    made.id.pid = pid;
    made.parent = pid == 1 ? 0 : 1;
    made.name = name;
    made.program = name;
    made.command = command;
    made.state = 'S';
    made.cgroups = {{"", group}};
    made.netns = 1;
    machine->processes().add(made);
  };
  add(1, "init", "/sbin/init", "/");
  add(50, "sshd", "/usr/sbin/sshd -D", "/system.slice/ssh.service");
  add(100, "bash", "-bash", "/user.slice");
  add(200, "order_gateway", "/usr/bin/order_gateway --port 9001", "/trading");
  add(201, "price_service", "/usr/bin/price_service --port 9002",
      "/system.slice/price_service.service");
  add(202, "order_client", "/usr/bin/order_client 127.0.0.1:9001", "/user.slice");
  machine->processes().edit().netns = {{"gw", 2}};
  return machine;
}

}  // namespace squall::testing
