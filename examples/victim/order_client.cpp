// SPDX-License-Identifier: Apache-2.0
//
// Sends orders at a fixed rate over one TCP connection and measures the time from
// when an order was due to its acknowledgement, so a stall counts for every order
// that it held up. One line of JSON a second, a summary at the end.

#include "victim.hpp"
#include <boost/asio.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <deque>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using victim::Clock;
using victim::Duration;

struct Settings {
  victim::Address gateway;
  std::uint64_t rate = 200;
  Duration timeout{}, silence{}, length{};
  std::string stats, ready;
};

struct Figures {
  std::uint64_t sent = 0, acked = 0, lost = 0, reconnects = 0;
  std::vector<Duration> latencies;  // of the last kMost: a client may run for days

  void add(Duration latency) {
    constexpr std::uint64_t kMost = 1'000'000;
    if (latencies.size() < kMost)
      latencies.push_back(latency);
    else
      latencies[acked % kMost] = latency;
    ++acked;
  }

  Duration at(double share) {
    if (latencies.empty()) return {};
    const auto rank = static_cast<std::size_t>(share * static_cast<double>(latencies.size() - 1));
    const auto place = latencies.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(latencies.begin(), place, latencies.end());
    return *place;
  }

  std::string json(const std::string& kind, double seconds, std::size_t waiting, bool connected) {
    // Without an acknowledgement there is no latency: 0 would look like a very good one.
    const auto us = [&](double share) {
      return latencies.empty() ? std::string("null") : std::to_string(at(share).count() / 1000);
    };
    const double loss =
        acked + lost ? 100.0 * static_cast<double>(lost) / static_cast<double>(acked + lost) : 0;
    char text[400];
    std::snprintf(text, sizeof text,
                  "{\"%s\":%.0f,\"connected\":%s,\"sent\":%llu,\"acked\":%llu,\"lost\":%llu,"
                  "\"lost_percent\":%.2f,\"waiting\":%zu,\"reconnects\":%llu,"
                  "\"p50_us\":%s,\"p99_us\":%s,\"max_us\":%s}\n",
                  kind.c_str(), seconds, connected ? "true" : "false",
                  static_cast<unsigned long long>(sent), static_cast<unsigned long long>(acked),
                  static_cast<unsigned long long>(lost), loss, waiting,
                  static_cast<unsigned long long>(reconnects), us(0.5).c_str(), us(0.99).c_str(),
                  us(1.0).c_str());
    return text;
  }
};

class Client {
 public:
  Client(asio::io_context& loop, Settings settings)
      : loop_(loop), settings_(std::move(settings)), socket_(loop), resolver_(loop) {}

  void start() {
    started_ = Clock::now();
    connect();
    report();
  }

  void finish() {
    std::printf("%s", total_.json("summary_s", seconds(), waiting_.size(), connected_).c_str());
  }

 private:
  struct Order {
    std::uint64_t id;
    Clock::time_point due;
  };

  double seconds() const { return std::chrono::duration<double>(Clock::now() - started_).count(); }

  void connect() {
    resolver_.async_resolve(settings_.gateway.host, settings_.gateway.port,
                            [this](error_code error, const tcp::resolver::results_type& found) {
                              if (error) return retry();
                              socket_ = tcp::socket(loop_);
                              heard_ = Clock::now();
                              connecting_ = true;
                              asio::async_connect(socket_, found,
                                                  [this](error_code failed, const tcp::endpoint&) {
                                                    connecting_ = false;
                                                    failed ? retry() : connected();
                                                  });
                            });
  }

  void connected() {
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    connected_ = true;
    heard_ = Clock::now();
    read();
    // Orders begin with the first connection; after that they are due whatever happens.
    if (std::exchange(began_, true)) return;
    due_ = heard_;
    tick();
  }

