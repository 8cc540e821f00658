// SPDX-License-Identifier: Apache-2.0

#include "cmd/print.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace squall {
namespace {

constexpr std::size_t kLiveLimit = 4 << 20;  // of text that a stopped reader makes us keep

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Unset is taken as UTF-8: so are the terminals of containers, which set nothing.
bool utf8_expected() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto value = environment(name);
    if (value.empty()) continue;
    return value.find("UTF-8") != value.npos || value.find("utf8") != value.npos ||
           value.find("UTF8") != value.npos || value.find("utf-8") != value.npos;
  }
  return true;
}

Look look_at(int fd) {
  const auto term = environment("TERM");
  const bool able = ::isatty(fd) && !term.empty() && term != "dumb";
  return {able && environment("NO_COLOR").empty(), term != "dumb" && utf8_expected(), 80};
}

// One line for each of them.
std::string hints(std::string_view all) {
  std::string text;
  for (std::size_t at = 0; at < all.size();) {
    const auto end = std::min(all.find('\n', at), all.size());
    text += "  hint: " + std::string(all.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return text;
}

void write_all(int fd, std::string_view text, int& failure) {
  while (!text.empty() && failure == 0) {
    const auto count = ::write(fd, text.data(), text.size());
    if (count > 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (count < 0 && errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (count == 0 || errno != EINTR) {
      failure = count == 0 ? EIO : errno;
    }
  }
}

}  // namespace

Print::Print() : look_(look_at(STDOUT_FILENO)), error_look_(look_at(STDERR_FILENO)) {
  terminal_ = ::isatty(STDOUT_FILENO);
  const auto term = environment("TERM");
  in_place_ = terminal_ && !term.empty() && term != "dumb";
  measure();
}

Print::~Print() { flush(); }

void Print::measure() {
  winsize size{};
  if (terminal_ && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    look_.width = size.ws_col;
    rows_ = size.ws_row > 0 ? size.ws_row : 24;
  } else if (const int wide = std::atoi(std::string(environment("COLUMNS")).c_str()); wide > 0) {
    look_.width = wide;
  } else {
    look_.width = 100;
  }
  error_look_.width = look_.width;
}

void Print::flush() {
  if (live_) return write_some();
  write_all(STDOUT_FILENO, text_, failure_);
  text_.clear();
}

void Print::to_stderr(std::string_view text) {
  flush();
  int lost = 0;
  write_all(STDERR_FILENO, text, lost);
}

void Print::error(const Error& error) {
  std::string text = error_look_.paint(Tone::bad, "squall: error:") + " ";
  // A refusal may give several reasons, one per line.
  for (const char c : error.sentence())
    text +=
        c == '\n' ? "\n" + error_look_.paint(Tone::bad, "squall: error:") + " " : std::string(1, c);
  text += "\n";
  to_stderr(text + hints(error.hint));
}

void Print::complaints(const Complaints& complaints) {
  std::string text;
  for (const auto& each : complaints)
    text += (each.place.file.empty() ? "squall: " : "") + each.text() + "\n";
  to_stderr(text);
}

void Print::warn(std::string_view what, std::string_view hint) {
  std::string text =
      error_look_.paint(Tone::warn, "squall: warning:") + " " + std::string(what) + "\n";
  to_stderr(text + hints(hint));
}

void Print::begin_live() {
  flush();
  struct stat kind{};
  if (::fstat(STDOUT_FILENO, &kind) != 0) return;
  // A description of our own: O_NONBLOCK on the shared one would change the shell's terminal.
  // Regular files do not block, and opened again they would be written from their start.
  if (S_ISFIFO(kind.st_mode) || S_ISCHR(kind.st_mode))
    live_ = Fd{::open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
  if (S_ISSOCK(kind.st_mode)) live_ = Fd{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)};
  socket_ = S_ISSOCK(kind.st_mode);
}

void Print::live(std::string_view text) {
  if (text_.size() + text.size() > kLiveLimit) {
    ++dropped_;
    return;
  }
  text_ += text;
  flush();
}

void Print::write_some() {
  std::size_t done = 0;
  while (done < text_.size()) {
    const auto* from = text_.data() + done;
    const auto count = socket_ ? ::send(live_.get(), from, text_.size() - done, MSG_DONTWAIT)
                               : ::write(live_.get(), from, text_.size() - done);
    const int problem = count < 0 ? errno : 0;
    if (count > 0) done += static_cast<std::size_t>(count);
    if (problem == EAGAIN) break;
    if (count > 0 || problem == EINTR) continue;
    failure_ = problem;
    done = text_.size();
  }
  text_.erase(0, done);
}

void Print::end_live() {
  live_.reset();
  flush();
}

bool confirm(Print& print, std::string_view question) {
  print.to_stderr(question);
  std::string answer;
  for (char c = 0; ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n';) answer += c;
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace squall
