// SPDX-License-Identifier: Apache-2.0

#include "tests/support/asking.hpp"
#include "tests/support/service.hpp"

#include <curl/curl.h>

#include <array>
#include <dlfcn.h>
#include <sys/inotify.h>

namespace squall {
namespace {

using namespace testing;

std::string answer_of(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

Settings asking(const Service& service, Settings more = {}) {
  more.push_back(setting("url", "http://" + service.address() + "/health"));
  return more;
}

TEST_CASE("http: status, latency, body by pattern and by JSON pointer") {
  const auto loop = make_loop();
  const Service service(
      *loop, {.answer = answer_of("200 OK", R"({"state":"ok","queue":{"depth":7},"list":[1,2]})")});
  const auto good =
      make_probe("http", asking(service, {setting("expect.status", std::int64_t{200}),
                                          setting("expect.latency", std::string("< 2s")),
                                          setting("expect.latency_p99", std::string("< 2s")),
                                          setting("expect.matches", std::string("state")),
                                          setting("expect.json./state", std::string("ok")),
                                          setting("expect.json./queue/depth", std::string("< 100")),
                                          setting("expect.json./list/1", std::int64_t{2})}));
  const auto asked = ask(*loop, *good);
  CHECK(asked.answer.held);
  CHECK(asked.answer.why == "");
  CHECK(asked.answer.value == 7);
  CHECK(asked.answer.said.starts_with("200, 7 in "));
  CHECK(service.received().starts_with("GET /health HTTP/1.1\r\n"));

  const auto bad = make_probe(
      "http", asking(service, {setting("expect.json./state", std::string("stopped")),
                               setting("expect.json./queue/depth", std::string("< 5")),
                               setting("expect.json./queue/length", std::string("< 5"))}));
  CHECK(ask(*loop, *bad).answer.why ==
        "'/state' is 'ok', not 'stopped'; '/queue/depth' 7 is not < 5; "
        "there is no '/queue/length' in the JSON");
}

TEST_CASE("http: an error status is a breach, unless it is expected") {
  const auto loop = make_loop();
  const Service service(*loop, {.answer = answer_of("503 Busy", "busy")});
  CHECK(ask(*loop, *make_probe("http", asking(service))).answer.why ==
        "status 503 is not 200..299");
  const auto expecting =
      make_probe("http", asking(service, {setting("expect.status", list({"503", "504"}))}));
  CHECK(ask(*loop, *expecting).answer.held);
}

TEST_CASE("http: method, headers and body are sent") {
  const auto loop = make_loop();
  const Service service(*loop, {.answer = answer_of("204 No Content", "")});
  const auto probe = make_probe(
      "http",
      asking(service,
             {setting("method", std::string("POST")), setting("body", std::string("{\"a\":1}")),
              setting("headers", list({"X-Probe: yes", "Content-Type: text/json"}))}));
  CHECK(ask(*loop, *probe).answer.held);
  CHECK(service.received().starts_with("POST /health HTTP/1.1\r\n"));
  CHECK(service.received().contains("X-Probe: yes\r\n"));
  CHECK(service.received().contains("Content-Type: text/json\r\n"));
  CHECK(service.received().ends_with("\r\n\r\n{\"a\":1}"));
}

TEST_CASE("http: a redirect is an answer, and is not followed") {
  const auto loop = make_loop();
  const Service service(*loop, {.answer = "HTTP/1.1 302 Found\r\nLocation: /else\r\n"
                                          "Content-Length: 0\r\n\r\n"});
  const auto probe =
      make_probe("http", asking(service, {setting("expect.status", std::int64_t{302})}));
  CHECK(ask(*loop, *probe).answer.held);
  CHECK(service.connections() == 1);
}

TEST_CASE("http: nobody listens") {
  const auto loop = make_loop();
  const auto probe = make_probe(
      "http", {setting("url", "http://127.0.0.1:" + std::to_string(closed_port()) + "/")});
  CHECK(ask(*loop, *probe).answer.why == "connection refused");
}

TEST_CASE("http: no answer and an answer that comes too slowly cost the timeout") {
  const auto loop = make_loop();
  const Service silent(*loop, {});
  auto asked = ask(*loop, *make_probe("http", asking(silent)), 500ms);
  CHECK(asked.answer.why == "no answer within 500ms");
  CHECK(asked.took >= 500ms);
  CHECK(asked.took < 500ms + kSoon);
  CHECK(asked.ticks >= kWentOn);

  const Service slow(*loop, {.answer = answer_of("200 OK", std::string(200, 'x')), .pause = 5ms});
  asked = ask(*loop, *make_probe("http", asking(slow)), 500ms);
  CHECK(asked.answer.why == "no answer within 500ms");
  CHECK(asked.longest_hold < kSoon);
}

TEST_CASE("http: a slow body within the timeout is read to its end") {
  const auto loop = make_loop();
  const Service slow(*loop, {.answer = answer_of("200 OK", "0123456789"), .pause = 1ms});
  const auto probe =
      make_probe("http", asking(slow, {setting("expect.matches", std::string("789$"))}));
  const auto asked = ask(*loop, *probe);
  CHECK(asked.answer.held);
  CHECK(asked.answer.latency >= 40ms);
}

TEST_CASE("http: a body without end is read up to its limit") {
  const auto loop = make_loop();
  Service::Manner endless{.answer = std::string(10'000, 'x'), .times = 100'000};
  endless.answer.replace(0, 40, "HTTP/1.1 200 OK\r\n\r\n{\"state\":\"ok\",\"fill\":\"");
  const Service service(*loop, endless);
  const auto json =
      make_probe("http", asking(service, {setting("expect.json./state", std::string("ok"))}));
  auto asked = ask(*loop, *json, 3s);
  CHECK(asked.answer.why == "the JSON is longer than 64KiB");
  CHECK(asked.longest_hold < kSoon);
  const auto pattern = make_probe(
      "http", asking(service, {setting("expect.matches", std::string("\"state\":\"ok\""))}));
  CHECK(ask(*loop, *pattern, 3s).answer.held);
}

TEST_CASE("http: what is not HTTP is told as such") {
  const auto loop = make_loop();
  const Service service(*loop, {.answer = "\x1b[31mSSH-2.0-OpenSSH\r\n\r\n"});
  const auto asked = ask(*loop, *make_probe("http", asking(service)));
  CHECK_FALSE(asked.answer.held);
  CHECK(asked.answer.why == "received HTTP/0.9 when not allowed");
  const Service closing(*loop, {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"});
  CHECK(ask(*loop, *make_probe("http", asking(closing))).answer.why ==
        "transfer closed with 95 bytes remaining to read");
}

TEST_CASE("http: a name that nobody knows is an answer, not a stall") {
  const auto loop = make_loop();
  const auto probe = make_probe("http", {setting("url", std::string("http://squall.invalid/"))});
  const auto asked = ask(*loop, *probe, 5s);
  CHECK_FALSE(asked.answer.held);
  CHECK(asked.longest_hold < kSoon);
}

TEST_CASE("http: each question makes a connection of its own, also when another was withdrawn") {
  const auto loop = make_loop();
  const Service service(*loop, {.answer = answer_of("200 OK", "ok"), .closes = false});
  const auto probe = make_probe("http", asking(service));
  for (std::size_t i = 1; i <= 3; ++i) {
    CHECK(ask(*loop, *probe).answer.held);
    CHECK(service.connections() == i);
  }
  auto withdrawn = probe->ask(*loop, 1s, [](const ProbeAnswer&) { CHECK(false); });
  withdrawn.cancel();
  CHECK(ask(*loop, *probe).answer.held);
}

// Which the loop would wait for, some 20 ms with each question.
TEST_CASE("http: the trusted certificates are loaded once for all questions of a probe") {
  const auto loop = make_loop();
  // Garbage is enough: they are loaded before the service says anything.
  const Service service(*loop, {.answer = "no TLS", .greets = true});
  const auto probe = make_probe("http", {setting("url", "https://" + service.address() + "/")});
  void* library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_NOLOAD);
  const auto version =
      library
          ? reinterpret_cast<decltype(&::curl_version_info)>(::dlsym(library, "curl_version_info"))
          : nullptr;
  if (!version || version(CURLVERSION_NOW)->version_num < 0x075700) {
    MESSAGE("skipped: this libcurl keeps no certificates");
    return;
  }
  const char* bundle = "/etc/ssl/certs/ca-certificates.crt";
  const Fd opens{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (::inotify_add_watch(opens.get(), bundle, IN_OPEN) < 0) {
    MESSAGE("skipped: there is no ", bundle);
    return;
  }
  const auto opened = [&] {
    std::array<char, 4096> events{};
    return ::read(opens.get(), events.data(), events.size()) > 0;
  };
  CHECK_FALSE(ask(*loop, *probe).answer.held);
  REQUIRE(opened());
  CHECK_FALSE(ask(*loop, *probe).answer.held);
  CHECK_FALSE(opened());
  CHECK(service.connections() == 2);
}

TEST_CASE("http: a question that is withdrawn is never answered") {
  const auto loop = make_loop();
  const Service service(*loop, {.answer = answer_of("200 OK", "ok")});
  const auto probe = make_probe("http", asking(service));
  bool answered = false;
  Watch question = probe->ask(*loop, 1s, [&](const ProbeAnswer&) { answered = true; });
  question.cancel();
  // Asked later, and answered: the first one had its time.
  CHECK(ask(*loop, *make_probe("http", asking(service))).answer.held);
  CHECK_FALSE(answered);
}

TEST_CASE("http: wrong keys are told") {
  CHECK(complaint_of("http", {setting("url", std::string("127.0.0.1:80"))}) ==
        "error: http: url must begin with http:// or https://");
  CHECK(complaint_of("http", {}).starts_with("error: http: 'url' is missing"));
  const auto with = [](Setting more) {
    return complaint_of("http",
                        {setting("url", std::string("http://127.0.0.1/")), std::move(more)});
  };
  CHECK(with(setting("method", std::string("get"))) ==
        "error: http: method must be a word in capitals, for example GET");
  CHECK(with(setting("headers", list({"X: a\r\nY: b"}))) ==
        "error: http: headers must look like \"Name: value\"");
  CHECK(with(setting("expect.latency_pmost", std::string("< 1s")))
            .starts_with("error: expect.latency_pmost: 'pmost' is not a percentile"));
  CHECK(with(setting("expect.json.state", std::string("ok")))
            .starts_with("error: expect.json.state: 'state' is not a JSON pointer"));
  CHECK(with(setting("expect.matches", std::string("\\d+")))
            .starts_with("error: expect.matches: '\\d+' is not a regular expression"));
  CHECK(with(setting("expect.matches", std::string("("))).contains("is not a regular expression"));
}

}  // namespace
}  // namespace squall
