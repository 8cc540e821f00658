// SPDX-License-Identifier: Apache-2.0
//
// A price service over HTTP/1.1 with keep-alive, one thread. GET /health says how it
// is, GET /price/<symbol> the price of a symbol, which walks at random from a seed.

#include "victim.hpp"
#include <boost/asio.hpp>

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <random>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

class Market {
 public:
  // In ticks of a quarter; a symbol starts where its name says and walks with each question.
  std::string price(const std::string& symbol) {
    const auto [found, fresh] = ticks_.try_emplace(symbol, 4000);
    if (fresh)
      for (const char c : symbol) found->second += c * 7;
    found->second = std::max(1, found->second + step_(random_));
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", found->second * 0.25);
    return text;
  }

 private:
  std::map<std::string, int> ticks_;
  std::mt19937 random_{7};
  std::uniform_int_distribution<int> step_{-2, 2};
};

struct Service {
  Market market;
  std::uint64_t served = 0;
  victim::Clock::time_point born = victim::Clock::now();
};

struct Reply {
  int status = 200;
  std::string reason = "OK";
  std::string body;
};

bool is_symbol(const std::string& text) {
  return !text.empty() && text.size() <= 12 &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '.'; });
}

Reply reply_to(const std::string& method, const std::string& path, Service& service) {
  if (method != "GET") return {405, "Method Not Allowed", "{\"error\":\"only GET\"}\n"};
  ++service.served;
  if (path == "/health") {
    const auto up =
        std::chrono::duration_cast<std::chrono::seconds>(victim::Clock::now() - service.born);
    return {200, "OK",
            "{\"state\":\"ok\",\"uptime_s\":" + std::to_string(up.count()) +
                ",\"served\":" + std::to_string(service.served) + "}\n"};
  }
  const std::string prefix = "/price/";
  if (path.starts_with(prefix) && is_symbol(path.substr(prefix.size()))) {
    const auto symbol = path.substr(prefix.size());
    return {200, "OK",
            "{\"symbol\":\"" + symbol + "\",\"price\":" + service.market.price(symbol) + "}\n"};
  }
  return {404, "Not Found", "{\"error\":\"no such page\"}\n"};
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Service& service) : socket_(std::move(socket)), service_(service) {}

  void read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(text_, kLongestHead), "\r\n\r\n",
                           [self = shared_from_this()](error_code error, std::size_t size) {
                             if (!error) self->take(size);
                           });
  }

 private:
  static constexpr std::size_t kLongestHead = 8192;

  void take(std::size_t size) {
    const auto head = text_.substr(0, size);
    text_.erase(0, size);
    const auto first = head.substr(0, head.find("\r\n"));
    const auto gap = first.find(' ');
    const auto second = first.find(' ', gap + 1);
    Reply reply{400, "Bad Request", "{\"error\":\"bad request line\"}\n"};
    bool stay = gap != std::string::npos && second != std::string::npos;
    if (stay)
      reply = reply_to(first.substr(0, gap), first.substr(gap + 1, second - gap - 1), service_);
    const auto fields = lower(head);
    // A body is never expected; whoever sends one is answered and left.
    stay = stay && fields.find("\r\ncontent-length:") == std::string::npos &&
           fields.find("\r\ntransfer-encoding:") == std::string::npos &&
           fields.find("\r\nconnection: close") == std::string::npos && first.ends_with("HTTP/1.1");
    write(reply, stay);
  }

  void write(const Reply& reply, bool stay) {
    out_ = "HTTP/1.1 " + std::to_string(reply.status) + " " + reply.reason +
           "\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(reply.body.size()) +
           "\r\nConnection: " + (stay ? "keep-alive" : "close") + "\r\n\r\n" + reply.body;
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this(), stay](error_code error, std::size_t) {
                        if (!error && stay) self->read();
                      });
  }

  tcp::socket socket_;
  Service& service_;
  std::string text_, out_;
};

void accept(tcp::acceptor& acceptor, Service& service) {
  acceptor.async_accept([&](error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      std::make_shared<Session>(std::move(socket), service)->read();
    }
    accept(acceptor, service);
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
  Service service;
  accept(acceptor, service);
  asio::signal_set ends(loop, SIGTERM, SIGINT);
  ends.async_wait([&](error_code, int) { loop.stop(); });
  victim::tell_ready(ready);
  loop.run();
  std::printf("{\"served\":%llu}\n", static_cast<unsigned long long>(service.served));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string port = "8080", port_file, ready;
  if (const auto code = victim::parse_options(
          argc, argv, "a price service over HTTP: /health and /price/<symbol>",
          {{"--port", &port, "TCP port, 0 for any free one"},
           {"--port-file", &port_file, "file that gets the port"},
           {"--ready-fd", &ready, "descriptor that gets a line once connections are taken"}}))
    return *code;
  if (const auto number = victim::to_number(port); !number || *number > 65535)
    return victim::complain("'" + port + "' is not a port", "--port 8080");
  return serve(port, port_file, ready);
}
