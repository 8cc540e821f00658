// SPDX-License-Identifier: Apache-2.0
//
// An order gateway over TCP, one thread. A line `NEW <id> <side> <qty> <px>` is
// answered by `ACK <id>`, `PING` by `PONG`, anything else by `REJ <reason>`.

#include "tcp_service.hpp"

#include <array>
#include <cctype>

namespace {

using namespace victim;

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
  Session(tcp::socket socket, Totals& totals) : socket_(std::move(socket)), totals_(totals) {
    ++totals_.connections;
  }

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

}  // namespace

int main(int argc, char** argv) {
  Totals totals;
  if (const auto code = serve<Session>(
          argc, argv, "an order gateway: NEW <id> <side> <qty> <px> is answered by ACK <id>",
          "9001", totals))
    return *code;
  std::printf("{\"connections\":%llu,\"accepted\":%llu,\"rejected\":%llu}\n",
              static_cast<unsigned long long>(totals.connections),
              static_cast<unsigned long long>(totals.accepted),
              static_cast<unsigned long long>(totals.rejected));
  return 0;
}
