// SPDX-License-Identifier: Apache-2.0
//
// What lab_up made, so that lab_down finds exactly that: written before anything is
// made, and again with each process.

#pragma once

#include "lab/daemon.hpp"

#include <optional>
#include <string>
#include <vector>

namespace squall::lab {

struct Record {
  std::string state;         // "making", then "up"
  int block = 0;             // of addresses
  bool made_folder = false;  // /run/netns was not a shared mount before
  struct Started {
    std::string program;
    Daemon daemon;
  };
  std::vector<Started> started;
};

Result<> write_record(const std::string& path, const Record& record);
// Nothing: there is no record, or it is damaged (then marks are what is left to go by).
std::optional<Record> read_record(const std::string& path);

}  // namespace squall::lab
