// SPDX-License-Identifier: Apache-2.0
//
// The journal of one run: what is owed and what is settled. A record is durable
// before the change that it describes. See journal_file.hpp for the format.

#pragma once

#include "safety/base/record.hpp"
#include "safety/base/result.hpp"

#include <cstdint>
#include <vector>

namespace squall {

class Journal {
 public:
  virtual ~Journal() = default;
  virtual Result<std::uint64_t> owe(const Intent& intent) = 0;  // durable when it returns
  // Marks as undone. Not durable until sync(): a crash between means that the undo
  // is repeated, which is harmless.
  virtual Result<> settle(std::uint64_t seq) = 0;
  virtual Result<> sync() = 0;
  virtual std::vector<Owed> owed() const = 0;  // not settled, oldest first
};

}  // namespace squall
