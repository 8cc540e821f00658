// SPDX-License-Identifier: Apache-2.0
//
// What the loop promises, asked of the real one and of the fake one of the tests.

#include "scenarios/asio_loop.hpp"

#include "safety/base/fd.hpp"
#include "tests/support/fake_loop.hpp"

#include <doctest/doctest.h>

#include <array>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace squall {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    from = Fd{ends[0]};
    to = Fd{ends[1]};
  }
  void put(char c) const { REQUIRE(::write(to.get(), &c, 1) == 1); }
  char take() const {
    char c = 0;
    return ::read(from.get(), &c, 1) == 1 ? c : '-';
  }
  Fd from, to;
};

// NOLINTNEXTLINE(readability-function-size): a list of cases
void check_promises(Loop& loop) {
  SUBCASE("timers run in their order, once") {
    std::string order;
    const auto began = loop.now();
    const auto late = loop.after(20ms, [&] {
      order += "c";
      loop.stop();
    });
    const auto soon = loop.after(1ms, [&] { order += "a"; });
    const auto middle = loop.after(10ms, [&] { order += "b"; });
    loop.run();
    CHECK(order == "abc");
    CHECK(loop.now() - began >= 20ms);
  }
  SUBCASE("a destroyed watch never runs, also when it is due already") {
    std::string ran;
    Watch second;
    const auto first = loop.after(1ms, [&] {
      ran += "1";
      second.cancel();
    });
    second = loop.after(1ms, [&] { ran += "2"; });
    const auto last = loop.after(5ms, [&] { loop.stop(); });
    // Both are due before the loop first looks.
    ::usleep(2000);
    loop.run();
    CHECK(ran == "1");
  }
  SUBCASE("a watch may be destroyed by its own task") {
    const Pipe pipe;
    pipe.put('x');
    int ran = 0;
    Watch watch;
    watch = loop.on_readable(pipe.from.get(), [&] {
      ++ran;
      watch.cancel();
    });
    const auto end = loop.after(10ms, [&] { loop.stop(); });
    loop.run();
    CHECK(ran == 1);
    CHECK(pipe.take() == 'x');  // the descriptor is still open, and still ours
  }
  SUBCASE("readiness is told again and again") {
    const Pipe pipe;
    std::string got;
    const auto watch = loop.on_readable(pipe.from.get(), [&] {
      got += pipe.take();
      if (got.size() == 3) return loop.stop();
      pipe.put(static_cast<char>('a' + static_cast<int>(got.size())));
    });
    pipe.put('a');
    loop.run();
    CHECK(got == "abc");
  }
  SUBCASE("what is not read is told again") {
    const Pipe pipe;
    pipe.put('x');
    int told = 0;
    const auto watch = loop.on_readable(pipe.from.get(), [&] {
      if (++told == 3) loop.stop();
    });
    loop.run();
    CHECK(told == 3);
  }
  SUBCASE("one descriptor may be watched for both sides") {
    const Pipe pipe;
    std::string order;
    const auto read = loop.on_readable(pipe.from.get(), [&] {
      order += pipe.take();
      loop.stop();
    });
    Watch write;
    write = loop.on_writable(pipe.to.get(), [&] {
      order += "w";
      pipe.put('r');
      write.cancel();
    });
    loop.run();
    CHECK(order == "wr");
  }
  SUBCASE("the end of the other side is told") {
    Pipe pipe;
    pipe.to.reset();
    bool told = false;
    const auto watch = loop.on_readable(pipe.from.get(), [&] {
      told = true;
      loop.stop();
    });
    loop.run();
    CHECK(told);
  }
  SUBCASE("what is posted runs at the next turn") {
    std::string order;
    loop.post([&] {
      order += "1";
      loop.post([&] {
        order += "3";
        loop.stop();
      });
      order += "2";
    });
    loop.run();
    CHECK(order == "123");
  }
  SUBCASE("a stop that came early counts, and the loop can run again") {
    bool ran = false;
    loop.stop();
    const auto timer = loop.after(0ms, [&] {
      ran = true;
      loop.stop();
    });
    loop.run();
    CHECK_FALSE(ran);
    loop.run();
    CHECK(ran);
  }
}

TEST_CASE("the real loop keeps its promises") {
  const auto loop = make_loop();
  check_promises(*loop);
}

TEST_CASE("the fake loop keeps the same promises") {
  testing::FakeLoop loop;
  check_promises(loop);
}

TEST_CASE("a socket may be watched for reading and writing at once") {
  const auto loop = make_loop();
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const Fd here{ends[0]};
  const Fd there{ends[1]};
  std::string order;
  const auto read = loop->on_readable(here.get(), [&] {
    order += "r";
    loop->stop();
  });
  Watch write;
  write = loop->on_writable(here.get(), [&] {
    order += "w";
    write.cancel();
    CHECK(::write(there.get(), "x", 1) == 1);
  });
  loop->run();
  CHECK(order == "wr");
}

TEST_CASE("a watch may outlive its loop") {
  auto loop = make_loop();
  const Pipe pipe;
  bool ran = false;
  auto timer = loop->after(0ms, [&] { ran = true; });
  auto readable = loop->on_readable(pipe.to.get(), [&] { ran = true; });
  loop.reset();
  timer.cancel();
  readable.cancel();
  CHECK_FALSE(ran);
}

TEST_CASE("made-up time passes only when it is told to") {
  testing::FakeLoop loop;
  int ran = 0;
  const auto began = loop.now();
  const auto soon = loop.after(1min, [&] { ++ran; });
  const auto late = loop.after(10min, [&] { ++ran; });
  loop.advance(5min);
  CHECK(ran == 1);
  CHECK(loop.now() - began == 5min);
  CHECK(loop.timers() == 1);
  const auto by_hand = loop.on_readable(1'000'000, [&] { ran = 100; });
  loop.make_readable(1'000'000);
  loop.settle();
  CHECK(ran == 100);
}

}  // namespace
}  // namespace squall
