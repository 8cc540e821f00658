// SPDX-License-Identifier: Apache-2.0
//
// The duty to start again what was killed, as an undo record and back.

#pragma once

#include "faults/kit/process_target.hpp"
#include "safety/undo/change.hpp"

#include <optional>
#include <string>
#include <vector>

namespace squall {

struct RestartRecord {
  std::string unit;  // through systemd; else the command
  std::vector<std::string> argv;
  ProcessTarget target;           // what counts as running; never a pid
  std::vector<ProcessId> others;  // match as well, and are not what was killed
  // For the command:
  std::string directory;
  std::string mark;                           // in its environment
  std::string starter;                        // what it is called before it is the program
  std::optional<network::NamespaceId> netns;  // of what was killed; its hint is for people
  std::vector<std::string> groups;            // "name=systemd:/path", and ":/path" for v2

  std::string how() const;      // "'/usr/bin/order_gateway --port 9001'", "unit 'gw.service'"
  std::string by_hand() const;  // carries the mark, so that revert finds it
};

UndoRecord to_undo(const RestartRecord&);
Result<RestartRecord> restart_of(const UndoRecord&);

// Those that match and are none of the others.
Result<std::vector<ProcessInfo>> find_running(const RestartRecord&, const Machine&);

}  // namespace squall
