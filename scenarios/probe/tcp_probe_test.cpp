// SPDX-License-Identifier: Apache-2.0

#include "tests/support/asking.hpp"
#include "tests/support/service.hpp"

#include <ctime>

namespace squall {
namespace {

using namespace testing;

TEST_CASE("tcp: a service that accepts is there, and its latency is judged") {
  const auto loop = make_loop();
  const Service service(*loop, {});
  const auto probe = make_probe("tcp", {setting("address", service.address()),
                                        setting("expect.latency", std::string("< 1s"))});
  const auto asked = ask(*loop, *probe);
  CHECK(asked.answer.held);
  CHECK(asked.answer.said.starts_with("connected in "));
  CHECK(*asked.answer.value ==
        doctest::Approx(std::chrono::duration<double>(asked.answer.latency).count()));
  CHECK(asked.longest_hold < kSoon);
}

TEST_CASE("tcp: what is sent is answered, and the answer judged") {
  const auto loop = make_loop();
  Service service(*loop, {.answer = "depth=17 ok\n", .closes = false, .pause = 1ms});
  const auto ask_with = [&](const char* pattern, const char* number) {
    const auto probe = make_probe(
        "tcp", {setting("address", service.address()), setting("send", std::string("STAT\n")),
                setting("expect.matches", std::string(pattern)),
                setting("expect.number", std::string(number))});
    return ask(*loop, *probe).answer;
  };
  const auto good = ask_with("depth=([0-9]+)", "< 100");
  CHECK(good.held);
  CHECK(good.value == 17);
  CHECK(good.said.starts_with("answered, 17 in "));
  CHECK(service.received() == "STAT\n");
  const auto deep = ask_with("depth=([0-9]+)", "< 10");
  CHECK_FALSE(deep.held);
  CHECK(deep.why == "number 17 is not < 10");
}

TEST_CASE("tcp: nobody listens") {
  const auto loop = make_loop();
  const auto probe =
      make_probe("tcp", {setting("address", "127.0.0.1:" + std::to_string(closed_port()))});
  const auto asked = ask(*loop, *probe);
  CHECK_FALSE(asked.answer.held);
  CHECK(asked.answer.why == "connection refused");
  CHECK_FALSE(asked.answer.value);
}

TEST_CASE("tcp: a service that never answers costs the timeout and holds nothing up") {
  const auto loop = make_loop();
  const Service service(*loop, {});
  const auto probe = make_probe(
      "tcp", {setting("address", service.address()), setting("send", std::string("hello\n")),
              setting("expect.matches", std::string("world"))});
  const auto asked = ask(*loop, *probe, 500ms);
  CHECK(asked.answer.why == "no answer within 500ms");
  CHECK(asked.took >= 500ms);
  CHECK(asked.took < 500ms + kSoon);
  CHECK(asked.ticks >= kWentOn);
}

TEST_CASE("tcp: what was said before the timeout is judged, though no line or connection ended") {
  const auto loop = make_loop();
  const Service service(*loop, {.answer = R"({"state":"ok"})", .greets = true, .closes = false});
  const auto probe = make_probe("tcp", {setting("address", service.address()),
                                        setting("expect.json./state", std::string("ok"))});
  const auto asked = ask(*loop, *probe, 200ms);
  CHECK_MESSAGE(asked.answer.held, asked.answer.why);
  CHECK(asked.answer.latency < asked.took);
}

TEST_CASE("tcp: an answer without end is read up to its limit") {
  const auto loop = make_loop();
  const Service service(*loop,
                        {.answer = std::string(10'000, 'x'), .greets = true, .times = 10'000});
  const auto probe = make_probe("tcp", {setting("address", service.address()),
                                        setting("expect.matches", std::string("never"))});
  const auto asked = ask(*loop, *probe);
  CHECK_FALSE(asked.answer.held);
  CHECK(asked.answer.why.starts_with("'never' does not match 'xxxxx"));
  CHECK(asked.longest_hold < kSoon);
}

TEST_CASE("tcp: a service that closes without a word has not answered") {
  const auto loop = make_loop();
  const Service service(*loop, {.answer = " ", .greets = true});
  const auto probe = make_probe("tcp", {setting("address", service.address()),
                                        setting("expect.json./state", std::string("ok"))});
  CHECK(ask(*loop, *probe).answer.why == "'' is not JSON");
}

TEST_CASE("tcp: a question that is withdrawn is never answered") {
  const auto loop = make_loop();
  const Service service(*loop, {});
  const auto probe = make_probe("tcp", {setting("address", service.address())});
  bool answered = false;
  auto question = probe->ask(*loop, 1s, [&](const ProbeAnswer&) { answered = true; });
  question.cancel();
  const auto end = loop->after(20ms, [&] { loop->stop(); });
  loop->run();
  CHECK_FALSE(answered);
}

TEST_CASE("tcp: a long text that comes in parts is searched once, not once for each part") {
  const auto loop = make_loop();
  const Service service(*loop, {.answer = std::string(1000, 'x') + "\n", .times = 64});
  const auto probe = make_probe(
      "tcp", {setting("address", service.address()), setting("send", std::string("all\n")),
              setting("expect.matches", std::string("(x|xx)*y"))});
  const auto began = std::clock();  // of this process
  const auto asked = ask(*loop, *probe);
  CHECK(std::clock() - began < CLOCKS_PER_SEC / 3);
  CHECK(asked.answer.why.starts_with("'(x|xx)*y' takes too long on 'xxx"));
}

TEST_CASE("tcp: a long search goes on between other events") {
  const auto loop = make_loop();
  const Service service(*loop, {.answer = std::string(60'000, 'a')});
  const auto probe = make_probe(
      "tcp", {setting("address", service.address()), setting("send", std::string("all\n")),
              setting("expect.matches", std::string("a$"))});
  CHECK(ask(*loop, *probe).answer.held);
}

TEST_CASE("tcp: asking in a namespace that is not there says so") {
  const auto loop = make_loop();
  const auto probe = make_probe("tcp", {setting("address", std::string("127.0.0.1:1")),
                                        setting("namespace", std::string("no-such-place"))});
  CHECK(ask(*loop, *probe).answer.why == "there is no network namespace 'no-such-place'");
}

TEST_CASE("tcp: wrong keys are told") {
  const auto complaint = [](const char* address) {
    return complaint_of("tcp", {setting("address", std::string(address))});
  };
  CHECK(complaint("127.0.0.1") ==
        "error: address: '127.0.0.1' is not an address with a port\n"
        "  hint: write 127.0.0.1:9001, or [::1]:9001 for IPv6");
  CHECK(complaint("127.0.0.1:99999").starts_with("error: address: '99999' is not a port"));
  CHECK(complaint("db.example:5432").starts_with("error: address: 'db.example' is not an IP"));
  CHECK(complaint("::1:80").starts_with("error: address: '::1:80' is not an address"));
  CHECK(complaint("[::1]:80").empty());
  CHECK(complaint("localhost:80").empty());
  CHECK(complaint_of("tcp", {setting("address", std::string("127.0.0.1:1")),
                             setting("expect.latency", std::string("50ms"))})
            .starts_with("error: expect.latency: '50ms' is not a comparison"));
  CHECK(complaint_of("tcp", {setting("address", std::string("127.0.0.1:1")),
                             setting("expect.status", std::int64_t{200})})
            .starts_with("error: tcp: unknown key 'expect.status'"));
}

}  // namespace
}  // namespace squall
