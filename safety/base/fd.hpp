// SPDX-License-Identifier: Apache-2.0
//
// Owners of kernel and library handles. Closing a handle frees it; it never
// repairs the machine (that is the journal's work), except where the kernel ties
// a fault's lifetime to the descriptor.

#pragma once

#include <memory>
#include <unistd.h>
#include <utility>

namespace squall {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int raw) noexcept : raw_(raw) {}
  Fd(Fd&& other) noexcept : raw_(std::exchange(other.raw_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const noexcept { return raw_; }
  explicit operator bool() const noexcept { return raw_ >= 0; }
  // For a library that closes it itself.
  int release() noexcept { return std::exchange(raw_, -1); }
  void reset() noexcept {
    if (raw_ >= 0) ::close(std::exchange(raw_, -1));
  }

 private:
  int raw_ = -1;
};

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
template <class T, auto Free>
using Handle = std::unique_ptr<T, Freer<Free>>;

}  // namespace squall
