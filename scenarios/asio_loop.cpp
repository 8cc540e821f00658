// SPDX-License-Identifier: Apache-2.0
//
// Timers and descriptors by Boost.Asio. A handler that Asio has queued already holds
// only a weak pointer, so destroying a watch always withdraws its task. Each
// descriptor is watched through a duplicate, which Asio may close as it likes.

#include "scenarios/asio_loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

namespace squall {
namespace {

namespace asio = boost::asio;
using Context = std::shared_ptr<asio::io_context>;

struct Timed {
  Timed(Context owner, Loop::Task what)
      : context(std::move(owner)), timer(*context), task(std::move(what)) {}
  Context context;  // first: it must outlive the timer
  asio::steady_timer timer;
  Loop::Task task;
};

struct Watched : std::enable_shared_from_this<Watched> {
  using Stream = asio::posix::stream_descriptor;

  Watched(Context owner, int duplicate, Stream::wait_type which, Loop::Task what)
      : context(std::move(owner)),
        stream(*context, duplicate),
        side(which),
        task(std::move(what)) {}

  // Asio waits once; the promise of the loop is "again and again".
  void wait() {
    stream.async_wait(side, [weak = weak_from_this()](const boost::system::error_code& error) {
      auto self = weak.lock();
      if (!self || error == asio::error::operation_aborted) return;
      self->task();
      self.reset();  // the task may have destroyed the watch
      if (auto still = weak.lock()) still->wait();
    });
  }

  Context context;
  Stream stream;
  Stream::wait_type side;
  Loop::Task task;
};

class AsioLoop final : public Loop {
 public:
  Instant now() const override { return std::chrono::steady_clock::now(); }

  Watch after(Duration delay, Task task) override {
    auto timed = std::make_shared<Timed>(context_, std::move(task));
    timed->timer.expires_after(std::max(delay, Duration::zero()));
    timed->timer.async_wait([weak = std::weak_ptr(timed)](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (self && error != asio::error::operation_aborted) self->task();
    });
    return Watch(std::move(timed));
  }

  Watch on_readable(int fd, Task task) override {
    return watch(fd, Watched::Stream::wait_read, std::move(task));
  }
  Watch on_writable(int fd, Task task) override {
    return watch(fd, Watched::Stream::wait_write, std::move(task));
  }

  void post(Task task) override { asio::post(*context_, std::move(task)); }

  void run() override {
    const auto idle = asio::make_work_guard(*context_);
    context_->run();
    context_->restart();  // after, not before: a stop() that came early counts
  }
  void stop() override { context_->stop(); }

 private:
  // Kernel: an epoll set knows a descriptor by its number, so a duplicate for each
  // side lets one descriptor be watched for reading and for writing at once. Out of
  // descriptors there is nothing to wait for: whoever waits runs into its own timeout.
  Watch watch(int fd, Watched::Stream::wait_type side, Task task) {
    const int duplicate = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0) return Watch{};
    try {
      auto watched = std::make_shared<Watched>(context_, duplicate, side, std::move(task));
      watched->wait();
      return Watch(std::move(watched));
    } catch (const boost::system::system_error&) {
      return Watch{};
    }
  }

  Context context_ = std::make_shared<asio::io_context>(1);
};

}  // namespace

std::unique_ptr<Loop> make_loop() { return std::make_unique<AsioLoop>(); }

}  // namespace squall
