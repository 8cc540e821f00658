// SPDX-License-Identifier: Apache-2.0
//
// A real TCP service on 127.0.0.1, in the loop of the test, as good or as bad as the
// test needs it.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/base/loop.hpp"
#include "safety/base/netns.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace squall::testing {

class Service {
 public:
  struct Manner {
    Netns netns{};          // it listens there
    std::string answer;     // sent once something was received
    bool greets = false;    // sent at once instead
    bool closes = true;     // after the answer
    Duration pause{};       // between the bytes of the answer
    std::size_t times = 1;  // the answer is sent so often, one after the other
  };

  Service(Loop& loop, Manner manner);
  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  const std::string& received() const { return received_; }
  std::size_t connections() const { return clients_.size(); }

 private:
  struct Client {
    Fd socket;
    std::size_t sent = 0;
    bool answering = false;
    Watch read, write, pause;
  };
  void accept();
  void hear(Client& client);
  void send(Client& client);

  Loop& loop_;
  Manner manner_;
  std::uint16_t port_ = 0;  // before the listener, which fills it in
  Fd listener_;
  std::string received_;
  std::vector<std::unique_ptr<Client>> clients_;
  Watch accepting_;
};

// A port on 127.0.0.1 that nothing listens on.
std::uint16_t closed_port();

}  // namespace squall::testing
