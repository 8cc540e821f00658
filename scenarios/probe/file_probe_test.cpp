// SPDX-License-Identifier: Apache-2.0

#include "tests/support/asking.hpp"

#include <fstream>
#include <iterator>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

namespace squall {
namespace {

using namespace testing;

struct File {
  explicit File(const std::string& text = "")
      : path("/tmp/squall-probes-file-" + std::to_string(::getpid())) {
    ::unlink(path.c_str());
    if (!text.empty()) std::ofstream(path) << text;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::unlink(path.c_str()); }
  std::unique_ptr<Probe> probe(Settings more = {}) const {
    more.push_back(setting("path", path));
    return make_probe("file", more);
  }
  std::string path;
};

TEST_CASE("file: whether it is there") {
  const auto loop = make_loop();
  const File none;
  CHECK(ask(*loop, *none.probe()).answer.why == "'" + none.path + "' is not there");
  CHECK(ask(*loop, *none.probe({setting("expect.exists", false)})).answer.held);
  const File some("x");
  CHECK(ask(*loop, *some.probe()).answer.held);
  CHECK(ask(*loop, *some.probe({setting("expect.exists", false)})).answer.why ==
        "'" + some.path + "' is there");
}

TEST_CASE("file: age, size and content") {
  const auto loop = make_loop();
  const File file("{\"errors\": 3}\nlag 12.5 ms\n");
  const auto fresh =
      ask(*loop, *file.probe({setting("expect.age", std::string("< 10s")),
                              setting("expect.size", std::string("< 1KiB")),
                              setting("expect.matches", std::string("lag ([0-9.]+)")),
                              setting("expect.number", std::string("< 20"))}));
  CHECK(fresh.answer.held);
  CHECK(fresh.answer.value == 12.5);
  const timeval hour_ago[2] = {{::time(nullptr) - 3600, 0}, {::time(nullptr) - 3600, 0}};
  REQUIRE(::utimes(file.path.c_str(), hour_ago) == 0);
  const auto old = ask(*loop, *file.probe({setting("expect.age", std::string("< 10s"))})).answer;
  CHECK(old.why.starts_with("age 1h"));
  CHECK(old.why.ends_with(" is not < 10s"));
  CHECK(*old.value == doctest::Approx(3600).epsilon(0.01));
  CHECK(ask(*loop, *file.probe({setting("expect.size", std::string("> 1MiB"))})).answer.why ==
        "size 26B is not > 1MiB");
}

TEST_CASE("file: a FIFO and a device are not opened") {
  const auto loop = make_loop();
  const File fifo;
  REQUIRE(::mkfifo(fifo.path.c_str(), 0600) == 0);
  const auto asked = ask(*loop, *fifo.probe({setting("expect.matches", std::string("x"))}));
  CHECK(asked.answer.why == "'" + fifo.path + "' is not a regular file");
  CHECK(asked.longest_hold < kSoon);
  const auto device = make_probe("file", {setting("path", std::string("/dev/zero")),
                                          setting("expect.matches", std::string("x"))});
  CHECK(ask(*loop, *device).answer.why == "'/dev/zero' is not a regular file");
}

TEST_CASE("file: a large file is read up to its limit, a file of /proc as it is") {
  const auto loop = make_loop();
  const File file(std::string(1'000'000, 'x') + "end");
  CHECK(ask(*loop, *file.probe({setting("expect.matches", std::string("^xxx"))})).answer.held);
  CHECK_FALSE(ask(*loop, *file.probe({setting("expect.matches", std::string("end"))})).answer.held);
  const auto proc =
      make_probe("file", {setting("path", "/proc/" + std::to_string(::getpid()) + "/status"),
                          setting("expect.matches", std::string("^Name:\tunit_tests"))});
  CHECK(ask(*loop, *proc).answer.held);
}

// Kernel: a file of /proc gives a page for each read.
TEST_CASE("file: a file of /proc is read beyond its first page") {
  const auto loop = make_loop();
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  constexpr std::size_t kMany = 100;  // mappings, none like its neighbours
  auto* const area = static_cast<char*>(
      ::mmap(nullptr, kMany * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  REQUIRE(area != MAP_FAILED);
  for (std::size_t i = 0; i < kMany; i += 2) ::mprotect(area + i * page, page, PROT_READ);
  const auto path = "/proc/" + std::to_string(::getpid()) + "/maps";
  std::ifstream maps(path);
  const std::string text{std::istreambuf_iterator<char>(maps), {}};
  REQUIRE(text.find("[stack]") > page);
  REQUIRE(text.find("[stack]") < 60'000);
  const auto probe = make_probe(
      "file", {setting("path", path), setting("expect.matches", std::string("\\[stack\\]$"))});
  CHECK(ask(*loop, *probe).answer.held);
  ::munmap(area, kMany * page);
}

TEST_CASE("file: expectations that contradict each other are refused") {
  CHECK(complaint_of("file", {setting("path", std::string("/x")), setting("expect.exists", false),
                              setting("expect.age", std::string("< 1s"))}) ==
        "error: file: what does not exist has no age, size or content");
  CHECK(complaint_of("file", {setting("path", std::string("x"))})
            .starts_with("error: file: path must be absolute"));
}

}  // namespace
}  // namespace squall
