// SPDX-License-Identifier: Apache-2.0

#include "scenarios/probe/onlooker.hpp"

#include "safety/base/fd.hpp"
#include "safety/base/proc.hpp"
#include "safety/base/result.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace squall {
namespace {

struct Page {
  std::size_t size = 0;
  std::array<char, Onlooker::kMost> text;
};

struct Unmap {
  void operator()(Page* page) const noexcept { ::munmap(page, sizeof(Page)); }
};
using SharedPage = std::unique_ptr<Page, Unmap>;

constexpr int kLine = 3;

// Nothing of the run's may outlive it here: not its lock, its journal, nor a link that keeps a
// fault in force. Its signals are its own; those of the terminal are not for us.
void leave_the_run(int line, pid_t runner) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != runner) ::_exit(0);  // it died before the line above
  const int kept = ::fcntl(line, F_DUPFD_CLOEXEC, kLine + 1);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (kept < 0 || nothing < 0) ::_exit(1);
  for (int each = 0; each < kLine; ++each) ::dup2(nothing, each);
  ::dup2(kept, kLine);
  ::close_range(kLine + 1, ~0U, 0);
  ::setsid();
  for (int each = 1; each < NSIG; ++each) ::signal(each, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_NAME, Onlooker::kName);
  (void)!::chdir("/");
}

[[noreturn]] void look_when_asked(const Onlooker::Look& look, Page& page) noexcept {
  char word = 0;
  while (::recv(kLine, &word, 1, 0) == 1) {
    const auto text = look();
    page.size = text.copy(page.text.data(), page.text.size());
    if (::send(kLine, &word, 1, MSG_NOSIGNAL) != 1) break;
  }
  ::_exit(0);
}

}  // namespace

class Onlooker::Question {
 public:
  Question(Loop& loop, std::shared_ptr<Looking> looking, Duration timeout, Done done);
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;
  ~Question();

  Loop& loop() const { return loop_; }
  void fail_soon(std::string why) {
    soon_ = loop_.after(Duration::zero(),
                        [this, why = std::move(why)] { tell({.error = why, .text = {}}); });
  }
  // The last thing to happen here: `done` may destroy the question.
  void tell(Sight sight);

 private:
  Loop& loop_;
  std::shared_ptr<Looking> looking_;
  Done done_;
  Instant began_;
  Watch timer_;
  Watch soon_;
};

class Onlooker::Looking {
 public:
  explicit Looking(Look look) : look_(std::move(look)) {}
  Looking(const Looking&) = delete;
  Looking& operator=(const Looking&) = delete;
  ~Looking() { end(); }

  void take(Question& question) {
    asking_ = &question;
    if (busy_)
      listen();
    else
      go();
  }

  void withdraw(Question& question) {
    if (sent_ == &question) sent_ = nullptr;
    if (asking_ != &question) return;
    asking_ = nullptr;
    heard_.cancel();
  }

 private:
  void go() {
    if (line_ && ::send(line_.get(), "l", 1, MSG_NOSIGNAL) != 1) end();
    if (!line_) {
      if (auto started = start(); !started) return asking_->fail_soon(started.error().sentence());
      if (::send(line_.get(), "l", 1, MSG_NOSIGNAL) != 1)
        return asking_->fail_soon(sys_error("ask the process that looks").sentence());
    }
    busy_ = true;
    sent_ = asking_;
    listen();
  }

  void listen() {
    heard_ = asking_->loop().on_readable(line_.get(), [this] { hear(); });
  }

  void hear() {
    char word = 0;
    const auto got = ::recv(line_.get(), &word, 1, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    heard_.cancel();
    busy_ = false;
    auto* const answered = std::exchange(sent_, nullptr);
    if (got != 1) end();
    if (!asking_) return;
    if (answered != asking_) return go();
    if (got != 1) return asking_->tell({.error = "the process that looks has ended", .text = {}});
    asking_->tell({.error = {}, .text = {page_->text.data(), page_->size}});
  }

  Result<> start() {
    void* mapped =
        ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return sys_error("map a page");
    SharedPage page(new (mapped) Page);
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
      return sys_error("make a pair of sockets");
    Fd ours{ends[0]};
    const Fd theirs{ends[1]};
    ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
    const pid_t runner = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) return sys_error("start a process that looks");
    if (child == 0) {
      leave_the_run(theirs.get(), runner);
      look_when_asked(look_, *page);
    }
    process_ = open_process(child);
    page_ = std::move(page);
    line_ = std::move(ours);
    return {};
  }

  // The end of the line ends it too, unless it is stuck. Kernel: a killed process is gone within
  // a millisecond otherwise.
  void end() {
    line_.reset();
    if (!process_) return;
    ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
    (void)ends_within(process_.get(), 10ms);
    siginfo_t info{};
    ::waitid(P_PIDFD, static_cast<id_t>(process_.get()), &info, WEXITED | WNOHANG);
    process_.reset();
  }

  Look look_;
  SharedPage page_;
  Fd line_;
  Fd process_;
  bool busy_ = false;           // it looks
  Question* sent_ = nullptr;    // for whom; nobody any more when that was withdrawn
  Question* asking_ = nullptr;  // who waits
  Watch heard_;
};

Onlooker::Question::Question(Loop& loop, std::shared_ptr<Looking> looking, Duration timeout,
                             Done done)
    : loop_(loop), looking_(std::move(looking)), done_(std::move(done)), began_(loop.now()) {
  timer_ = loop_.after(timeout, [this, timeout] {
    tell({.error = "no answer within " + to_text(timeout), .timed_out = true, .text = {}});
  });
  looking_->take(*this);
}

Onlooker::Question::~Question() { looking_->withdraw(*this); }

void Onlooker::Question::tell(Sight sight) {
  timer_.cancel();
  soon_.cancel();
  looking_->withdraw(*this);
  sight.took = loop_.now() - began_;
  const auto done = std::move(done_);
  done(std::move(sight));
}

Onlooker::Onlooker(Look look) : looking_(std::make_shared<Looking>(std::move(look))) {}
Onlooker::~Onlooker() = default;

Watch Onlooker::ask(Loop& loop, Duration timeout, Done done) {
  return Watch(std::make_shared<Question>(loop, looking_, timeout, std::move(done)));
}

}  // namespace squall
