// SPDX-License-Identifier: Apache-2.0
//
// The lab: a playground of network namespaces joined by veth pairs, with small real
// services in them to hurt (examples/victim). It is not a fault and isn't journaled,
// but it is never left half-made: what fails to come up is taken down again, and
// lab_down finds everything by recorded identity, or without a record by its marks.
//
//   host ── sqlab0 ─ host0 ┐                 ┌ eth0 ── eth0   sqlab-client  order client
//                          └─   sqlab-gw   ──┤
//                            order gateway   └ web0 ── eth0   sqlab-web     price service

#pragma once

#include "safety/base/result.hpp"
#include "safety/base/units.hpp"
#include "safety/paths.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace squall {

struct LabOptions {
  std::string name;      // "" is the usual lab; another name (a-z, 0-9, up to 8) is one beside it
  std::string programs;  // folder of the services; "" finds them beside this program
  Paths paths = paths_from_environment();
  Duration limit = 10s;  // for every service to answer
};

struct LabService {
  std::string name;             // "order gateway"
  std::string program;          // "order-gateway"
  std::string network;          // namespace: "sqlab-gw"
  std::string address;          // "198.18.0.2:9001"; "" for the client, which listens nowhere
  std::string log;              // file with its output
  std::string stats;            // file rewritten each second with its figures; "" when it has none
  pid_t pid = 0;                // 0: not running
  unsigned long long born = 0;  // start time in clock ticks after boot
};

struct LabLink {
  std::string from_network, from_device, from_v4, from_v6;  // network "" is the host's own
  std::string to_network, to_device, to_v4, to_v6;
};

struct LabInfo {
  bool up = false;      // every namespace and every service is there
  bool was_up = false;  // lab_up found it standing and changed nothing
  std::string name;     // as in LabOptions
  std::string record;   // /run/squall/lab.json
  std::string problem;  // when neither up nor absent: what is missing
  std::vector<std::string> networks;
  std::vector<LabLink> links;
  std::vector<LabService> services;
};

// Idempotent. Error: refused (no privileges, bad name), or the reason why a part did not
// come up; nothing is left then.
Result<LabInfo> lab_up(const LabOptions& options);
// Removes processes, devices and namespaces; success when there was nothing.
Result<> lab_down(const LabOptions& options);
// Reads only. A lab that was never made is an LabInfo without services.
Result<LabInfo> lab_status(const LabOptions& options);

// The map and what to try next, for people; several lines, each with its end.
std::string lab_map(const LabInfo& info);

}  // namespace squall
