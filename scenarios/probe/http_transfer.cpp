// SPDX-License-Identifier: Apache-2.0
//
// libcurl tells which sockets and which time it waits for; the loop waits, and each
// event drives the transfer one step:
//
//   loop ── readable/writable/timer ──> step() ── curl_multi_socket_action
//   want_socket(), want_timer() <── libcurl, from within the step
//
// No connection, name or TLS session is kept, so every question pays for its lookup and
// its handshake as a new client would, and none leaves an idle socket behind. Kept are
// only the trusted certificates, whose loading is no work of the service's.

#include "scenarios/probe/http_transfer.hpp"

#include "scenarios/probe/expectation.hpp"
#include "scenarios/probe/http_library.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <unistd.h>

namespace squall {

// What libcurl keeps for all transfers of one client.
class HttpClient::Shared : public std::enable_shared_from_this<Shared> {
 public:
  Shared() = default;
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() {
    if (multi_) curl_->multi_cleanup(multi_);
  }

  Result<const HttpLibrary*> open(Loop& loop) {
    loop_ = &loop;
    SQUALL_TRY(curl_, http_library());
    if (multi_) return curl_;
    multi_ = curl_->multi_init();
    if (!multi_) return Error{ErrorKind::system, "libcurl could not be started", {}, {}, 0};
    curl_->multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Shared::want_socket);
    curl_->multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_->multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Shared::want_timer);
    curl_->multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    return curl_;
  }

  // Asks for a timer, which begins the transfer at the next turn of the loop.
  bool add(CURL* easy) { return curl_->multi_add_handle(multi_, easy) == CURLM_OK; }
  void remove(CURL* easy) { curl_->multi_remove_handle(multi_, easy); }

 private:
  struct Side {
    Watch read;
    Watch write;
  };

  static int want_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    auto& shared = *static_cast<Shared*>(self);
    if (what == CURL_POLL_REMOVE) {
      shared.sides_.erase(fd);
      return 0;
    }
    auto& side = shared.sides_[fd];
    const auto step = [&shared, fd](int event) {
      return [&shared, fd, event] { shared.step(fd, event); };
    };
    const bool read = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
    const bool write = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
    side.read = read ? shared.loop_->on_readable(fd, step(CURL_CSELECT_IN)) : Watch{};
    side.write = write ? shared.loop_->on_writable(fd, step(CURL_CSELECT_OUT)) : Watch{};
    return 0;
  }

  static int want_timer(CURLM*, long after_ms, void* self) {
    auto& shared = *static_cast<Shared*>(self);
    shared.timer_.cancel();
    if (after_ms >= 0)
      shared.timer_ = shared.loop_->after(std::chrono::milliseconds(after_ms),
                                          [&shared] { shared.step(CURL_SOCKET_TIMEOUT, 0); });
    return 0;
  }

  void step(curl_socket_t fd, int event);

  const HttpLibrary* curl_ = nullptr;
  CURLM* multi_ = nullptr;
  Loop* loop_ = nullptr;
  std::map<curl_socket_t, Side> sides_;
  Watch timer_;
};

class HttpClient::Transfer {
 public:
  using Done = std::function<void(HttpAnswer)>;

  Transfer(Loop& loop, std::shared_ptr<Shared> shared, const HttpRequest& request,
           std::size_t body_kept, Done done)
      : loop_(loop),
        shared_(std::move(shared)),
        request_(request),
        body_kept_(body_kept),
        done_(std::move(done)) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() { release(); }

  void begin(Duration timeout) {
    began_ = loop_.now();
    const auto library = shared_->open(loop_);
    if (!library)
      return fail_soon(library.error().sentence() +
                       (library.error().hint.empty() ? "" : "; " + library.error().hint));
    curl_ = *library;
    easy_ = curl_->easy_init();
    if (!easy_) return fail_soon("libcurl could not be started");
    limit_ = loop_.after(timeout, [this, timeout] {
      answer_.timed_out = true;
      answer_.error = "no answer within " + to_text(timeout);
      tell();
    });
    describe_request();
    describe_means();
    added_ = shared_->add(easy_);
    if (!added_) fail_soon("libcurl did not take the request");
  }

