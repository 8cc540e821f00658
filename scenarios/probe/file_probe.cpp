// SPDX-License-Identifier: Apache-2.0
//
// file: is it there, how old, how large, what does it say. Only regular files are
// opened: opening a FIFO or a device can block, or do something.

#include "safety/base/file.hpp"
#include "scenarios/probe/expectation.hpp"
#include "scenarios/probe/make.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace squall {
namespace {

struct FileExpectation {
  bool exists = true;
  std::optional<Limit<Duration>> age;
  std::optional<Limit<Bytes>> size;
};

struct Params {
  std::string path;
  FileExpectation file;
  Expectation expect;
};

const Table<Params>& table() {
  static const Table<Params> made = [] {
    Table<Params> all({field("path", &Params::path, "path of the file").required()},
                      {{"path must be absolute, beginning with '/'",
                        [](const Params& p) { return p.path.starts_with('/'); }},
                       {"what does not exist has no age, size or content", [](const Params& p) {
                          return p.file.exists ||
                                 (!p.file.age && !p.file.size && !p.expect.asks_text());
                        }}});
    all.add(group<Params, FileExpectation>(
        "expect", &Params::file,
        {field("exists", &FileExpectation::exists, "whether the file is there"),
         field("age", &FileExpectation::age, "time since it was last written"),
         field("size", &FileExpectation::size, "size of the file")}));
    all.add(group("expect", &Params::expect, text_fields()));
    return all;
  }();
  return made;
}

// What the metadata says; the content comes after.
void judge_state(const FileExpectation& expect, const struct stat& state, Seen& seen) {
  const auto written = std::chrono::seconds(state.st_mtim.tv_sec) + Duration(state.st_mtim.tv_nsec);
  const Duration age = Duration(realtime_ns()) - written;
  const Bytes size{static_cast<std::uint64_t>(state.st_size)};
  seen.said = to_text(size) + ", " + to_rounded_text(age) + " old";
  seen.value = expect.size && !expect.age ? static_cast<double>(size.value)
                                          : std::chrono::duration<double>(age).count();
  const auto note = [&](std::string breach) {
    if (!breach.empty()) seen.breaches.push_back(std::move(breach));
  };
  if (expect.age) note(breach_of("age", *expect.age, age, to_rounded_text(age)));
  if (expect.size) note(breach_of("size", *expect.size, size, to_text(size)));
}

// Kernel: a path descriptor does not open what it names, so no FIFO is waited for and
// no device touched; through /proc/self/fd the very same file is then opened.
ProbeAnswer look(const Params& params, Judge& judge, Instant now) {
  const auto said = [&](std::string text, bool held) {
    ProbeAnswer answer;
    answer.held = held;
    if (!held) answer.why = text;
    answer.said = std::move(text);
    return answer;
  };
  const auto name = "'" + params.path + "'";
  const Fd place{::open(params.path.c_str(), O_PATH | O_CLOEXEC)};
  const int code = errno;
  if (!place && (code == ENOENT || code == ENOTDIR))
    return said(name + " is not there", !params.file.exists);
  if (!place) return said(sys_error("open " + name, code).sentence(), false);
  if (!params.file.exists) return said(name + " is there", false);
  struct stat state{};
  if (::fstat(place.get(), &state) != 0)
    return said(sys_error("look at " + name).sentence(), false);
  Seen seen;
  judge_state(params.file, state, seen);
  if (!params.expect.asks_text()) return judge.judge(now, seen);
  if (!S_ISREG(state.st_mode)) return said(name + " is not a regular file", false);
  const Fd file{::open(("/proc/self/fd/" + std::to_string(place.get())).c_str(),
                       O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (!file) return said(sys_error("open " + name).sentence(), false);
  std::string text(kTextKept, '\0');
  const auto got = ::read(file.get(), text.data(), text.size());
  if (got < 0) return said(sys_error("read " + name).sentence(), false);
  text.resize(static_cast<std::size_t>(got));
  seen.text = text;
  PatternSearch search;
  while (params.expect.matches && !search.step(*params.expect.matches, text)) {
  }
  seen.found = search.found();
  seen.cut = text.size() == kTextKept;
  return judge.judge(now, seen);
}

struct Asked {
  Params params;
  Judge judge;
};

class FileProbe final : public Probe {
 public:
  explicit FileProbe(const Params& params)
      : asked_(std::make_shared<Asked>(Asked{params, Judge(params.expect)})) {}
  Watch ask(Loop& loop, Duration, Done done) override {
    return loop.after(Duration::zero(), [&loop, asked = asked_, done = std::move(done)] {
      const auto began = loop.now();
      auto answer = look(asked->params, asked->judge, began);
      answer.latency = loop.now() - began;
      done(std::move(answer));
    });
  }

 private:
  std::shared_ptr<Asked> asked_;
};

}  // namespace

const ProbeKind& file_probe_kind() {
  static const ProbeKind kind{"file", "look at a file's age, size and content", table().sheet(),
                              "[[probe]]\nname = \"figures are fresh\"\nkind = \"file\"\n"
                              "path = \"/run/gateway/stats.json\"\n"
                              "expect = { age = \"< 3s\", json = { \"/errors\" = 0 } }\n",
                              probe_maker<FileProbe>("file", table())};
  return kind;
}

}  // namespace squall
