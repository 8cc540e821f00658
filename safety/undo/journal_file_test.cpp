// SPDX-License-Identifier: Apache-2.0

#include "safety/undo/journal_file.hpp"

#include "safety/base/file.hpp"
#include "tests/support/temporary.hpp"
#include "tests/support/undo_all.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <new>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace squall;
using squall::testing::TemporaryDirectory;

namespace {

std::string file_in(const TemporaryDirectory& dir) { return dir / "journal.jsonl"; }

Intent intent(const std::string& name) {
  return {"do " + name,
          {"toy", {{"name", name}, {"quoted", "a \"b\"\n\t\x01"}}},
          "undo " + name,
          "rm " + name,
          true};
}

// No file of this process may grow beyond this: a write is cut short, the next one fails.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~SizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }

 private:
  void (*signal_)(int);
  rlimit before_{};
};

JournalHeader header() {
  return {"r1",           "boot-a", "0.1",         "x.toml",
          "[scenario]\n", 42,       {"spare-ssh"}, {{"loss", "2%"}, {"a", "\"b\""}}};
}

}  // namespace

TEST_CASE("a journal read again owes what was not settled") {
  const TemporaryDirectory dir;
  {
    auto journal = JournalFile::create(dir.path(), header());
    REQUIRE(journal);
    for (const auto* name : {"a", "b", "c"}) REQUIRE((*journal)->owe(intent(name)));
    REQUIRE((*journal)->settle(2));
  }
  auto journal = JournalFile::open(dir.path());
  REQUIRE(journal);
  CHECK((*journal)->problems().empty());
  CHECK((*journal)->header().seed == 42);
  CHECK((*journal)->header().without == std::vector<std::string>{"spare-ssh"});
  CHECK((*journal)->header().parameters == header().parameters);
  const auto owed = (*journal)->owed();
  REQUIRE(owed.size() == 2);
  CHECK(owed[0].intent.undo == intent("a").undo);
  CHECK(owed[1].intent.by_hand == "rm c");
  CHECK(owed[1].intent.survives_reboot);
}

TEST_CASE("a journal whose header has no parameters is understood") {
  const TemporaryDirectory dir;
  std::ofstream(file_in(dir))
      << R"({"seq":0,"kind":"header","run":"r1","boot":"boot-a","version":"0.1","seed":42,)"
      << R"("without":[],"scenario_file":"x.toml","scenario":"","sum":"1af5b16c"})"
      << "\n";
  auto journal = JournalFile::read(dir.path());
  REQUIRE(journal);
  CHECK((*journal)->problems().empty());
  CHECK((*journal)->header().scenario_file == "x.toml");
  CHECK((*journal)->header().parameters.empty());
}

TEST_CASE("a journal is found by its descriptor when its directory is gone") {
  const TemporaryDirectory dir;
  REQUIRE(JournalFile::create(dir.path(), header()).value()->owe(intent("a")));
  const auto held = open_for_reading(file_in(dir));
  REQUIRE(held);
  std::filesystem::remove(file_in(dir));
  const auto journal = JournalFile::open(held->get());
  REQUIRE(journal);
  REQUIRE((*journal)->owed().size() == 1);
  REQUIRE((*journal)->settle(1));
  CHECK(JournalFile::open(held->get()).value()->owed().empty());
}

TEST_CASE("a journal cut off at any byte owes exactly the complete lines and can be continued") {
  const TemporaryDirectory dir;
  {
    auto journal = JournalFile::create(dir.path(), header());
    REQUIRE(journal);
    REQUIRE((*journal)->owe(intent("a")));
    REQUIRE((*journal)->owe(intent("b")));
    REQUIRE((*journal)->settle(1));
  }
  const auto whole = read_file(file_in(dir)).value();
  std::vector<std::size_t> ends;
  for (std::size_t at = 0; (at = whole.find('\n', at)) != std::string::npos; ++at)
    ends.push_back(at);
  REQUIRE(ends.size() == 4);
  const std::size_t owed_after[] = {0, 0, 1, 2, 1};
  for (std::size_t cut = ends[0]; cut <= whole.size(); ++cut) {
    std::ofstream(file_in(dir), std::ios::trunc) << whole.substr(0, cut);
    const auto lines =
        std::count_if(ends.begin(), ends.end(), [&](auto end) { return end <= cut; });
    auto journal = JournalFile::open(dir.path());
    REQUIRE(journal);
    CHECK((*journal)->owed().size() == owed_after[lines]);
    REQUIRE((*journal)->owe(intent("later")));
    auto again = JournalFile::read(dir.path());
    REQUIRE(again);
    CHECK((*again)->owed().size() == owed_after[lines] + 1);
  }
}

