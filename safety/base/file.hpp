// SPDX-License-Identifier: Apache-2.0
//
// Small files of our own (journal, event log, lock) and of /proc, with errors that
// name the path. Nothing here alters state of the host that is not squall's own.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/base/result.hpp"

#include <string>
#include <string_view>

namespace squall {

Result<Fd> open_for_reading(const std::string& path);
// The whole file, at most `limit` bytes; reads what is there for /proc and friends.
Result<std::string> read_file(const std::string& path, std::size_t limit = 16u << 20);
Result<> write_all(int fd, std::string_view text, const std::string& path);
// Through a temporary name and rename, durable before the name appears.
Result<> replace_file(const std::string& path, std::string_view text);
// With what a replace_file() that was killed has left beside it; gone already is success.
Result<> delete_file(const std::string& path);
// With missing parents, durable; mode 0755. An existing directory is success.
Result<> make_directories(const std::string& path);
Result<> sync_directory(const std::string& path);

std::string boot_id();              // "" when /proc is not there
std::string rfc3339(long long ns);  // CLOCK_REALTIME nanoseconds, UTC
long long realtime_ns();
long long monotonic_ns();

}  // namespace squall
