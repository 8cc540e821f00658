// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/memory.hpp"

#include "faults/kit/byte_rate.hpp"
#include "faults/kit/cgroup_memory.hpp"
#include "tests/support/fake_machine.hpp"

#include <doctest/doctest.h>

using namespace squall;

TEST_CASE("amounts and counts are found by their whole key") {
  const std::string text =
      "MemTotal:       24105 kB\nMemFree:        22777 kB\nNode 0 Active(file): 7 kB\n";
  CHECK(memory::find_amount(text, "MemTotal") == Bytes{24105 * 1024});
  CHECK(memory::find_amount(text, "MemFree") == Bytes{22777 * 1024});
  CHECK(memory::find_amount(text, "Active(file)") == Bytes{7 * 1024});
  CHECK_FALSE(memory::find_amount(text, "Total"));
  CHECK_FALSE(memory::find_amount(text, "Mem"));
  CHECK(memory::find_count("oom 1\noom_kill 3\noom_group_kill 4\n", "oom_kill") == 3);
  CHECK_FALSE(memory::find_count("oom_kill_disable 0\n", "oom_kill"));
}

TEST_CASE("pressure is read from both lines") {
  const auto found = memory::parse_pressure(
      "some avg10=12.50 avg60=0.00 avg300=0.00 total=123\nfull avg10=1.25 avg60=0.00 avg300=0.00 "
      "total=45\n");
  REQUIRE(found);
  CHECK(found->some_avg10 == Percent{12.5});
  CHECK(found->full_avg10 == Percent{1.25});
  CHECK(found->some_us == 123);
  CHECK(found->full_us == 45);
  CHECK_FALSE(memory::parse_pressure("some avg10=0.00 total=1\n"));
}

TEST_CASE("a v1 group's files are read as well, and its largest number is no limit") {
  const auto machine = testing::clean_machine();
  auto& files = machine->cgroups().edit().groups["/old"];
  files = {{"memory.limit_in_bytes", "9223372036854771712"},
           {"memory.usage_in_bytes", "4096"},
           {"memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2"}};
  const Cgroup old{"memory", "/old", "/sys/fs/cgroup/memory/old"};
  const auto& cgroups = machine->cgroups();
  CHECK(cgroup_memory::read_limits(cgroups, old)->empty());
  CHECK(cgroup_memory::read_oom_kills(cgroups, old) == 2);
  files["memory.limit_in_bytes"] = "8192";
  const auto limits = cgroup_memory::read_limits(cgroups, old);
  REQUIRE(limits);
  REQUIRE(limits->size() == 1);
  CHECK(limits->front().limit == Bytes{8192});
  CHECK(limits->front().use == Bytes{4096});
}

TEST_CASE("a group that does not count its memory says how to make it") {
  const auto machine = testing::clean_machine();
  machine->cgroups().edit().groups["/plain"] = {};
  const auto use = cgroup_memory::read_use(machine->cgroups(), {"", "/plain", "/plain"});
  REQUIRE_FALSE(use);
  CHECK(use.error().hint.find("cgroup.subtree_control") != std::string::npos);
}

TEST_CASE("a rate is a size for each second") {
  const auto parse = [](const char* text) {
    return Value<ByteRate>::parse({std::string(text), {}, true});
  };
  CHECK(parse("1.5GiB/s")->each_second == Bytes{1536ULL << 20});
  CHECK(Value<ByteRate>::print({Bytes{200ULL << 20}}) == "200MiB/s");
  CHECK_FALSE(parse("200MiB"));
  CHECK_FALSE(parse("fast/s"));
}