  void finish(CURLcode code) {
    curl_->easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &answer_.status);
    long os_error = 0;
    curl_->easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
    if (code == CURLE_OK || answer_.cut) return tell();
    if (!socket_error_.empty())
      answer_.error = socket_error_;
    else if (code == CURLE_COULDNT_CONNECT && os_error != 0)
      answer_.error = reason_of(static_cast<int>(os_error));
    else
      answer_.error = as_reason(error_[0] ? error_.data() : curl_->easy_strerror(code));
    tell();
  }

 private:
  template <class V>
  void set(CURLoption option, V value) {
    // What an older library does not know it does without: none of these is for safety
    // except the switch for certificates, which every version has.
    curl_->easy_setopt(easy_, option, value);
  }

  void describe_request() {
    set(CURLOPT_URL, request_.url.c_str());
    if (request_.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    if (!request_.body.empty()) {
      set(CURLOPT_POSTFIELDSIZE, static_cast<long>(request_.body.size()));
      set(CURLOPT_POSTFIELDS, request_.body.c_str());
    }
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    for (const auto& each : request_.headers)
      headers_ = curl_->slist_append(headers_, each.c_str());
    // A wait for "100 Continue" would be measured as the service's.
    headers_ = curl_->slist_append(headers_, "Expect:");
    set(CURLOPT_HTTPHEADER, headers_);
    set(CURLOPT_USERAGENT, "squall-probe");
    set(CURLOPT_SSL_VERIFYPEER, request_.verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, request_.verify ? 2L : 0L);
  }

  void describe_means() {
    set(CURLOPT_WRITEFUNCTION, &Transfer::take_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
    set(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    set(CURLOPT_PRIVATE, this);
    keep_certificates();
    // Or giving up would wait for a name server that does not answer.
    set(CURLOPT_QUICK_EXIT, 1L);
    if (request_.netns.text.empty()) return;
    set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::open_socket);
    set(CURLOPT_OPENSOCKETDATA, this);
  }

  // libcurl loads the bundle anew for each connection (some 20 ms) where a folder is to be
  // searched as well. Where there is a bundle, it holds what the folder holds.
  void keep_certificates() {
    char* bundle = nullptr;
    if (curl_->easy_setopt(easy_, CURLOPT_CA_CACHE_TIMEOUT, -1L) != CURLE_OK) return;
    if (curl_->easy_getinfo(easy_, CURLINFO_CAINFO, &bundle) != CURLE_OK || !bundle) return;
    if (::access(bundle, R_OK) == 0) set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
  }

  static std::size_t take_body(char* text, std::size_t one, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    auto& answer = transfer.answer_;
    const auto size = one * count;
    const auto room = std::min(size, transfer.body_kept_ - answer.body.size());
    answer.body.append(text, room);
    answer.cut = room < size;
    return room;  // less than it brought ends the transfer
  }

  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* to) {
    auto& transfer = *static_cast<Transfer*>(self);
    auto made = socket_in(transfer.request_.netns, to->family, to->socktype, to->protocol);
    if (made) return made->release();
    transfer.socket_error_ = made.error().sentence();
    return CURL_SOCKET_BAD;
  }

  void fail_soon(std::string error) {
    answer_.error = std::move(error);
    soon_ = loop_.after(Duration::zero(), [this] { tell(); });
  }

  // The last thing to happen here: `done` may destroy the transfer.
  void tell() {
    answer_.took = loop_.now() - began_;
    release();
    const auto done = std::move(done_);
    done(std::move(answer_));
  }

  void release() {
    if (added_) shared_->remove(easy_);
    if (easy_) curl_->easy_cleanup(easy_);
    if (headers_) curl_->slist_free_all(headers_);
    added_ = false;
    easy_ = nullptr;
    headers_ = nullptr;
    soon_.cancel();
    limit_.cancel();
  }

  Loop& loop_;
  std::shared_ptr<Shared> shared_;
  const HttpRequest request_;
  const std::size_t body_kept_;
  Done done_;
  const HttpLibrary* curl_ = nullptr;
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  bool added_ = false;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::string socket_error_;
  HttpAnswer answer_;
  Instant began_{};
  Watch soon_;
  Watch limit_;
};

// `done` may destroy the transfer, and with it the last owner of all this.
void HttpClient::Shared::step(curl_socket_t fd, int event) {
  const auto self = shared_from_this();
  int running = 0;
  curl_->multi_socket_action(multi_, fd, event, &running);
  int left = 0;
  while (const auto* message = curl_->multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const auto result = message->data.result;
    char* transfer = nullptr;
    curl_->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    reinterpret_cast<Transfer*>(transfer)->finish(result);
  }
}

HttpClient::HttpClient() : shared_(std::make_shared<Shared>()) {}
HttpClient::~HttpClient() = default;

Watch HttpClient::ask(Loop& loop, const HttpRequest& request, Duration timeout,
                      std::size_t body_kept, std::function<void(HttpAnswer)> done) {
  auto transfer = std::make_shared<Transfer>(loop, shared_, request, body_kept, std::move(done));
  transfer->begin(timeout);
  return Watch(std::move(transfer));
}

}  // namespace squall
