// SPDX-License-Identifier: Apache-2.0

#include "cmd/app.hpp"
#include "cmd/settle.hpp"

#include <cerrno>
#include <csignal>
#include <exception>

namespace squall {
namespace {

ExitCode guarded(const std::vector<std::string>& words, Print& print) {
  std::string what;
  try {
    return run_app(words, print);
  } catch (const std::exception& bug) {
    what = bug.what();
  } catch (...) {
    what = "an unknown exception";
  }
  print.error({ErrorKind::internal, "internal error: " + what, "please report it", {}, 0});
  return settle_after_bug(print) ? ExitCode::internal : ExitCode::not_clean;
}

}  // namespace
}  // namespace squall

int main(int argc, char** argv) {
  // A reader of our output that goes away must not end a run. A handler, not SIG_IGN: that
  // would be inherited by the programs that probes start.
  struct sigaction ignore{};
  ignore.sa_handler = [](int) {};
  ::sigaction(SIGPIPE, &ignore, nullptr);
  // Where our caller ignores the end of its children, nobody could collect the probes' programs.
  std::signal(SIGCHLD, SIG_DFL);

  squall::Print print;
  const auto code =
      squall::guarded(std::vector<std::string>(argv + (argc > 0), argv + argc), print);
  print.flush();
  if (const int failure = print.failure(); failure != 0 && failure != EPIPE)
    print.error(squall::sys_error("write to standard output", failure));
  return static_cast<int>(code);
}
