// SPDX-License-Identifier: Apache-2.0
//
// A price service over HTTP/1.1 with keep-alive, one thread. GET /health says how it
// is, GET /price/<symbol> the price of a symbol, which walks at random from a seed.

#include "tcp_service.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <random>

namespace {

using namespace victim;

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
  Clock::time_point born = Clock::now();
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
    const auto up = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - service.born);
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

}  // namespace

int main(int argc, char** argv) {
  Service service;
  if (const auto code = serve<Session>(
          argc, argv, "a price service over HTTP: /health and /price/<symbol>", "8080", service))
    return *code;
  std::printf("{\"served\":%llu}\n", static_cast<unsigned long long>(service.served));
  return 0;
}
