// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/procfs.hpp"

#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace squall;

namespace {

constexpr const char* kStat =
    "1234 (a) b (c)) S 77 1234 1234 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 3 0 987654 1000 20 "
    "18446744073709551615 0 0\n";

void write(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("groups of v1, v2 and named hierarchies") {
  const auto groups =
      procfs::parse_cgroups("5:cpu,cpuacct:/a\n1:name=systemd:/b:c\n0::/d.slice\nnonsense\n");
  REQUIRE(groups.size() == 3);
  CHECK(groups[0] == std::pair<std::string, std::string>{"cpu,cpuacct", "/a"});
  CHECK(groups[1] == std::pair<std::string, std::string>{"name=systemd", "/b:c"});
  CHECK(groups[2] == std::pair<std::string, std::string>{"", "/d.slice"});
}

TEST_CASE("a process that has vanished is gone, and one without optional files is read") {
  const testing::TemporaryDirectory proc;
  write(proc / "1234/stat", kStat);
  write(proc / "1234/cmdline", std::string("/bin/a\0--flag\0", 14));
  write(proc / "self/stat", "not a process");
  CHECK(procfs::read_pids(proc.path()).value() == std::vector<pid_t>{1234});
  const auto process = procfs::read_process(proc.path(), 1234);
  REQUIRE(process);
  CHECK(process->command == "/bin/a --flag");
  CHECK(process->id == ProcessId{1234, 987654});
  CHECK_FALSE(process->kernel_thread);
  const auto vanished = procfs::read_process(proc.path(), 4321);
  REQUIRE_FALSE(vanished);
  CHECK(vanished.error().kind == ErrorKind::gone);
}

TEST_CASE("this very process reads as itself") {
  const auto process = procfs::read_process("/proc", ::getpid());
  REQUIRE(process);
  CHECK(process->parent == ::getppid());
  CHECK(process->name == "unit_tests");
  CHECK(process->program == "unit_tests");
  CHECK_FALSE(process->cgroups.empty());
}
