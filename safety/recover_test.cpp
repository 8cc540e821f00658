// SPDX-License-Identifier: Apache-2.0

#include "safety/recover.hpp"

#include "safety/base/file.hpp"
#include "safety/lock.hpp"
#include "safety/undo/journal_file.hpp"
#include "safety/unsettled.hpp"
#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

// A directory whose one read-only file not even root can open for writing: as nobody.
class AsNobody {
 public:
  AsNobody(const std::string& directory, const std::string& read_only) {
    namespace fs = std::filesystem;
    for (const auto& each : fs::recursive_directory_iterator(directory))
      fs::permissions(each.path(), fs::perms(0777));
    fs::permissions(directory, fs::perms(0777));
    fs::permissions(read_only, fs::perms(0444));
    if (::geteuid() == 0) changed_ = ::seteuid(65534) == 0;
  }
  ~AsNobody() {
    if (changed_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  bool changed_ = false;
};

Strays no_strays() { return {}; }

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

TEST_CASE("a run whose every change went with the reboot is told, and owes nothing") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  Things things;
  dead_run(paths, "r1", "another boot", {make("a"), make("b")});
  const auto report = recover(paths, things.rollback(), no_strays);
  REQUIRE(report);
  CHECK(report->clean());
  CHECK(report->settled == 0);
  REQUIRE(report->runs.size() == 1);
  CHECK(report->runs[0].gone_by_reboot == 2);
  CHECK(recover(paths, things.rollback(), no_strays)->runs.empty());
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
  const auto report =
      recover(dir.paths(), things.rollback(), [] { return Strays{{make("stray")}, {}, {}}; });
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
  Things things{{"a", "b"}, {}};
  const auto report = recover(paths, things.rollback(), no_strays);
  REQUIRE(report);
  CHECK(things.there == std::set<std::string>{"a"});
  CHECK(report->settled == 1);
  CHECK_FALSE(report->clean());
  REQUIRE(report->left.size() == 1);
  CHECK(report->left[0].error.what.find("line 2 is damaged") != std::string::npos);
  CHECK(report->left[0].owed.intent.by_hand.find(file) != std::string::npos);
  CHECK(unsettled_runs(paths).value().size() == 1);
}

TEST_CASE("a line whose writing was cut short is no damage, also when the journal was continued") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  Things things{{"a"}, {}};
  dead_run(paths, "r1", boot_id(), {make("a"), make("b")});
  const auto file = paths.of_run("r1") + "/journal.jsonl";
  const auto text = read_file(file).value();
  REQUIRE(replace_file(file, text.substr(0, text.size() - 9)));
  REQUIRE(JournalFile::open(paths.of_run("r1")).value()->sync());
  things.stuck = {"a"};
  CHECK(recover(paths, things.rollback(), no_strays)->left.size() == 1);
  things.stuck.clear();
  const auto report = recover(paths, things.rollback(), no_strays);
  REQUIRE(report);
  CHECK(report->clean());
  CHECK(report->settled == 1);
  CHECK(unsettled_runs(paths).value().empty());
}

TEST_CASE("a boot that is not known counts as the same one") {
  CHECK(is_another_boot("a", "b"));
  CHECK_FALSE(is_another_boot("a", "a"));
  CHECK_FALSE(is_another_boot("", "a"));
  CHECK_FALSE(is_another_boot("a", ""));
}

TEST_CASE("a journal that cannot be written is undone all the same") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  Things things{{"a", "b"}, {}};
  dead_run(paths, "r1", boot_id(), {make("a"), make("b")});
  const auto file = paths.of_run("r1") + "/journal.jsonl";
  const AsNobody nobody(dir.path(), file);
  REQUIRE_FALSE(Fd{::open(file.c_str(), O_WRONLY | O_CLOEXEC)});
  const auto report = recover(paths, things.rollback(), no_strays);
  REQUIRE(report);
  CHECK(things.there.empty());
  CHECK(report->settled == 2);
  REQUIRE(report->complaints.size() == 1);
  CHECK(report->complaints[0].find("journal.jsonl") != std::string::npos);
}

