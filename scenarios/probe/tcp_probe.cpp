// SPDX-License-Identifier: Apache-2.0
//
// tcp: does something accept a connection, how soon, and what does it answer.

#include "safety/base/netns.hpp"
#include "scenarios/probe/address.hpp"
#include "scenarios/probe/answering.hpp"
#include "scenarios/probe/make.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <sys/socket.h>

namespace squall {
namespace {

struct Params {
  Address address;
  Netns netns;
  std::string send;
  Expectation expect;
};

const Table<Params>& table() {
  static const Table<Params> made = [] {
    Table<Params> all(
        {field("address", &Params::address, "address and port to connect to").required(),
         field("namespace", &Params::netns, "network namespace to ask in"),
         field("send", &Params::send, "text sent once connected")});
    all.add(group("expect", &Params::expect, latency_fields()));
    all.add(group("expect", &Params::expect, text_fields()));
    return all;
  }();
  return made;
}

struct Asked {
  Params params;
  Judge judge;
};

// One question under way; the watch that the caller holds owns it.
class Question {
 public:
  Question(Loop& loop, std::shared_ptr<Asked> asked, Duration timeout, Probe::Done done)
      : loop_(loop),
        asked_(std::move(asked)),
        answering_(loop, std::shared_ptr<Judge>(asked_, &asked_->judge), std::move(done)),
        began_(loop.now()) {
    timer_ = loop_.after(timeout, [this, timeout] {
      // A service that keeps the connection open has said all that it will: that is judged.
      if (!text_.empty()) return finish();
      fail((connected_ ? "no answer within " : "no connection within ") + to_text(timeout), true);
    });
    if (auto begun = connect(); !begun)
      // From the loop, never from within ask().
      ready_ = loop_.after(Duration::zero(),
                           [this, why = begun.error().sentence()] { fail(why, false); });
  }

 private:
  Result<> connect() {
    const auto& to = asked_->params.address;
    SQUALL_TRY(socket_, socket_in(asked_->params.netns, to.socket.ss_family, SOCK_STREAM));
    began_ = loop_.now();
    sockaddr_storage address = to.socket;
    if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), to.length) == 0)
      // Over loopback the answer is here at once; the loop may get to it later.
      connected_after_ = loop_.now() - began_;
    else if (errno != EINPROGRESS)
      return Error{ErrorKind::system, reason_of(errno), {}, {}, errno};
    ready_ = loop_.on_writable(socket_.get(), [this] { on_connected(); });
    return {};
  }

  void on_connected() {
    int code = 0;
    socklen_t size = sizeof code;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &code, &size);
    if (code != 0) return fail(reason_of(code), false);
    connected_ = true;
    // A question is small; what does not fit into an empty send buffer is no question.
    const auto& send = asked_->params.send;
    if (::send(socket_.get(), send.data(), send.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(send.size()))
      return fail("the text could not be sent", false);
    if (!asked_->params.expect.asks_text()) return finish();
    ready_ = loop_.on_readable(socket_.get(), [this] { on_text(); });
  }

  // Until the text is what was expected, ends, or is too long.
  void on_text() {
    std::array<char, 4096> part{};
    const auto got = ::recv(socket_.get(), part.data(), part.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) return fail(reason_of(errno), false);
    text_.append(part.data(),
                 std::min<std::size_t>(static_cast<std::size_t>(got), kTextKept - text_.size()));
    heard_ = loop_.now();
    if (!search_.found().gave_up) search_ = PatternSearch(search_.found().decided);
    if (got == 0 || text_.size() >= kTextKept) return finish();
    finish_when_enough();
  }

  // Each part is searched once, however many there are.
  void finish_when_enough() {
    const auto& expect = asked_->params.expect;
    const bool line = text_.ends_with('\n');
    if (((!expect.json.empty() || expect.number) && !line) || search_.found().gave_up) return;
    if (expect.matches && !search_.step(*expect.matches, text_))
      return void(search_on_ = loop_.after(Duration::zero(), [this] { finish_when_enough(); }));
    if (!expect.matches || search_.found()) finish();
  }

  void finish() {
    Seen seen;
    seen.said = "connected";
    seen.latency = loop_.now() - began_;
    if (asked_->params.expect.asks_text())
      seen.said = "answered", seen.latency = heard_ - began_;
    else if (connected_after_)
      seen.latency = connected_after_;
    seen.cut = text_.size() >= kTextKept;
    let_go();
    answering_.judge(std::move(seen), std::move(text_), PatternSearch(search_.found().decided));
  }

  void fail(std::string why, bool timed_out) {
    let_go();
    answering_.fail(std::move(why), loop_.now() - began_, timed_out);
  }

  void let_go() {
    timer_.cancel();
    ready_.cancel();
    search_on_.cancel();
    socket_.reset();
  }

  Loop& loop_;
  std::shared_ptr<Asked> asked_;
  Answering answering_;
  Instant began_;
  Fd socket_;
  bool connected_ = false;
  std::optional<Duration> connected_after_;
  std::string text_;
  PatternSearch search_;
  Watch search_on_;
  Instant heard_{};  // the last of it, or its end
  Watch ready_;
  Watch timer_;
};

class TcpProbe final : public Probe {
 public:
  explicit TcpProbe(Params params)
      : asked_(std::make_shared<Asked>(params, Judge(params.expect))) {}
  Watch ask(Loop& loop, Duration timeout, Done done) override {
    return Watch(std::make_shared<Question>(loop, asked_, timeout, std::move(done)));
  }
  void begin_phase() override { asked_->judge.begin_phase(); }

 private:
  std::shared_ptr<Asked> asked_;
};

}  // namespace

const ProbeKind& tcp_probe_kind() {
  static const ProbeKind kind{
      "tcp", "connect to an address, and read what it answers", table().sheet(),
      "[[probe]]\nname = \"gateway answers\"\nkind = \"tcp\"\naddress = \"127.0.0.1:9001\"\n"
      "expect = { latency = \"< 50ms\" }\n",
      probe_maker<TcpProbe>("tcp", table())};
  return kind;
}

}  // namespace squall