TEST_CASE("a damaged line is reported and the rest is used") {
  const TemporaryDirectory dir;
  {
    auto journal = JournalFile::create(dir.path(), header());
    REQUIRE(journal);
    REQUIRE((*journal)->owe(intent("a")));
    REQUIRE((*journal)->owe(intent("b")));
  }
  auto text = read_file(file_in(dir)).value();
  text[text.find("do a")] = 'X';
  std::ofstream(file_in(dir), std::ios::trunc) << text;
  auto journal = JournalFile::read(dir.path());
  REQUIRE(journal);
  REQUIRE((*journal)->problems().size() == 1);
  CHECK((*journal)->problems()[0].find("line 2 is damaged") != std::string::npos);
  REQUIRE((*journal)->owed().size() == 1);
  CHECK((*journal)->owed()[0].intent.sentence == "do b");
}

TEST_CASE("rollback goes newest first, never stops early, and settles what worked") {
  const TemporaryDirectory dir;
  auto journal = JournalFile::create(dir.path(), header());
  REQUIRE(journal);
  for (const auto* name : {"a", "b", "c"}) REQUIRE((*journal)->owe(intent(name)));
  std::vector<std::string> order;
  const Rollback rollback([&](const UndoRecord& undo, const ChangeToken&) -> Result<> {
    order.push_back(*undo.find("name"));
    if (order.back() == "b") return Error{ErrorKind::system, "b is stuck", {}, {}, 0};
    return {};
  });
  const auto report = testing::undo_all(rollback, **journal);
  CHECK(order == std::vector<std::string>{"c", "b", "a"});
  CHECK(report.settled == 2);
  REQUIRE(report.left.size() == 1);
  CHECK(report.left[0].error.what == "b is stuck");
  const auto again = JournalFile::read(dir.path());
  REQUIRE(again);
  REQUIRE((*again)->owed().size() == 1);
  CHECK((*again)->owed()[0].intent.sentence == "do b");
}

TEST_CASE("patience tries what failed again, newest first, and settles once all is tried") {
  const TemporaryDirectory dir;
  auto journal = JournalFile::create(dir.path(), header());
  REQUIRE(journal);
  for (const auto* name : {"a", "b", "c", "d"}) REQUIRE((*journal)->owe(intent(name)));
  std::string order;
  const Rollback rollback([&](const UndoRecord& undo, const ChangeToken&) -> Result<> {
    const auto name = *undo.find("name");
    order += name;
    CHECK(JournalFile::read(dir.path()).value()->owed().size() == 4);
    // a works the second time, c the third, d never.
    const auto tries = std::ranges::count(order, name[0]);
    if ((name == "a" && tries < 2) || (name == "c" && tries < 3) || name == "d")
      return Error{ErrorKind::system, name + " is busy", {}, {}, 0};
    return {};
  });
  const auto report = rollback.patiently(**journal, (*journal)->owed());
  CHECK(order == "dcbadcadc");
  CHECK(report.settled == 3);
  CHECK(report.undone == std::vector<std::uint64_t>{2, 1, 3});
  REQUIRE(report.left.size() == 1);
  CHECK(report.left[0].error.what == "d is busy");
  const auto owed = JournalFile::read(dir.path()).value()->owed();
  REQUIRE(owed.size() == 1);
  CHECK(owed[0].intent.sentence == "do d");
}

