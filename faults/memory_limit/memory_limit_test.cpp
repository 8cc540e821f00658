// SPDX-License-Identifier: Apache-2.0

#include "faults/memory_limit/effect.hpp"
#include "tests/support/limiting.hpp"

#include <doctest/doctest.h>

using namespace squall;
using squall::testing::clean_machine;
using squall::testing::Limiting;

TEST_CASE("limits are sizes or shares of the use when the fault begins, in whole pages") {
  Limiting limit("memory_limit");
  CHECK(limit.said({{"high", "256MiB"}}) ==
        "lower memory.high of cgroup '/trading' from 'max' to '268435456' (256MiB)");
  REQUIRE(limit.begin({{"high", "80%"}, {"max", "110%"}}));
  CHECK(limit.file("memory.high") == "251658240");
  CHECK(limit.file("memory.max") == std::to_string(5280 * 65536));
  CHECK(limit.reading() == Reading::present);
  limit.file("memory.current") = "251658240";
  REQUIRE(limit.adjust({{"high", "50%"}, {"max", "90%"}}));
  CHECK(limit.file("memory.high") == "157286400");
  CHECK(limit.file("memory.max") == "283115520");
  const auto low = limit.adjust({{"high", "50%"}, {"max", "70%"}});
  REQUIRE_FALSE(low);
  CHECK(low.error().what ==
        "cgroup '/trading' uses 240MiB, more than the 210MiB, 70% of the 300MiB in use of 'max': "
        "the kernel would kill its processes");
  CHECK(limit.end());
  limit.file("memory.current") = "314572800";
  CHECK(*limit.machine == *clean_machine());
}

TEST_CASE("a maximum below the use is refused, and 'high' is proposed") {
  Limiting limit("memory_limit");
  const auto refused = limit.plan({{"max", "200MiB"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::refused);
  CHECK(refused.error().what ==
        "cgroup '/trading' uses 300MiB, more than the 200MiB of 'max': the kernel would kill its "
        "processes");
  CHECK(refused.error().hint ==
        "'high' throttles them instead; or give it room, for example max = \"110%\"");
  limit.file("memory.current") = "4096";
  CHECK(limit.said({{"max", "200%"}}) ==
        "'memory.max' would be less than 1MiB: 200% of the 4KiB in use");
  limit.file("memory.current") = "314572800";
  limit.file("memory.max") = "400000000";
  CHECK(limit.said({{"max", "1GiB"}}) ==
        "'memory.max' of cgroup '/trading' is '400000000' already, and '1073741824' would not "
        "lower it");
}

TEST_CASE("an amount says what it is") {
  Limiting limit("memory_limit");
  const auto complaint = [&](const char* text) {
    limit.parse({{"high", text}});
    return limit.complaints.empty() ? "" : limit.complaints.front().what;
  };
  CHECK(complaint("512MiB") == "");
  CHECK(complaint("0.5%") == "");
  CHECK(complaint("2000%") == "high: '2000%' is not above 0% and at most 1000% of the present use");
  CHECK(complaint("4kB") == "high: '4kB' is less than 1MiB");
  CHECK(complaint("512") == "high: '512' has no unit");
  limit.parse({});
  REQUIRE(limit.complaints.size() == 1);
  CHECK(limit.complaints.front().what == "memory_limit: high, max or both are needed");
  const auto half = limit.fault.blend(limit.parse({{"high", "100MiB"}}),
                                      limit.parse({{"high", "50MiB"}}), [](auto&) { return 0.5; });
  CHECK(std::get<std::string>(limit.fault.print(half).back().raw.value) == "75MiB");
}

TEST_CASE("the effect is what the kernel counted, or the squeeze that it does not count") {
  const MemoryAccount before{{300 << 20}, 1, 1, 0, 0s};
  const auto judge = [&](std::uint64_t use, std::uint64_t high, std::uint64_t max,
                         std::uint64_t killed) {
    return judge_limit({Bytes{256 << 20}, Bytes{512 << 20}}, before,
                       {{use << 20}, high, max, killed, 1s});
  };
  CHECK(judge(300, 1, 1, 0).verdict == Effect::Verdict::inconclusive);
  const auto squeezed = judge(200, 1, 1, 0);
  CHECK(squeezed.verdict == Effect::Verdict::confirmed);
  CHECK(squeezed.why == "its use went from 300MiB to 200MiB");
  CHECK(judge(280, 5, 1, 0).why ==
        "its use went from 300MiB to 280MiB; it was slowed down 4 times");
  const auto killed = judge(500, 1, 3, 1);
  CHECK(killed.verdict == Effect::Verdict::confirmed);
  CHECK(killed.why ==
        "its use went from 300MiB to 500MiB; it wanted more 2 times; the kernel killed 1 process "
        "in it");
  CHECK(judge(600, 1, 9, 0).verdict == Effect::Verdict::mismatch);
}
