// SPDX-License-Identifier: Apache-2.0
//
// Processes, cgroups and workers of the fake machine. Two states are equal when the
// same programs run in the same way; pids and start times may differ, since a
// process that was started again is what it was before.

#pragma once

#include "faults/kit/cgroup.hpp"
#include "faults/kit/container.hpp"
#include "faults/kit/process.hpp"
#include "faults/kit/worker.hpp"
#include "tests/support/write_gate.hpp"

#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace squall::testing {

class FakeProcesses final : public Processes {
 public:
  struct State {
    std::vector<ProcessInfo> all;
    std::map<std::string, std::uint64_t> netns;  // by name
    std::map<ProcessId, std::string> marks;      // in their environment; not compared
    bool operator==(const State&) const;
  };
  explicit FakeProcesses(WriteGate& gate) : gate_(gate) {}

  const State& state() const { return state_; }
  State& edit() { return state_; }  // what others do to the machine
  // Until there is one, there is no systemd.
  void serve(const std::string& unit, Service service) { services_[unit] = std::move(service); }
  // Of each wait for a stop, how many writes came before it.
  const std::vector<int>& waits() const { return waits_; }
  // The pid that it got.
  pid_t add(ProcessInfo process);

  Result<std::vector<ProcessInfo>> read_all() const override;
  Result<ProcessInfo> read(const ProcessId& id) const override;
  Result<ProcessInfo> read_pid(pid_t pid) const override;
  Result<std::string> read_directory(const ProcessId& id) const override;
  Result<std::uint64_t> read_netns(const std::string& name_or_pid) const override;
  Result<std::vector<ProcessId>> find_marked(const std::string& mark) const override;
  Result<Service> read_service(const std::string& unit) const override;
  bool wait_until_stopped(const ProcessId& id, Duration limit) const override;
  bool wait_until_gone(const ProcessId& id, Duration limit) const override;
  Result<> send_signal(const ChangeToken&, const ProcessId& id, Signal signal) override;
  Result<> start(const ChangeToken&, const StartOrder& order) override;
  Result<> run(const ChangeToken&, const std::vector<std::string>& argv, Duration limit) override;

 private:
  WriteGate& gate_;
  State state_;
  pid_t next_ = 1000;
  std::uint64_t clock_ = 5000;
  std::map<std::string, Service> services_;
  mutable std::vector<int> waits_;
};

// What the engines say; which containers run, the processes show.
struct FakeContainers final : Containers {
  std::vector<Container> stored;
  std::vector<Container> asked;
  std::string trouble;  // that a socket gives

  std::vector<Container> read_stored() const override { return stored; }
  Result<std::vector<Container>> ask_engines() const override {
    if (trouble.empty()) return asked;
    return Error{ErrorKind::system, trouble, {}, {}, 0};
  }
};

class FakeCgroups final : public Cgroups {
 public:
  struct State {
    std::map<std::string, std::map<std::string, std::string>> groups;  // path, file, content
    std::map<std::pair<std::string, std::string>, std::string> marks;  // of path and file
    bool operator==(const State&) const = default;
  };
  FakeCgroups(WriteGate& gate, FakeProcesses& processes) : gate_(gate), processes_(processes) {}
  const State& state() const { return state_; }
  State& edit() { return state_; }
  const FakeContainers& containers() const override { return containers_; }
  FakeContainers& containers() { return containers_; }
  // Removed, and made anew with the same files.
  void make_anew(const std::string& path);

  Result<Cgroup> find(const std::string& name, const std::string& controller) const override;
  Result<std::string> read(const Cgroup& group, const std::string& file) const override;
  Result<std::uint64_t> read_identity(const Cgroup& group) const override;
  Result<std::optional<std::string>> read_mark(const Cgroup& group,
                                               const std::string& file) const override;
  Result<std::vector<CgroupMark>> find_marks() const override;
  Result<> put_process(const ChangeToken&, const Cgroup& group, const ProcessId& id) override;
  Result<> set(const ChangeToken&, const Cgroup& group, std::uint64_t identity,
               const std::string& file, const std::string& text) override;
  Result<> put_mark(const ChangeToken&, const CgroupMark& mark) override;
  Result<> delete_mark(const ChangeToken&, const CgroupMark& mark) override;

 private:
  Result<> is_still(const Cgroup& group, std::uint64_t identity) const;

  WriteGate& gate_;
  FakeProcesses& processes_;
  State state_;
  FakeContainers containers_;
  std::map<std::string, std::uint64_t> made_anew_;  // by path, how often
};

// A worker is a process of the fake machine, so that it shows wherever a real one would.
class FakeWorkers final : public Workers {
 public:
  struct Made {
    std::string name;
    int cpu = -1;
    bool went = false;
    std::array<std::uint64_t, 8> settings{};
    std::vector<std::pair<std::string, std::string>> pinned_in{};  // its cgroups then
    bool operator==(const Made&) const = default;
  };
  using State = std::map<ProcessId, Made>;
  FakeWorkers(WriteGate& gate, FakeProcesses& processes) : gate_(gate), processes_(processes) {}

  const State& state() const { return *state_; }
  // From now on a worker that works stays when its holder goes, as if the kernel had not
  // ended it; an idle one ends by itself, since it waits on its lifeline.
  void outlive_holder(bool yes) { outlive_ = yes; }
  // What every worker is found to have used of each second of its time.
  void run_at(Percent load) { load_ = load; }

  std::vector<int> read_usable_cpus() const override { return {0, 1}; }
  // Joining a cgroup undoes the pin, as in Linux 6.1.
  Result<std::vector<int>> read_cpus(const ProcessId& id) const override;
  Result<std::vector<ProcessInfo>> find_all() const override;
  Result<std::unique_ptr<Worker>> make_idle(const WorkerOrder& order) override;
  Result<> delete_if_ours(const ChangeToken&, const std::vector<ProcessId>& ids,
                          const std::string& name) override;

 private:
  friend class FakeWorker;
  void end(const ProcessId& id);

  WriteGate& gate_;
  FakeProcesses& processes_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  Percent load_{};
  bool outlive_ = false;
};

std::ostream& operator<<(std::ostream&, const FakeProcesses::State&);
std::ostream& operator<<(std::ostream&, const FakeCgroups::State&);
std::ostream& operator<<(std::ostream&, const FakeWorkers::State&);

}  // namespace squall::testing
