// SPDX-License-Identifier: Apache-2.0
//
// A directory of a test's own, removed with everything in it.

#pragma once

#include "safety/paths.hpp"

#include <filesystem>
#include <stdlib.h>
#include <string>

namespace squall::testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory() { path_ = ::mkdtemp(path_.data()); }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  Paths paths() const { return {path_ + "/state", path_ + "/run", path_ + "/config"}; }

 private:
  std::string path_ = "/tmp/squall-test-XXXXXX";
};

}  // namespace squall::testing
