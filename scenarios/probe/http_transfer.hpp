// SPDX-License-Identifier: Apache-2.0
//
// One HTTP request in the loop: nothing of it blocks, names included, and destroying
// the watch gives it up at once.

#pragma once

#include "safety/base/loop.hpp"
#include "safety/base/netns.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace squall {

struct HttpRequest {
  std::string url;
  std::string method = "GET";
  std::string body;
  std::vector<std::string> headers;  // "Accept: text/plain"
  bool verify = true;                // the certificate
  Netns netns;
};

struct HttpAnswer {
  std::string error;  // "connection refused"; "" when there was an answer
  bool timed_out = false;
  long status = 0;
  std::string body;  // its beginning
  bool cut = false;  // there was more; the transfer was ended then
  Duration took{};
};

// Asks one service. Redirects are not followed and proxies not used: the question is about
// this address. Names are looked up by a thread of libcurl, in our own network namespace; only
// the connection is made in `netns`. What is trusted is loaded with the first question.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  [[nodiscard]] Watch ask(Loop& loop, const HttpRequest& request, Duration timeout,
                          std::size_t body_kept, std::function<void(HttpAnswer)> done);

 private:
  class Shared;
  class Transfer;
  std::shared_ptr<Shared> shared_;
};

}  // namespace squall
