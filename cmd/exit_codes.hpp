// SPDX-License-Identifier: Apache-2.0
//
// What the exit code of squall says. Scripts rely on it; the man page lists it from here.

#pragma once

#include "safety/base/result.hpp"

#include <array>
#include <string_view>

namespace squall {

enum class ExitCode {
  held = 0,
  deviated = 1,
  usage = 2,
  refused = 3,
  aborted = 4,
  not_clean = 5,
  internal = 70,
};

struct ExitMeaning {
  ExitCode code;
  std::string_view text;
};
inline constexpr std::array<ExitMeaning, 7> kExitMeanings = {{
    {ExitCode::held,
     "The hypothesis held; every change was undone and verified. Other commands: success."},
    {ExitCode::deviated, "The hypothesis did not hold; every change was undone and verified."},
    {ExitCode::usage, "The command line or the scenario is wrong; nothing was changed."},
    {ExitCode::refused,
     "Refused before any change: a missing capability, policy, a conflict, a lock, owed repairs, "
     "or "
     "a steady state that was not met at the start."},
    {ExitCode::aborted,
     "Aborted by a guard, the deadline or the operator; every change was undone and verified."},
    {ExitCode::not_clean,
     "The host is not clean: something of squall is left, and stderr says what and how to remove "
     "it "
     "by hand."},
    {ExitCode::internal, "Internal error (a bug). Rollback was still attempted."},
}};

constexpr ExitCode exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
    case ErrorKind::invalid:
      return ExitCode::usage;
    case ErrorKind::internal:
      return ExitCode::internal;
    case ErrorKind::refused:
    case ErrorKind::unsupported:
    case ErrorKind::gone:
    case ErrorKind::foreign:
    case ErrorKind::busy:
    case ErrorKind::system:
      return ExitCode::refused;
  }
  return ExitCode::internal;
}

}  // namespace squall