TEST_CASE("what is busy is asked again until it is not") {
  const TemporaryDirectory dir;
  auto journal = JournalFile::create(dir.path(), header());
  REQUIRE(journal);
  REQUIRE((*journal)->owe(intent("a")));
  int asked = 0;
  const Rollback rollback([&](const UndoRecord&, const ChangeToken&) -> Result<> {
    if (++asked < 5) return Error{ErrorKind::busy, "packets are inside", {}, {}, 0};
    return {};
  });
  CHECK(rollback.patiently(**journal, (*journal)->owed()).clean());
  CHECK(asked == 5);
}

TEST_CASE("a revert that throws costs only itself") {
  const TemporaryDirectory dir;
  auto journal = JournalFile::create(dir.path(), header());
  REQUIRE(journal);
  for (const auto* name : {"a", "b", "c"}) REQUIRE((*journal)->owe(intent(name)));
  const Rollback rollback([](const UndoRecord& undo, const ChangeToken&) -> Result<> {
    if (*undo.find("name") == "b") throw std::bad_alloc();
    return {};
  });
  const auto report = testing::undo_all(rollback, **journal);
  CHECK(report.settled == 2);
  REQUIRE(report.left.size() == 1);
  CHECK(report.left[0].owed.intent.sentence == "do b");
  CHECK(report.left[0].error.what == "std::bad_alloc");
}

TEST_CASE("nothing is settled before everything is undone") {
  const TemporaryDirectory dir;
  auto journal = JournalFile::create(dir.path(), header());
  REQUIRE(journal);
  for (const auto* name : {"a", "b", "c"}) REQUIRE((*journal)->owe(intent(name)));
  std::size_t undone = 0;
  const Rollback rollback([&](const UndoRecord&, const ChangeToken&) -> Result<> {
    ++undone;
    CHECK(JournalFile::read(dir.path()).value()->owed().size() == 3);
    return {};
  });
  CHECK(testing::undo_all(rollback, **journal).clean());
  CHECK(undone == 3);
  CHECK(JournalFile::read(dir.path()).value()->owed().empty());
}

TEST_CASE("a write that was cut short spoils no line but its own") {
  const TemporaryDirectory dir;
  auto journal = JournalFile::create(dir.path(), header());
  REQUIRE(journal);
  REQUIRE((*journal)->owe(intent("a")));
  const auto size = std::filesystem::file_size(file_in(dir));
  {
    const SizeLimit limit(size + 20);
    CHECK_FALSE((*journal)->owe(intent("b")));
    CHECK_FALSE((*journal)->owe(intent("c")));
  }
  CHECK(std::filesystem::file_size(file_in(dir)) == size + 20);
  REQUIRE((*journal)->owe(intent("d")));
  const auto again = JournalFile::read(dir.path());
  REQUIRE(again);
  CHECK((*again)->problems().empty());
  REQUIRE((*again)->owed().size() == 2);
  CHECK((*again)->owed()[1].intent.sentence == "do d");
}

TEST_CASE("space is reserved, and the file stays plain text") {
  const TemporaryDirectory dir;
  auto journal = JournalFile::create(dir.path(), header());
  REQUIRE(journal);
  struct stat found{};
  const int known = ::stat(file_in(dir).c_str(), &found);
  REQUIRE(known == 0);
  CHECK(found.st_blocks * 512 >= 256 * 1024);
  CHECK(read_file(file_in(dir)).value().size() == static_cast<std::size_t>(found.st_size));
  CHECK(found.st_size < 4096);
}

TEST_CASE("space is reserved behind a header of any size") {
  const TemporaryDirectory dir;
  auto large = header();
  large.scenario.assign(1 << 20, '#');
  auto journal = JournalFile::create(dir.path(), large);
  REQUIRE(journal);
  struct stat found{};
  const int known = ::stat(file_in(dir).c_str(), &found);
  REQUIRE(known == 0);
  CHECK(found.st_blocks * 512 >= found.st_size + 256 * 1024);
}