  // Every order under way on the old connection is lost: nobody can acknowledge it.
  void retry() {
    count_lost(waiting_.size());
    waiting_.clear();
    out_.clear();
    in_.clear();
    writing_ = false;
    connected_ = false;
    ++generation_;
    error_code ignored;
    socket_.close(ignored);
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this](error_code error) {
      if (error) return;
      ++second_.reconnects;
      ++total_.reconnects;
      connect();
    });
  }

  void tick() {
    due_ += Duration(1'000'000'000 / static_cast<std::int64_t>(settings_.rate));
    order_timer_.expires_at(due_);
    order_timer_.async_wait([this](error_code error) {
      if (error) return;
      send();
      if (settings_.length.count() && Clock::now() - started_ > settings_.length)
        return loop_.stop();
      tick();
    });
  }

  void send() {
    ++second_.sent;
    ++total_.sent;
    ++id_;
    if (!connected_) return count_lost(1);
    waiting_.push_back({id_, due_});
    out_ += "NEW " + std::to_string(id_) + (id_ % 2 ? " B" : " S") + " 10 5012.25\n";
    if (!writing_) write();
  }

  void write() {
    writing_ = true;
    flight_.swap(out_);
    out_.clear();
    asio::async_write(socket_, asio::buffer(flight_),
                      [this, mine = generation_](error_code error, std::size_t) {
                        if (mine != generation_) return;
                        writing_ = false;
                        if (error) return retry();
                        if (!out_.empty()) write();
                      });
  }

  void read() {
    socket_.async_read_some(asio::buffer(chunk_),
                            [this, mine = generation_](error_code error, std::size_t size) {
                              if (mine != generation_) return;
                              if (error) return retry();
                              heard_ = Clock::now();
                              in_.append(chunk_.data(), size);
                              take_lines();
                              read();
                            });
  }

  void take_lines() {
    std::size_t from = 0;
    for (auto end = in_.find('\n'); end != std::string::npos; end = in_.find('\n', from)) {
      if (in_.compare(from, 4, "ACK ") == 0)
        acknowledged(std::strtoull(in_.c_str() + from + 4, nullptr, 10));
      from = end + 1;
    }
    in_.erase(0, from);
  }

  void acknowledged(std::uint64_t id) {
    while (!waiting_.empty() && waiting_.front().id < id) {
      waiting_.pop_front();  // answered in order, so these never will be
      count_lost(1);
    }
    if (waiting_.empty() || waiting_.front().id != id) return;  // came after its time-out
    const auto latency = Clock::now() - waiting_.front().due;
    waiting_.pop_front();
    for (auto* each : {&second_, &total_}) each->add(latency);
  }

  void count_lost(std::uint64_t count) {
    second_.lost += count;
    total_.lost += count;
  }

  void give_up_on_late_ones() {
    const auto now = Clock::now();
    while (!waiting_.empty() && now - waiting_.front().due > settings_.timeout) {
      waiting_.pop_front();
      count_lost(1);
    }
    if ((connected_ || connecting_) && now - heard_ > settings_.silence) {
      connecting_ = false;
      if (connected_) return retry();
      error_code ignored;
      socket_.close(ignored);  // the attempt ends with an error, which retries
    }
  }

  void report() {
    report_timer_.expires_at(started_ + std::chrono::seconds(++seconds_));
    report_timer_.async_wait([this](error_code error) {
      if (error) return;
      give_up_on_late_ones();
      const auto line =
          second_.json("second", static_cast<double>(seconds_), waiting_.size(), connected_);
      std::printf("%s", line.c_str());
      std::fflush(stdout);
      victim::replace_file(settings_.stats, line);
      if (second_.acked > 0) victim::tell_ready(std::exchange(settings_.ready, ""));
      second_ = {};
      report();
    });
  }

  asio::io_context& loop_;
  Settings settings_;
  tcp::socket socket_;
  tcp::resolver resolver_;
  asio::steady_timer order_timer_{loop_}, report_timer_{loop_}, pause_{loop_};
  Clock::time_point started_, due_, heard_;
  bool connected_ = false, connecting_ = false, writing_ = false, began_ = false;
  std::uint64_t id_ = 0, generation_ = 0;
  std::int64_t seconds_ = 0;
  std::deque<Order> waiting_;
  std::string out_, flight_, in_;
  std::array<char, 4096> chunk_{};
  Figures second_, total_;
};

int run(Settings settings) {
  asio::io_context loop(1);
  Client client(loop, std::move(settings));
  asio::signal_set ends(loop, SIGTERM, SIGINT);
  ends.async_wait([&](error_code, int) { loop.stop(); });
  client.start();
  loop.run();
  client.finish();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  std::string gateway = "127.0.0.1:9001", rate = "200", timeout = "1s", silence = "2s",
              length = "0s";
  if (const auto code = victim::parse_options(
          argc, argv, "sends orders and measures the latency of their acknowledgements",
          {{"--connect", &gateway, "address of the gateway"},
           {"--rate", &rate, "orders a second"},
           {"--timeout", &timeout, "after which an order counts as lost"},
           {"--silence", &silence, "without any answer before it connects anew"},
           {"--for", &length, "length, 0s for until SIGTERM"},
           {"--stats", &settings.stats, "file with the figures of the last second"},
           {"--ready-fd", &settings.ready,
            "descriptor that gets a line once figures hold an answer"}}))
    return *code;
  const auto address = victim::to_address(gateway);
  const auto number = victim::to_number(rate);
  const auto wait = victim::to_duration(timeout), quiet = victim::to_duration(silence),
             whole = victim::to_duration(length);
  if (!address) return victim::complain("'" + gateway + "' is not an address", "198.18.0.2:9001");
  if (!number || *number < 1 || *number > 100'000)
    return victim::complain("'" + rate + "' is not a rate", "1 to 100000 orders a second");
  if (!wait || !quiet || !whole) return victim::complain("a time needs its unit", "250ms or 2s");
  settings.gateway = *address;
  settings.rate = *number;
  settings.timeout = *wait;
  settings.silence = *quiet;
  settings.length = *whole;
  return run(std::move(settings));
}
