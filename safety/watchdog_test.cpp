// SPDX-License-Identifier: Apache-2.0
//
// The watchdog's own life, in a process of its own, behind a runner that has died.

#include "safety/watchdog.hpp"

#include "safety/base/file.hpp"
#include "safety/base/proc.hpp"
#include "safety/lease.hpp"
#include "safety/undo/journal_file.hpp"
#include "safety/unsettled.hpp"
#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <new>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace squall;
using squall::testing::TemporaryDirectory;

namespace {

// Takes nothing back, and tells through a pipe that it was asked to. Its copies find no memory
// as often as it is told.
struct Undoing {
  int asked;
  mutable int failures = 0;
  Undoing(int pipe, int fail) : asked(pipe), failures(fail) {}
  Undoing(Undoing&&) = default;
  Undoing(const Undoing& other) : asked(other.asked) {
    if (other.failures-- > 0) throw std::bad_alloc();
  }
  Result<> operator()(const UndoRecord&, const ChangeToken&) const {
    (void)!::write(asked, "u", 1);
    return {};
  }
};

pid_t child_that_sleeps() {
  const pid_t pid = ::fork();
  if (pid == 0)
    for (;;) ::pause();
  return pid;
}

// A run that owes one change, whose runner dies at once.
class DeadRun {
 public:
  DeadRun() {
    REQUIRE(make_directories(directory));
    REQUIRE(mark_unsettled(directory));
    REQUIRE(JournalFile::create(directory, {"r1", "", "", "", "", 1, {}})
                .value()
                ->owe({"make a", {"toy", {}}, "", ""}));
    claim = Fd{::open(journal_of(directory).c_str(), O_RDWR | O_CLOEXEC)};
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    asked = Fd{ends[0]};
    tell = Fd{ends[1]};
  }

  // The watchdog's exit code.
  int watched(int failures) {
    const pid_t runner = child_that_sleeps();
    const Fd process = open_process(runner);
    ::kill(runner, SIGKILL);
    ::waitpid(runner, nullptr, 0);
    const pid_t watchdog = ::fork();
    if (watchdog == 0) watch(process.get(), failures);
    int status = 0;
    ::waitpid(watchdog, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  ssize_t undone() const {
    std::array<char, 8> text{};
    return ::read(asked.get(), text.data(), text.size());
  }

  TemporaryDirectory dir;
  std::string directory = dir.paths().of_run("r1");
  Fd claim;
  Fd asked, tell;

 private:
  [[noreturn]] void watch(int runner, int failures) {
    const int page = ::memfd_create("page", 0);
    (void)!::ftruncate(page, sizeof(LeasePage));
    auto* mapped = ::mmap(nullptr, sizeof(LeasePage), PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
    (new (mapped) LeasePage)->valid_until_ns = monotonic_ns() + 60'000'000'000;
    const int told = ::fcntl(tell.get(), F_DUPFD, 32);
    std::array<std::array<int, 2>, 4> given = {
        {{::fcntl(runner, F_DUPFD, 32), lease_fd::runner},
         {::fcntl(page, F_DUPFD, 32), lease_fd::page},
         {::open("/dev/null", O_WRONLY), lease_fd::ready},
         {::fcntl(claim.get(), F_DUPFD, 32), lease_fd::claim}}};
    given[2][0] = ::fcntl(given[2][0], F_DUPFD, 32);
    for (const auto& [from, to] : given) ::dup2(from, to);
    const Reverter reverter{Undoing{told, failures}};
    ::_exit(watch_over_runner(directory, reverter));
  }
};

}  // namespace

TEST_CASE("a watchdog without memory tries once more") {
  DeadRun run;
  CHECK(run.watched(1) == 0);
  CHECK(run.undone() == 1);
  CHECK(JournalFile::read(run.directory).value()->owed().empty());
  CHECK_FALSE(std::filesystem::exists(marker_of(run.directory)));
  DeadRun hopeless;
  CHECK(hopeless.watched(2) == 5);
  CHECK(hopeless.undone() < 0);
}

TEST_CASE("a watchdog needs no name of its journal") {
  DeadRun run;
  std::filesystem::remove_all(run.dir.paths().state);
  CHECK(run.watched(0) == 0);
  CHECK(run.undone() == 1);
}
