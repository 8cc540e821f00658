// SPDX-License-Identifier: Apache-2.0
//
// Messages to the kernel's rtnetlink, through libnl. libnl-route is not used: loading it costs
// more than everything that is asked here.

#pragma once

#include "safety/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

struct nl_msg;
struct nlattr;
struct nlmsghdr;

namespace squall::netlink {

struct MessageFreer {
  void operator()(nl_msg* message) const noexcept;
};
using Message = std::unique_ptr<nl_msg, MessageFreer>;
using Each = std::function<void(nlmsghdr&)>;

inline constexpr std::size_t kRoom = 4096;
Message make_message(int type, int flags, const void* head, std::size_t size, std::size_t room);
template <class Head>
Message make_message(int type, int flags, const Head& head, std::size_t room = kRoom) {
  return make_message(type, flags, &head, sizeof head, room);
}

// Of the namespace that this thread is in. Hands each answer to `each`; returns the kernel's
// errno, 0 for success.
Result<int> ask(const Message&, const Each* each = nullptr);

void put_u32(const Message&, int type, std::uint32_t value);
void put_text(const Message&, int type, const std::string& text);
void put_bytes(const Message&, int type, const void* bytes, std::size_t size);
template <class T>
void put(const Message& message, int type, const T& value) {
  put_bytes(message, type, &value, sizeof value);
}
// Closes with the scope: attributes that are put meanwhile lie inside.
class Nest {
 public:
  Nest(const Message&, int type);
  ~Nest();
  Nest(const Nest&) = delete;
  Nest& operator=(const Nest&) = delete;

 private:
  nl_msg* message_;
  nlattr* start_;
};

}  // namespace squall::netlink
