// SPDX-License-Identifier: Apache-2.0

#include "scenarios/probe/answering.hpp"

namespace squall {

void Answering::judge(Seen seen) { tell(judge_->judge(loop_.now(), seen)); }

void Answering::judge(Seen seen, std::string text, PatternSearch begun) {
  seen_ = std::move(seen);
  text_ = std::move(text);
  search_ = begun;
  search();
}

void Answering::fail(std::string why, Duration waited, bool counts) {
  tell(judge_->fail(loop_.now(), std::move(why), waited, counts));
}

void Answering::search() {
  const auto& pattern = judge_->expectation().matches;
  if (pattern && !search_.step(*pattern, text_))
    return void(next_ = loop_.after(Duration::zero(), [this] { search(); }));
  seen_.text = text_;
  seen_.found = search_.found();
  judge(std::move(seen_));
}

void Answering::tell(ProbeAnswer answer) {
  const auto done = std::move(done_);
  done(std::move(answer));
}

}  // namespace squall
