// SPDX-License-Identifier: Apache-2.0

#include "faults/cpu_pressure/loaded_cpu.hpp"

#include "faults/kit/worker_burn.hpp"

#include <doctest/doctest.h>

#include <array>

namespace squall {
namespace {

// Ten seconds at half of a CPU, with these deviations in the worst of them.
class Reporting final : public Worker {
 public:
  Reporting(double worst, double unexplained) {
    reports_[burn::elapsed] = 10'000'000'000;
    reports_[burn::asked] = 5'000'000'000;
    reports_[burn::worst_second] = static_cast<std::uint64_t>(worst * 1e6);
    reports_[burn::worst_unexplained] = static_cast<std::uint64_t>(unexplained * 1e6);
  }
  ProcessId id() const override { return {}; }
  std::uint64_t read_report(std::size_t which) const override { return reports_.at(which); }
  bool wait_for_report(std::size_t, Duration) const override { return true; }
  bool ended() const override { return false; }
  Duration read_cpu_time() const override { return 5s; }
  void set(const ChangeToken&, std::size_t, std::uint64_t) override {}
  Result<> pin(const ChangeToken&, int) override { return {}; }
  Result<> go(const ChangeToken&) override { return {}; }

 private:
  std::array<std::uint64_t, 5> reports_{};
};

Effect judged(double worst, double unexplained) {
  std::vector<LoadedCpu> cpus;
  cpus.push_back({1, std::make_unique<Reporting>(worst, unexplained),
                  std::chrono::steady_clock::now() - 10s, 0s});
  return judge(cpus);
}

}  // namespace

TEST_CASE("a single second is judged as well as the mean, unless others explain it") {
  CHECK(judged(0.04, 0.04).verdict == Effect::Verdict::confirmed);
  const auto others = judged(0.2, 0.01);
  CHECK(others.verdict == Effect::Verdict::confirmed);
  CHECK(others.why.ends_with("CPU 1 was off by 20% in its worst second, when others used it"));
  const auto alone = judged(0.2, 0.06);
  CHECK(alone.verdict == Effect::Verdict::mismatch);
  CHECK(alone.why == "CPU 1 was off by 20% in its worst second, though it did not wait for others");
}

}  // namespace squall
