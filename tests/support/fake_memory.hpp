// SPDX-License-Identifier: Apache-2.0
//
// Memory of the fake machine: files as text, for a test to edit. They are no part of what two
// machines are compared by: memory that is in use changes by itself.

#pragma once

#include "faults/kit/memory.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace squall::testing {

class FakeMemory final : public Memory {
 public:
  // Path and content; 8 GiB, of which 6 GiB are available, and one NUMA node to begin with.
  std::map<std::string, std::string>& files() { return files_; }
  std::vector<OomVictim>& victims() { return victims_; }
  // No directory is fit for page cache from now on.
  void cache_nothing() { caches_ = false; }
  void lock_nothing() { locks_ = false; }

  Result<std::string> read(const std::string& path) const override {
    const auto found = files_.find(path);
    if (found != files_.end()) return found->second;
    return Error{ErrorKind::gone, "there is no '" + path + "'", {}, {}, 2};
  }
  std::vector<OomVictim> find_oom_victims(Instant) const override { return victims_; }
  Result<> can_cache(const std::string& directory) const override {
    if (caches_) return {};
    return Error{ErrorKind::refused, "no page cache in '" + directory + "'", {}, {}, 0};
  }
  Result<> lock_own(const ChangeToken&) override {
    if (locks_) return {};
    return Error{ErrorKind::system, "lock squall's own memory: not permitted", {}, {}, 1};
  }

 private:
  std::map<std::string, std::string> files_{
      {"/proc/meminfo",
       "MemTotal:        8388608 kB\nMemFree:         5000000 kB\nMemAvailable:    6291456 kB\n"
       "SwapTotal:             0 kB\n"},
      {"/proc/vmstat", "pgfault 12345\noom_kill 3\n"},
      {"/proc/pressure/memory",
       "some avg10=0.50 avg60=0.00 avg300=0.00 total=1000\n"
       "full avg10=0.10 avg60=0.00 avg300=0.00 total=400\n"},
      {"/sys/devices/system/node/has_memory", "0\n"},
      {"/sys/devices/system/node/node0/meminfo",
       "Node 0 MemTotal:        8388608 kB\nNode 0 MemFree:         5000000 kB\n"
       "Node 0 Active(file):     100000 kB\nNode 0 Inactive(file):   200000 kB\n"},
      {"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
      {"/sys/kernel/mm/transparent_hugepage/shmem_enabled",
       "always within_size advise [never] deny force\n"}};
  std::vector<OomVictim> victims_;
  bool caches_ = true, locks_ = true;
};

}  // namespace squall::testing
