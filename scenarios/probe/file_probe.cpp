// SPDX-License-Identifier: Apache-2.0
//
// file: is it there, how old, how large, what does it say. Only regular files are
// opened: opening a FIFO or a device can block, or do something. Looked at by a process
// of its own, since even that can hang, on a mount whose server is gone.

#include "safety/base/file.hpp"
#include "scenarios/probe/answering.hpp"
#include "scenarios/probe/make.hpp"
#include "scenarios/probe/onlooker.hpp"

#include <cerrno>
#include <cstring>
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

// What was seen of it, as it comes from the process that looks.
struct Glimpse {
  enum class Kind : char { missing, there, not_regular, unseen };
  Kind kind = Kind::missing;
  std::int64_t size = 0;
  std::int64_t written_ns = 0;
};

static_assert(Onlooker::kMost >= kTextKept + sizeof(Glimpse));

std::string packed(const Glimpse& glimpse, std::string_view text = {}) {
  std::string made(sizeof glimpse, '\0');
  std::memcpy(made.data(), &glimpse, sizeof glimpse);
  return made.append(text);
}

std::string unseen(const std::string& attempt) {
  return packed({Glimpse::Kind::unseen}, sys_error(attempt).sentence());
}

// Kernel: files of /proc, /sys and cgroups give at most a page for each read.
bool read_text(int file, std::string& text) {
  text.resize(kTextKept);
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::read(file, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno != EAGAIN || size == 0)) return false;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return true;
}

// Kernel: a path descriptor does not open what it names, so no FIFO is waited for and
// no device touched; through /proc/self/fd the very same file is then opened.
std::string look(const std::string& path, bool asks_text) {
  const auto name = "'" + path + "'";
  const Fd place{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (!place && (errno == ENOENT || errno == ENOTDIR)) return packed({});
  if (!place) return unseen("open " + name);
  struct stat state{};
  if (::fstat(place.get(), &state) != 0) return unseen("look at " + name);
  const Glimpse seen{Glimpse::Kind::there, state.st_size,
                     state.st_mtim.tv_sec * 1'000'000'000LL + state.st_mtim.tv_nsec};
  if (!asks_text) return packed(seen);
  if (!S_ISREG(state.st_mode)) return packed({Glimpse::Kind::not_regular});
  const Fd file{::open(("/proc/self/fd/" + std::to_string(place.get())).c_str(),
                       O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (!file) return unseen("open " + name);
  std::string text;
  return read_text(file.get(), text) ? packed(seen, text) : unseen("read " + name);
}

// What the metadata says; the content comes after.
void judge_state(const FileExpectation& expect, const Glimpse& state, Seen& seen) {
  const Duration age = Duration(realtime_ns()) - Duration(state.written_ns);
  const Bytes size{static_cast<std::uint64_t>(state.size)};
  seen.said = to_text(size) + ", " + to_rounded_text(age) + " old";
  seen.value = expect.size && !expect.age ? static_cast<double>(size.value)
                                          : std::chrono::duration<double>(age).count();
  const auto note = [&](std::string breach) {
    if (!breach.empty()) seen.breaches.push_back(std::move(breach));
  };
  if (expect.age) note(breach_of("age", *expect.age, age, to_rounded_text(age)));
  if (expect.size) note(breach_of("size", *expect.size, size, to_text(size)));
}

struct Asked {
  Params params;
  Judge judge;
};

void judge(Answering& answering, const Params& params, Sight sight) {
  if (!sight.error.empty()) return answering.fail(sight.error, sight.took, sight.timed_out);
  Glimpse glimpse;
  std::memcpy(&glimpse, sight.text.data(), sizeof glimpse);
  sight.text.erase(0, sizeof glimpse);
  const auto name = "'" + params.path + "'";
  Seen seen;
  seen.took = sight.took;
  const auto say = [&](std::string text, bool held) {
    if (!held) seen.breaches.push_back(text);
    seen.said = std::move(text);
    answering.judge(std::move(seen));
  };
  if (glimpse.kind == Glimpse::Kind::unseen) return say(std::move(sight.text), false);
  if (glimpse.kind == Glimpse::Kind::missing)
    return say(name + " is not there", !params.file.exists);
  if (!params.file.exists) return say(name + " is there", false);
  if (glimpse.kind == Glimpse::Kind::not_regular)
    return say(name + " is not a regular file", false);
  judge_state(params.file, glimpse, seen);
  if (!params.expect.asks_text()) return answering.judge(std::move(seen));
  seen.cut = sight.text.size() >= kTextKept;
  answering.judge(std::move(seen), std::move(sight.text));
}

class FileProbe final : public Probe {
 public:
  explicit FileProbe(const Params& params)
      : asked_(std::make_shared<Asked>(Asked{params, Judge(params.expect)})),
        onlooker_([path = params.path, asks_text = params.expect.asks_text()] {
          return look(path, asks_text);
        }) {}
  Watch ask(Loop& loop, Duration timeout, Done done) override {
    auto answering = std::make_shared<Answering>(
        loop, std::shared_ptr<Judge>(asked_, &asked_->judge), std::move(done));
    answering->wait_for(
        onlooker_.ask(loop, timeout, [&to = *answering, asked = asked_](Sight sight) {
          judge(to, asked->params, std::move(sight));
        }));
    return Watch(std::move(answering));
  }

 private:
  std::shared_ptr<Asked> asked_;
  Onlooker onlooker_;
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
