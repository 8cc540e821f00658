// SPDX-License-Identifier: Apache-2.0
//
// An order gateway over TCP, one thread. A line `NEW <id> <side> <qty> <px>` is
// answered by `ACK <id>`, `PING` by `PONG`, anything else by `REJ <reason>`.

#include "victim.hpp"
#include <boost/asio.hpp>

#include <array>
#include <cctype>
#include <memory>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct Totals {
  std::uint64_t connections = 0, accepted = 0, rejected = 0;
};

std::string next_word(std::string_view& rest) {
  const auto from = std::min(rest.find_first_not_of(' '), rest.size());
  const auto to = std::min(rest.find(' ', from), rest.size());
  std::string word(rest.substr(from, to - from));
  rest.remove_prefix(to);
  return word;
}

bool is_positive(const std::string& text) {
  char* end = nullptr;
  return !text.empty() && std::strtod(text.c_str(), &end) > 0 && *end == 0;
}

std::string answer(std::string_view line, Totals& totals) {
  const auto word = next_word(line);
  if (word == "PING") return "PONG\n";
  const auto reject = [&](const std::string& why) {
    ++totals.rejected;
    return "REJ " + why + "\n";
  };
  if (word != "NEW") return reject("unknown message");
  const auto id = next_word(line), side = next_word(line), qty = next_word(line),
             price = next_word(line);
  if (id.empty()) return reject("no id");
  if (side != "B" && side != "S") return reject(id + " side is B or S");
  if (!is_positive(qty) || !is_positive(price)) return reject(id + " bad quantity or price");
  ++totals.accepted;
  return "ACK " + id + "\n";
}

// Reads what is there, answers every whole line, then reads on: a client that does
// not take its answers is not read from either.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Totals& totals) : socket_(std::move(socket)), totals_(totals) {}

  void read() {
    socket_.async_read_some(asio::buffer(chunk_),
                            [self = shared_from_this()](error_code error, std::size_t size) {
                              if (!error) self->take(size);
                            });
  }

 private:
  static constexpr std::size_t kLongestLine = 256;

  void take(std::size_t size) {
    text_.append(chunk_.data(), size);
    out_.clear();
    std::size_t from = 0;
    for (auto end = text_.find('\n'); end != std::string::npos; end = text_.find('\n', from)) {
      auto line = std::string_view(text_).substr(from, end - from);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      out_ += answer(line, totals_);
      from = end + 1;
    }
    text_.erase(0, from);
    if (text_.size() > kLongestLine) return;  // the last owner goes: the connection closes
    if (out_.empty()) return read();
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  Totals& totals_;
  std::array<char, 4096> chunk_{};
  std::string text_, out_;
};

void accept(tcp::acceptor& acceptor, Totals& totals) {
  acceptor.async_accept([&](error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      ++totals.connections;
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      std::make_shared<Session>(std::move(socket), totals)->read();
    }
    accept(acceptor, totals);
  });
}

int serve(const std::string& port, const std::string& port_file, const std::string& ready) {
  asio::io_context loop(1);
  tcp::acceptor acceptor(loop);
  error_code error;
  acceptor.open(tcp::v6(), error);
  if (!error) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  const auto number = static_cast<unsigned short>(*victim::to_number(port));
  if (!error) acceptor.bind({tcp::v6(), number}, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return victim::complain("cannot listen on port " + port + ": " + error.message());

  victim::replace_file(port_file, std::to_string(acceptor.local_endpoint().port()) + "\n");
  Totals totals;
  accept(acceptor, totals);
  asio::signal_set ends(loop, SIGTERM, SIGINT);
  ends.async_wait([&](error_code, int) { loop.stop(); });
  victim::tell_ready(ready);
  loop.run();
  std::printf("{\"connections\":%llu,\"accepted\":%llu,\"rejected\":%llu}\n",
              static_cast<unsigned long long>(totals.connections),
              static_cast<unsigned long long>(totals.accepted),
              static_cast<unsigned long long>(totals.rejected));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string port = "9001", port_file, ready;
  if (const auto code = victim::parse_options(
          argc, argv, "an order gateway: NEW <id> <side> <qty> <px> is answered by ACK <id>",
          {{"--port", &port, "TCP port, 0 for any free one"},
           {"--port-file", &port_file, "file that gets the port"},
           {"--ready-fd", &ready, "descriptor that gets a line once connections are taken"}}))
    return *code;
  if (const auto number = victim::to_number(port); !number || *number > 65535)
    return victim::complain("'" + port + "' is not a port", "--port 9001");
  return serve(port, port_file, ready);
}
