// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/cpu_list.hpp"

#include <doctest/doctest.h>

using namespace squall;

namespace {

Result<CpuList> parse(const std::string& text) { return Value<CpuList>::parse({text, {}, false}); }

}  // namespace

TEST_CASE("CPUs as the kernel writes them") {
  CHECK(parse("0-1,3")->cpus == std::vector<int>{0, 1, 3});
  CHECK(parse("3,0-1,1")->cpus == std::vector<int>{0, 1, 3});
  CHECK(Value<CpuList>::parse({std::int64_t{2}, {}, false})->cpus == std::vector<int>{2});
  CHECK(Value<CpuList>::parse(
            {Raw::List{{std::int64_t{2}, {}, false}, {"4-5", {}, false}}, {}, false})
            ->cpus == std::vector<int>{2, 4, 5});
  for (const auto* text : {"0", "0-1,3", "0,2,4-7"})
    CHECK(Value<CpuList>::print(*parse(text)) == text);
}

TEST_CASE("what is no list of CPUs is refused") {
  for (const auto* text : {"", ",", "0-", "-1", "3-1", "a", "0 1", "0-1-2", "99999", "0,"})
    CHECK_FALSE(parse(text));
  CHECK_FALSE(Value<CpuList>::parse({std::int64_t{-1}, {}, false}));
  CHECK_FALSE(Value<CpuList>::parse({true, {}, false}));
}
