// SPDX-License-Identifier: Apache-2.0
//
// command: run a program of the operator's and judge its exit code and output. It is
// started with an argument vector, and its process group ends with the question.

#include "safety/base/child.hpp"
#include "scenarios/probe/answering.hpp"
#include "scenarios/probe/make.hpp"

namespace squall {
namespace {

struct Params {
  std::vector<std::string> command;
  Netns netns;
  Expectation expect;
};

const Table<Params>& table() {
  static const Table<Params> made = [] {
    Table<Params> all(
        {field("command", &Params::command, "program and its arguments, a list").required(),
         field("namespace", &Params::netns, "network namespace to run in")},
        {{"write the program and each argument on its own: command = [\"pgrep\", \"gateway\"]",
          [](const Params& p) {
            return !p.command.empty() && !p.command[0].empty() &&
                   (p.command.size() > 1 || !p.command[0].contains(' '));
          }}});
    all.add(group("expect", &Params::expect, exit_code_fields()));
    all.add(group("expect", &Params::expect, latency_fields()));
    all.add(group("expect", &Params::expect, text_fields()));
    return all;
  }();
  return made;
}

struct Asked {
  ChildCommand command;
  Judge judge;
};

// The first line, for messages.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

void judge(Answering& answering, const std::string& program, const ChildEnd& end) {
  if (end.kind == ChildEnd::Kind::not_started) return answering.fail(end.why, end.took, false);
  if (end.kind != ChildEnd::Kind::exited)
    return answering.fail("'" + program + "' " + end.why, end.took,
                          end.kind == ChildEnd::Kind::timed_out);
  Seen seen;
  seen.said = "exit code " + std::to_string(end.code);
  seen.exit_code = end.code;
  seen.cut = end.cut;
  seen.latency = end.took;
  if (end.code != 0) seen.remark = readable(first_line(end.errors));
  answering.judge(std::move(seen), end.output);
}

class CommandProbe final : public Probe {
 public:
  explicit CommandProbe(Params params) {
    if (params.expect.exit_code.empty()) params.expect.exit_code = {{Op::equal, 0, 0}};
    asked_ = std::make_shared<Asked>(Asked{{std::move(params.command), std::move(params.netns)},
                                           Judge(std::move(params.expect))});
  }
  Watch ask(Loop& loop, Duration timeout, Done done) override {
    auto answering = std::make_shared<Answering>(
        loop, std::shared_ptr<Judge>(asked_, &asked_->judge), std::move(done));
    answering->wait_for(run_child(loop, asked_->command, timeout,
                                  [&to = *answering, asked = asked_](const ChildEnd& end) {
                                    judge(to, asked->command.argv[0], end);
                                  }));
    return Watch(std::move(answering));
  }
  void begin_phase() override { asked_->judge.begin_phase(); }

 private:
  std::shared_ptr<Asked> asked_;
};

}  // namespace

const ProbeKind& command_probe_kind() {
  static const ProbeKind kind{
      "command", "run a program and judge its exit code and output", table().sheet(),
      "[[probe]]\nname = \"queue is short\"\nkind = \"command\"\n"
      "command = [\"cat\", \"/var/lib/gateway/depth\"]\nexpect = { number = \"< 100\" }\n",
      probe_maker<CommandProbe>("command", table())};
  return kind;
}

}  // namespace squall
