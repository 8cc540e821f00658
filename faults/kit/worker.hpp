// SPDX-License-Identifier: Apache-2.0
//
// Workers: helper processes of our own, for faults that need one. A worker is made
// idle, which is harmless and needs no undo: it waits for its go, and dies with us (by
// the parent-death signal, and by a lifeline that closes). So its identity is known
// before the change, which is the go. Its name is "squall-<mark><slot in two hex
// digits>"; only a process with the recorded identity and that name is ever killed.

#pragma once

#include "faults/kit/process.hpp"
#include "faults/machine.hpp"
#include "safety/base/schema.hpp"
#include "safety/strays.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace squall {

// Shared with the worker: settings go in, reports come out, without system calls.
struct WorkerPage {
  std::array<std::atomic<std::uint64_t>, 8> settings{};
  std::array<std::atomic<std::uint64_t>, 8> reports{};
  std::array<char, 1024> text{};  // from the order
};

// In the worker: so that wait_for_report() sees it at once.
void publish_report(WorkerPage& page, std::size_t which, std::uint64_t value);

enum class WorkerClass { normal, batch, idle, fifo };
template <>
struct Words<WorkerClass> {
  static constexpr std::pair<WorkerClass, std::string_view> list[] = {
      {WorkerClass::normal, "normal"},
      {WorkerClass::batch, "batch"},
      {WorkerClass::idle, "idle"},
      {WorkerClass::fifo, "fifo"}};
};

struct WorkerOrder {
  std::string name;  // worker_name()
  // Runs in the worker after its go. Returns when the lifeline closes: poll it now and
  // then. Must not allocate or lock: it runs in a copy of a process that may have.
  void (*work)(WorkerPage& page, int lifeline) = nullptr;
  int cpu = -1;  // pinned to it; -1: not pinned
  WorkerClass scheduling = WorkerClass::normal;
  int nice = 0;
  int real_time_priority = 0;  // with fifo
  std::string text{};          // for work(): a path; at most 1023 characters
};

std::string worker_name(const std::string& mark, unsigned slot);
bool is_worker_name(const std::string& comm);

// One worker, held: destroying this ends it.
class Worker {
 public:
  virtual ~Worker() = default;
  virtual ProcessId id() const = 0;
  virtual std::uint64_t read_report(std::size_t which) const = 0;
  // Until that report is not 0; false when it still is after `limit`, or the worker ended.
  virtual bool wait_for_report(std::size_t which, Duration limit) const = 0;
  virtual bool ended() const = 0;
  virtual Duration read_cpu_time() const = 0;  // the kernel's account of it

  virtual void set(const ChangeToken&, std::size_t which, std::uint64_t value) = 0;
  // Kernel: joining a cgroup may undo the order's pin (cpuset_attach, before 6.2).
  virtual Result<> pin(const ChangeToken&, int cpu) = 0;
  virtual Result<> go(const ChangeToken&) = 0;
};

class Workers {
 public:
  virtual ~Workers() = default;

  virtual std::vector<int> read_usable_cpus() const = 0;  // this process may run on them
  // Where a worker may run. Error (gone): it ended.
  virtual Result<std::vector<int>> read_cpus(const ProcessId&) const = 0;
  // Every process with a worker's name, whoever started it.
  virtual Result<std::vector<ProcessInfo>> find_all() const = 0;

  // Idle until its go; harmless, so it needs no token.
  virtual Result<std::unique_ptr<Worker>> make_idle(const WorkerOrder& order) = 0;
  // From a record, in any process; all of them at once. Success when the kernel has their memory
  // back; gone already is success; somebody else's is left alone. Error (busy): it takes longer.
  virtual Result<> delete_if_ours(const ChangeToken&, const std::vector<ProcessId>& ids,
                                  const std::string& name) = 0;
};

std::unique_ptr<Workers> this_hosts_workers();

// As a value of an undo record: several workers that one record covers.
Intent with_workers(const Intent& intent, const std::vector<ProcessId>& ids);
// For revert: ends the worker or the workers of a record ("worker" is their name), or every one of
// that name when the record is from before they were made.
Result<> delete_recorded_worker(const UndoRecord&, Workers&, const ChangeToken&);
// For strays: every worker whose maker is gone, as an intent of `fault`. One whose parent runs
// the same program is held by a run.
Strays find_stray_workers(const std::string& fault, const Machine&);

// For survey: one line for each worker there is.
Result<std::vector<std::string>> survey_workers(const Workers&);

}  // namespace squall
