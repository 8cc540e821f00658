// SPDX-License-Identifier: Apache-2.0
//
// The one table of a lab's names and addresses. Everything about a lab is known from
// its name and its block of addresses before anything of it exists, so what carries
// our marks can be found without a record.

#pragma once

#include "lab/lab.hpp"

#include <string>
#include <vector>

namespace squall::lab {

struct ServicePlan {
  LabService service;  // pid and born still 0
  std::vector<std::string> arguments;
};

struct Layout {
  std::string mark;    // environment SQUALL_LAB of every process of it: "sqlab", "sqlab-NAME"
  std::string folder;  // logs and figures: /run/squall/lab
  std::string record;  // /run/squall/lab.json
  std::string device;  // the host's end: "sqlab0"
  std::vector<std::string> networks;
  std::vector<LabLink> links;  // the first is the host's
  std::vector<ServicePlan> services;
  std::string gateway, web;  // as the host reaches them
};

inline constexpr int kBlocks = 64;  // block b has 198.18.4b.0/24 to 198.18.4b+3.0/24
inline constexpr int kV4Prefix = 24, kV6Prefix = 64;

// "" for the usual lab. Error: not a name that fits in a device's.
Result<> check_name(const std::string& name);
Layout lay_out(const LabOptions& options, int block);

}  // namespace squall::lab
