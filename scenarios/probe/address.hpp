// SPDX-License-Identifier: Apache-2.0
//
// "127.0.0.1:9001", "[::1]:9001": where a probe connects to.

#pragma once

#include "safety/base/schema.hpp"

#include <cstdint>
#include <string>
#include <sys/socket.h>

namespace squall {

struct Address {
  std::string text;  // as written
  sockaddr_storage socket{};
  socklen_t length = 0;
};
SQUALL_DECLARE_VALUE(Address);

}  // namespace squall
