// SPDX-License-Identifier: Apache-2.0
//
// Local control of a running scenario: a Unix socket in the run directory. Root and
// the user who started the run may speak to it; the kernel says who they are.
// Questions are one line ("status", "abort"), answers one line of JSON.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/base/loop.hpp"
#include "scenarios/run.hpp"

#include <functional>
#include <list>
#include <memory>
#include <string>

namespace squall {

class ControlServer {
 public:
  struct Answers {
    std::function<RunStatus()> status;
    std::function<void()> abort;  // begins the abort; its end is told by finish()
  };
  static Result<std::unique_ptr<ControlServer>> listen(Loop& loop, const Paths& paths,
                                                       Answers answers);
  ~ControlServer();

  // The run is over: whoever asked for an abort hears the outcome.
  void finish(const std::string& outcome);

 private:
  struct Client {
    Fd socket;
    Watch watch;
    std::string text;
    bool waits = false;  // for the end of the run
  };
  ControlServer(Loop& loop, Answers answers) : loop_(loop), answers_(std::move(answers)) {}
  void accept_one();
  void hear(Client& client);

  Loop& loop_;
  Answers answers_;
  std::string path_;
  Fd socket_;
  Watch watch_;
  std::list<Client> clients_;
};

}  // namespace squall
