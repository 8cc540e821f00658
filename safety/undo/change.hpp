// SPDX-License-Identifier: Apache-2.0
//
// The change token: permission to alter the machine. Every function that writes
// to the kernel takes one by reference. Only Scope::change can make one, after the
// undo record is durable, and Rollback, from a record.

#pragma once

#include "safety/undo/journal.hpp"

#include <utility>

namespace squall {

class ChangeToken {
 public:
  ChangeToken(const ChangeToken&) = delete;
  ChangeToken& operator=(const ChangeToken&) = delete;

 private:
  ChangeToken() = default;
  friend class Scope;     // after the record is durable
  friend class Rollback;  // from a record
};

// Through a scope, one fault makes its changes.
class Scope {
 public:
  explicit Scope(Journal& journal) : journal_(journal) {}

  // Makes the undo record durable, then lets `apply` act. When `apply` fails the
  // record stays owed: the change may have happened in part.
  template <class Apply>
  auto change(const Intent& intent, Apply&& apply)
      -> decltype(apply(std::declval<const ChangeToken&>())) {
    SQUALL_CHECK(journal_.owe(intent));
    ++changes_;
    const ChangeToken token;
    return std::forward<Apply>(apply)(token);
  }

  // A further write to what a record of this scope already covers (a ramp, for
  // instance): the undo stays the same.
  template <class Apply>
  auto adjust(Apply&& apply) -> decltype(apply(std::declval<const ChangeToken&>())) {
    if (changes_ == 0)
      return Error{ErrorKind::internal, "adjust without a change that covers it", {}, {}, 0};
    const ChangeToken token;
    return std::forward<Apply>(apply)(token);
  }

 private:
  Journal& journal_;
  int changes_ = 0;
};

}  // namespace squall
