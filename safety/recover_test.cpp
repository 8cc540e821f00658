// SPDX-License-Identifier: Apache-2.0

#include "safety/recover.hpp"

#include "safety/base/file.hpp"
#include "safety/lock.hpp"
#include "safety/undo/journal_file.hpp"
#include "safety/unsettled.hpp"
#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <set>

using namespace squall;
using squall::testing::TemporaryDirectory;

namespace {

// A machine whose whole state is a set of names; undoing removes one.
struct Things {
  std::set<std::string> there;
  std::set<std::string> stuck;
  Rollback rollback() {
    return Rollback([this](const UndoRecord& undo, const ChangeToken&) -> Result<> {
      const auto name = *undo.find("name");
      if (stuck.contains(name))
        return Error{ErrorKind::system, "'" + name + "' is stuck", {}, {}, 0};
      there.erase(name);
      return {};
    });
  }
};

Intent make(const std::string& name, bool survives = false) {
  return {"make " + name, {"toy", {{"name", name}}}, "remove " + name, "rm " + name, survives};
}

Result<std::vector<Intent>> no_strays() { return std::vector<Intent>{}; }

// A run that died with these owed.
void dead_run(const Paths& paths, const std::string& run, const std::string& boot,
              const std::vector<Intent>& owed) {
  REQUIRE(make_directories(paths.of_run(run)));
  REQUIRE(mark_unsettled(paths.of_run(run)));
  auto journal = JournalFile::create(paths.of_run(run), {run, boot, "0", "", "", 1, {}});
  REQUIRE(journal);
  for (const auto& each : owed) REQUIRE((*journal)->owe(each));
}

}  // namespace

TEST_CASE("recovery settles what dead runs owe, and finds nothing the second time") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  Things things{{"a", "b"}, {}};
  dead_run(paths, "r1", boot_id(), {make("a")});
  dead_run(paths, "r2", boot_id(), {make("b")});
  REQUIRE(find_owed(paths).value().size() == 2);
  const auto report = recover(paths, things.rollback(), no_strays);
  REQUIRE(report);
  CHECK(report->settled == 2);
  CHECK(report->clean());
  CHECK(things.there.empty());
  CHECK(find_owed(paths).value().empty());
  CHECK(recover(paths, things.rollback(), no_strays)->settled == 0);
}

TEST_CASE("after a reboot only what survives one is owed") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  Things things{{"kernel", "disk"}, {}};
  dead_run(paths, "r1", "another boot", {make("kernel"), make("disk", true)});
  const auto report = recover(paths, things.rollback(), no_strays);
  REQUIRE(report);
  CHECK(report->settled == 1);
  CHECK(report->runs.at(0).gone_by_reboot == 1);
  CHECK(things.there == std::set<std::string>{"kernel"});
  CHECK(find_owed(paths).value().empty());
}

TEST_CASE("what cannot be undone stays owed, and the rest is undone") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  Things things{{"a", "b", "c"}, {"b"}};
  dead_run(paths, "r1", boot_id(), {make("a"), make("b"), make("c")});
  const auto report = recover(paths, things.rollback(), no_strays);
  REQUIRE(report);
  CHECK_FALSE(report->clean());
  CHECK(report->left.at(0).owed.intent.by_hand == "rm b");
  CHECK(things.there == std::set<std::string>{"b"});
  REQUIRE(find_owed(paths).value().size() == 1);
  things.stuck.clear();
  CHECK(recover(paths, things.rollback(), no_strays)->clean());
  CHECK(things.there.empty());
}

TEST_CASE("strays are removed without any journal") {
  const TemporaryDirectory dir;
  Things things{{"stray"}, {}};
  const auto report = recover(dir.paths(), things.rollback(), [] {
    return Result<std::vector<Intent>>(std::vector{make("stray")});
  });
  REQUIRE(report);
  CHECK(report->strays == 1);
  CHECK(things.there.empty());
}

TEST_CASE("a run that died before its journal existed owes nothing") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  REQUIRE(make_directories(paths.of_run("r1")));
  REQUIRE(mark_unsettled(paths.of_run("r1")));
  CHECK(find_owed(paths).value().empty());
  Things things;
  CHECK(recover(paths, things.rollback(), no_strays)->clean());
  CHECK(unsettled_runs(paths).value().empty());
}

TEST_CASE("a journal that nobody can read is reported, and its run stays unsettled") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  dead_run(paths, "r1", boot_id(), {make("a"), make("b")});
  const auto file = paths.of_run("r1") + "/journal.jsonl";
  auto text = read_file(file).value();
  text[text.find("make a")] = 'X';
  REQUIRE(replace_file(file, text));
  const auto owed = find_owed(paths);
  REQUIRE(owed);
  REQUIRE(owed->size() == 1);
  CHECK(owed->at(0).problem.find("line 2 is damaged") != std::string::npos);
  CHECK(owed->at(0).owed.size() == 1);
}

TEST_CASE("a run whose journal cannot be opened is not clean") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  REQUIRE(make_directories(paths.of_run("r1") + "/journal.jsonl"));
  REQUIRE(mark_unsettled(paths.of_run("r1")));
  Things things;
  const auto report = recover(paths, things.rollback(), no_strays);
  REQUIRE(report);
  CHECK_FALSE(report->clean());
  CHECK(report->left.at(0).owed.intent.by_hand.find("journal.jsonl") != std::string::npos);
  CHECK(unsettled_runs(paths).value().size() == 1);
}

TEST_CASE("a journal whose header is damaged is taken to be of this boot") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  Things things{{"a"}, {}};
  dead_run(paths, "r1", boot_id(), {make("a")});
  const auto file = paths.of_run("r1") + "/journal.jsonl";
  auto text = read_file(file).value();
  text[text.find("r1")] = 'X';
  REQUIRE(replace_file(file, text));
  CHECK(recover(paths, things.rollback(), no_strays)->settled == 1);
  CHECK(things.there.empty());
}

TEST_CASE("while a run holds the host, neither a run nor a recovery starts") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  const auto held = HostLock::take(paths, "run r1");
  REQUIRE(held);
  CHECK(HostLock::holder(paths).find("run r1 (pid ") == 0);
  Things things;
  const auto refused = recover(paths, things.rollback(), no_strays);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::refused);
  CHECK(refused.error().what.find("run r1") != std::string::npos);
}
