// SPDX-License-Identifier: Apache-2.0
//
// What the services over TCP have in common: one thread, a session for each connection,
// and an end on SIGTERM.

#pragma once

#include "victim.hpp"
#include <boost/asio.hpp>

#include <memory>
#include <optional>
#include <string>

namespace victim {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

template <class Session, class State>
void accept(tcp::acceptor& acceptor, State& state) {
  acceptor.async_accept([&](error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      std::make_shared<Session>(std::move(socket), state)->read();
    }
    accept<Session>(acceptor, state);
  });
}

// Takes the options --port, --port-file and --ready-fd, then connections, until it is told to
// end. Exit code where it could not or was not to serve.
template <class Session, class State>
std::optional<int> serve(int argc, char** argv, const std::string& summary, std::string port,
                         State& state) {
  std::string port_file, ready;
  const auto usual = "--port " + port;
  if (const auto code = parse_options(
          argc, argv, summary,
          {{"--port", &port, "TCP port, 0 for any free one"},
           {"--port-file", &port_file, "file that gets the port"},
           {"--ready-fd", &ready, "descriptor that gets a line once connections are taken"}}))
    return *code;
  const auto number = to_number(port);
  if (!number || *number > 65535) return complain("'" + port + "' is not a port", usual);

  asio::io_context loop(1);
  tcp::acceptor acceptor(loop);
  error_code error;
  acceptor.open(tcp::v6(), error);
  if (!error) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind({tcp::v6(), static_cast<unsigned short>(*number)}, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return complain("cannot listen on port " + port + ": " + error.message());
  replace_file(port_file, std::to_string(acceptor.local_endpoint().port()) + "\n");

  accept<Session>(acceptor, state);
  asio::signal_set ends(loop, SIGTERM, SIGINT);
  ends.async_wait([&](error_code, int) { loop.stop(); });
  tell_ready(ready);
  loop.run();
  return std::nullopt;
}

}  // namespace victim
