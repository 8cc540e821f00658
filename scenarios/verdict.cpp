// SPDX-License-Identifier: Apache-2.0

#include "scenarios/verdict.hpp"

namespace squall {
namespace {

void conclude(RunResult& result, Outcome outcome, int exit_code, std::string reason,
              std::string hint = {}) {
  result.outcome = outcome;
  result.exit_code = exit_code;
  result.reason = std::move(reason);
  result.hint = std::move(hint);
}

}  // namespace

void judge(const Story& story, RunResult& result) {
  if (!result.residue.empty())
    return conclude(result, Outcome::not_clean, 5,
                    "something of ours is left on this host: " + result.residue.front().what,
                    "try 'squall recover'; if it fails, run the commands below by hand");
  if (!story.bug.empty())
    return conclude(result, Outcome::internal_error, 70, "internal error: " + story.bug,
                    "please report it");
  if (story.refused)
    return conclude(result, Outcome::refused, 3, story.refused->sentence(), story.refused->hint);
  if (story.aborted) return conclude(result, Outcome::aborted, 4, story.aborted->why);
  if (!story.breach.empty()) return conclude(result, Outcome::deviated, 1, story.breach);
  conclude(result, Outcome::held, 0, "");
}

}  // namespace squall
