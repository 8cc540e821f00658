// SPDX-License-Identifier: Apache-2.0
//
// heartbeat: abort when a file is no longer touched. Whoever touches it, a person's
// script or a supervisor, holds a dead man's switch.

#include "safety/base/file.hpp"
#include "safety/guard/make.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>

namespace squall {
namespace {

struct Params {
  std::string file;
  Duration within = 5s;
};

const Table<Params>& table() {
  static const Table<Params> made(
      {field("file", &Params::file, "path of the file that is touched").required(),
       field("within", &Params::within, "longest time between two touches")
           .range<Duration>(10ms, 24h)},
      {{"file must be absolute, beginning with '/'",
        [](const Params& p) { return p.file.starts_with('/'); }}});
  return made;
}

class HeartbeatGuard final : public Guard {
 public:
  explicit HeartbeatGuard(Params params) : params_(std::move(params)) {}

  std::string name() const override { return "heartbeat " + params_.file; }

  GuardWord look() override {
    struct stat state{};
    if (::stat(params_.file.c_str(), &state) != 0) {
      if (errno == ENOENT || errno == ENOTDIR)
        return {GuardWord::Kind::abort, "'" + params_.file + "' is not there", ""};
      return {GuardWord::Kind::blind, sys_error("look at '" + params_.file + "'").sentence(), ""};
    }
    const auto age =
        note(std::chrono::seconds(state.st_mtim.tv_sec) + Duration(state.st_mtim.tv_nsec));
    const auto text = to_rounded_text(age);
    if (age <= params_.within) return {GuardWord::Kind::carry_on, "", text};
    return {GuardWord::Kind::abort,
            "'" + params_.file + "' was last touched " + text + " ago, the limit is " +
                to_text(params_.within),
            text};
  }

  // Wakes when the file is due, so that a missed touch is seen at once.
  Result<Watch> arm(Loop& loop, Say say) override {
    auto due = std::make_shared<Due>(Due{loop, std::move(say), {}});
    wait(*due);
    return Watch(std::move(due));
  }

 private:
  struct Due {
    Loop& loop;
    Say say;
    Watch timer;
  };
  void wait(Due& due) {
    const auto left = params_.within - (Duration(monotonic_ns()) - touched_);
    due.timer = due.loop.after(std::max(left, Duration::zero()) + 1ms, [this, &due] {
      if (const auto word = look(); word.kind == GuardWord::Kind::carry_on)
        wait(due);
      else
        due.say(word);
    });
  }

  // How long ago it was touched. The wall clock is asked only once: a run may set it.
  Duration note(Duration modified) {
    const Duration now(monotonic_ns());
    if (modified_ == Duration{})
      touched_ = now - std::max(Duration(realtime_ns()) - modified, Duration::zero());
    else if (modified != modified_)
      touched_ = now;
    modified_ = modified;
    return now - touched_;
  }

  const Params params_;
  Duration modified_{};  // by the file's own clock
  Duration touched_{};   // by ours, monotonic
};

}  // namespace

const GuardKind& heartbeat_guard_kind() {
  static const GuardKind kind{
      "heartbeat", "abort when a file is no longer touched", table().sheet(),
      "[[guard]]\nkind = \"heartbeat\"\nfile = \"/run/gameday/alive\"\nwithin = \"5s\"\n",
      guard_maker<HeartbeatGuard>("heartbeat", table())};
  return kind;
}

}  // namespace squall
