// SPDX-License-Identifier: Apache-2.0
//
// Errors as values. A function that can fail returns Result<T>; whoever cannot
// deal with the error passes it on with SQUALL_TRY or SQUALL_CHECK. An error is
// told once, by cmd, to a human. Nothing of ours throws.

#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace squall {

enum class ErrorKind {
  usage,        // the command line is wrong
  invalid,      // a scenario or value is wrong
  refused,      // a precondition is not met; nothing was changed
  unsupported,  // this kernel or host lacks something
  gone,         // the object is not there (any more)
  foreign,      // the object is there, but is somebody else's
  busy,         // not yet: it becomes possible by itself
  system,       // the operating system said no
  internal,     // a bug of ours
};

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string what;                // one lower-case sentence that names the object in quotes
  std::string hint;                // what the operator can do; empty when there is nothing
  std::vector<std::string> trail;  // steps that were under way, innermost first
  int code = 0;                    // errno, where kind is system or gone

  Error during(std::string step) && {
    trail.push_back(std::move(step));
    return std::move(*this);
  }

  // "what, while step, while step" on one line, without the hint.
  std::string sentence() const;
};

template <class T = void>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result()
    requires std::is_void_v<T>
  = default;
  template <class U = T>
    requires(!std::is_void_v<T> && std::is_constructible_v<std::expected<T, Error>, U &&> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error>)
  Result(U&& value) : held_(std::forward<U>(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : held_(std::unexpected(std::move(error))) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const noexcept { return held_.has_value(); }
  decltype(auto) value() & { return held_.value(); }
  decltype(auto) value() const& { return held_.value(); }
  decltype(auto) value() && { return std::move(held_).value(); }
  auto* operator->() { return &held_.value(); }
  const auto* operator->() const { return &held_.value(); }
  decltype(auto) operator*() & { return held_.value(); }
  decltype(auto) operator*() const& { return held_.value(); }
  decltype(auto) operator*() && { return std::move(held_).value(); }
  Error& error() & { return held_.error(); }
  const Error& error() const& { return held_.error(); }
  Error&& error() && { return std::move(held_).error(); }

 private:
  std::expected<T, Error> held_;
};

// An error from errno. `what` names the attempt: "open '/proc/1/ns/net'".
// ENOENT, ESRCH and ENODEV become ErrorKind::gone; EPERM and EACCES get a hint.
Error sys_error(std::string what);
Error sys_error(std::string what, int code);

}  // namespace squall

#define SQUALL_JOIN2(a, b) a##b
#define SQUALL_JOIN(a, b) SQUALL_JOIN2(a, b)

// SQUALL_TRY(auto link, host.link(name)); declares `link` or returns the error.
#define SQUALL_TRY(decl, expr)                                       \
  auto SQUALL_JOIN(squall_result_, __LINE__) = (expr);               \
  if (!SQUALL_JOIN(squall_result_, __LINE__))                        \
    return std::move(SQUALL_JOIN(squall_result_, __LINE__)).error(); \
  decl = std::move(SQUALL_JOIN(squall_result_, __LINE__)).value()

// SQUALL_CHECK(write(...)); returns the error, if there is one.
#define SQUALL_CHECK(expr)                                                                       \
  do {                                                                                           \
    if (auto squall_checked = (expr); !squall_checked) return std::move(squall_checked).error(); \
  } while (false)
