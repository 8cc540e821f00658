// SPDX-License-Identifier: Apache-2.0
//
// command: abort when a health command of the operator's fails. Before the first
// change it is asked once and waited for; then at its own interval, from the loop.

#include "safety/base/child.hpp"
#include "safety/guard/make.hpp"

#include <memory>

namespace squall {
namespace {

struct Params {
  std::vector<std::string> command;
  Duration every = 1s;
  Duration timeout = 1s;
  std::int64_t failures = 1;
  Netns netns;
};

const Table<Params>& table() {
  static const Table<Params> made(
      {field("command", &Params::command, "program and its arguments, a list").required(),
       field("every", &Params::every, "time from one start to the next").range<Duration>(10ms, 24h),
       field("timeout", &Params::timeout, "longest time it may take").range<Duration>(1ms, 24h),
       field("failures", &Params::failures, "failures one after the other that count")
           .range<std::int64_t>(1, 1'000'000),
       field("namespace", &Params::netns, "network namespace to run in")},
      {{"write the program and each argument on its own: command = [\"pgrep\", \"gateway\"]",
        [](const Params& p) {
          return !p.command.empty() && !p.command[0].empty() &&
                 (p.command.size() > 1 || !p.command[0].contains(' '));
        }}});
  return made;
}

class CommandGuard final : public Guard {
 public:
  explicit CommandGuard(const Params& params)
      : params_(params), command_{params.command, params.netns} {}

  std::string name() const override {
    std::string made = "command";
    for (const auto& each : params_.command) made += " " + each;
    return made;
  }

  GuardWord look() override { return word_; }  // what was heard last

  // One failure refuses the run, however many count later.
  GuardWord first_look(const std::function<bool()>& go_on) override {
    const auto end = run_child_now(command_, params_.timeout, go_on);
    word_ = failed(end) ? objection(end) : GuardWord{GuardWord::Kind::carry_on, "", "ok"};
    return word_;
  }

  Result<Watch> arm(Loop& loop, Say say) override {
    auto asking = std::make_shared<Asking>(Asking{loop, std::move(say), {}, {}});
    ask(*asking);
    return Watch(std::move(asking));
  }

 private:
  struct Asking {
    Loop& loop;
    Say say;
    Watch child;
    Watch next;
  };

  void ask(Asking& asking) {
    const auto began = asking.loop.now();
    asking.child = run_child(
        asking.loop, command_, params_.timeout, [this, &asking, began](const ChildEnd& end) {
          const auto due = std::max(began + params_.every - asking.loop.now(), Duration::zero());
          asking.next = asking.loop.after(due, [this, &asking] { ask(asking); });
          hear(end);
          if (word_.kind != GuardWord::Kind::carry_on) asking.say(word_);
        });
  }

  static bool failed(const ChildEnd& end) {
    return end.kind != ChildEnd::Kind::exited || end.code != 0;
  }

  void hear(const ChildEnd& end) {
    failures_ = failed(end) ? failures_ + 1 : 0;
    if (failures_ >= params_.failures)
      word_ = objection(end);
    else
      word_ = {GuardWord::Kind::carry_on, "",
               failures_ == 0 ? "ok" : "failed " + std::to_string(failures_) + " times"};
  }

  // A command that cannot be started says nothing about the host's health.
  GuardWord objection(const ChildEnd& end) const {
    if (end.kind == ChildEnd::Kind::not_started) return {GuardWord::Kind::blind, end.why, ""};
    const auto why =
        end.kind == ChildEnd::Kind::exited ? "exit code " + std::to_string(end.code) : end.why;
    auto times = failures_ > 1 ? ", " + std::to_string(failures_) + " times in a row" : "";
    return {GuardWord::Kind::abort,
            "'" + params_.command[0] + "' " +
                (end.kind == ChildEnd::Kind::exited ? "failed with " : "") + why + times,
            "failed"};
  }

  const Params params_;
  const ChildCommand command_;
  std::int64_t failures_ = 0;
  GuardWord word_;
};

}  // namespace

const GuardKind& command_guard_kind() {
  static const GuardKind kind{
      "command", "abort when a health command fails", table().sheet(),
      "[[guard]]\nkind = \"command\"\ncommand = [\"systemctl\", \"is-active\", \"gateway\"]\n"
      "every = \"1s\"\ntimeout = \"500ms\"\nfailures = 3\n",
      guard_maker<CommandGuard>("command", table())};
  return kind;
}

}  // namespace squall
