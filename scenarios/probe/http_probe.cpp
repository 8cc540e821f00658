// SPDX-License-Identifier: Apache-2.0
//
// http: ask a service over HTTP or HTTPS and judge status, latency and body.

#include "scenarios/probe/answering.hpp"
#include "scenarios/probe/http_library.hpp"
#include "scenarios/probe/http_transfer.hpp"
#include "scenarios/probe/make.hpp"

#include <algorithm>

namespace squall {
namespace {

struct Params {
  HttpRequest request;
  Expectation expect;
};

bool is_token(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool are_headers(const std::vector<std::string>& headers) {
  return std::all_of(headers.begin(), headers.end(), [](const auto& each) {
    return each.find(':') > 0 && each.contains(':') &&
           each.find_first_of("\r\n") == std::string::npos;
  });
}

const Table<Params>& table() {
  static const Table<Params> made = [] {
    std::vector<Field<HttpRequest>> request = {
        field("url", &HttpRequest::url, "address to ask, http or https").required(),
        field("method", &HttpRequest::method, "method of the request"),
        field("body", &HttpRequest::body, "body of the request"),
        field("headers", &HttpRequest::headers, "headers of the request, each \"Name: value\""),
        field("verify", &HttpRequest::verify, "whether the certificate must be good"),
        field("namespace", &HttpRequest::netns, "network namespace to connect in")};
    Table<Params> all(group("", &Params::request, std::move(request)),
                      {{"url must begin with http:// or https://",
                        [](const Params& p) {
                          return p.request.url.starts_with("http://") ||
                                 p.request.url.starts_with("https://");
                        }},
                       {"method must be a word in capitals, for example GET",
                        [](const Params& p) { return is_token(p.request.method); }},
                       {"headers must look like \"Name: value\"",
                        [](const Params& p) { return are_headers(p.request.headers); }}});
    all.add(group("expect", &Params::expect, status_fields()));
    all.add(group("expect", &Params::expect, latency_fields()));
    all.add(group("expect", &Params::expect, text_fields()));
    return all;
  }();
  return made;
}

struct Asked {
  HttpRequest request;
  Judge judge;
};

void judge(Answering& answering, const HttpAnswer& answer) {
  if (!answer.error.empty()) return answering.fail(answer.error, answer.took, answer.timed_out);
  Seen seen;
  seen.said = std::to_string(answer.status);
  seen.status = answer.status;
  seen.cut = answer.cut;
  seen.latency = answer.took;
  answering.judge(std::move(seen), answer.body);
}

class HttpProbe final : public Probe {
 public:
  explicit HttpProbe(Params params) {
    // Loaded before anything is disturbed; what is missing is told with the first answer.
    (void)http_library();
    if (params.expect.status.empty()) params.expect.status = {{Op::between, 200, 299}};
    asked_ =
        std::make_shared<Asked>(Asked{std::move(params.request), Judge(std::move(params.expect))});
  }
  Watch ask(Loop& loop, Duration timeout, Done done) override {
    auto answering = std::make_shared<Answering>(
        loop, std::shared_ptr<Judge>(asked_, &asked_->judge), std::move(done));
    answering->wait_for(
        client_.ask(loop, asked_->request, timeout, kTextKept,
                    [&to = *answering](const HttpAnswer& answer) { judge(to, answer); }));
    return Watch(std::move(answering));
  }
  void begin_phase() override { asked_->judge.begin_phase(); }

 private:
  std::shared_ptr<Asked> asked_;
  HttpClient client_;
};

}  // namespace

const ProbeKind& http_probe_kind() {
  static const ProbeKind kind{
      "http", "ask a service over HTTP and judge status, latency and body", table().sheet(),
      "[[probe]]\nname = \"prices are served\"\nkind = \"http\"\n"
      "url = \"http://127.0.0.1:8080/health\"\n"
      "expect = { status = 200, latency_p99 = \"< 80ms\", json = { \"/state\" = \"ok\" } }\n",
      probe_maker<HttpProbe>("http", table())};
  return kind;
}

}  // namespace squall