TEST_CASE("a run that lives is left alone, whatever lock it took") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  Things things{{"a", "b"}, {}};
  dead_run(paths, "r1", boot_id(), {make("a")});
  dead_run(paths, "r2", boot_id(), {make("b")});
  {
    const auto alive = claim_run(paths.of_run("r1"));
    REQUIRE(alive);
    CHECK(find_owed(paths).value().at(0).active);
    const auto report = recover(paths, things.rollback(), no_strays);
    REQUIRE(report);
    CHECK(things.there == std::set<std::string>{"a"});
    CHECK_FALSE(report->looked_everywhere());
    REQUIRE(report->active.size() == 1);
    CHECK(report->active[0].find("'r1' is active") != std::string::npos);
  }
  CHECK_FALSE(find_owed(paths).value().at(0).active);
  CHECK(recover(paths, things.rollback(), no_strays)->looked_everywhere());
  CHECK(things.there.empty());
}

TEST_CASE("a look for strays that failed is not clean") {
  const TemporaryDirectory dir;
  Things things;
  const auto report = recover(dir.paths(), things.rollback(),
                              [] { return Strays{{}, {"'toy': no permission"}, {}}; });
  REQUIRE(report);
  CHECK_FALSE(report->clean());
  CHECK_FALSE(report->looked_everywhere());
}

TEST_CASE("nobody else can open the lock, and asking who holds it takes nothing") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  REQUIRE(make_directories(paths.run));
  REQUIRE(replace_file(paths.lock(), ""));
  std::filesystem::permissions(paths.lock(), std::filesystem::perms(0644));
  CHECK(HostLock::holder(paths).empty());
  const Fd looking{::open(paths.lock().c_str(), O_RDONLY | O_CLOEXEC)};
  REQUIRE(::flock(looking.get(), LOCK_SH) == 0);
  CHECK(HostLock::take(paths, "run r1"));
  CHECK(std::filesystem::status(paths.lock()).permissions() == std::filesystem::perms(0600));
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

TEST_CASE("where journals cannot be listed, marks are looked for all the same") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  REQUIRE(make_directories(paths.state));
  std::ofstream(paths.state + "/unsettled") << "no directory";
  Things things{{"stray"}, {}};
  const auto report =
      recover(paths, things.rollback(), [] { return Strays{{make("stray")}, {}, {}}; });
  REQUIRE(report);
  CHECK(report->strays == 1);
  CHECK(things.there.empty());
  REQUIRE(report->unseen.size() == 1);
  CHECK(report->unseen[0].contains("unsettled"));
  CHECK_FALSE(report->clean());
}

TEST_CASE("a stopped watchdog of a dead runner is named, continued and waited for") {
  const TemporaryDirectory dir;
  const auto paths = dir.paths();
  const pid_t runner = ::fork();
  if (runner == 0) {
    const auto lock = HostLock::take(paths, "run r1");
    const pid_t watchdog = lock ? ::fork() : -1;
    if (watchdog == 0) {
      ::prctl(PR_SET_NAME, "squall-watchdog");
      ::raise(SIGSTOP);
      ::_exit(0);
    }
    int status = 0;
    const bool stopped = ::waitpid(watchdog, &status, WUNTRACED) == watchdog;
    ::_exit(stopped && HostLock::note_watchdog(lock->fd(), watchdog) ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(runner, &status, 0) == runner);
  REQUIRE(status == 0);
  const auto refused = HostLock::take(paths, "run r2");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what.starts_with("run r1 (pid " + std::to_string(runner) + ") is dead"));
  CHECK(refused.error().hint.contains("kill -9 "));
  CHECK(HostLock::objection(paths)->what == refused.error().what);
  Things things;
  CHECK(recover(paths, things.rollback(), no_strays));
  CHECK_FALSE(HostLock::objection(paths));
}
