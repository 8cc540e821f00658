// SPDX-License-Identifier: Apache-2.0
//
// Network namespaces: finding one by what a user says, finding it again by its
// identity, and being inside one for the length of a scope.

#pragma once

#include "faults/kit/network.hpp"
#include "safety/base/fd.hpp"
#include "safety/base/result.hpp"

#include <string>
#include <vector>

namespace squall::netns {

// This thread is in the namespace until the object goes. When the way back fails the
// process stops: nothing may go on in a namespace it does not know.
class Entered {
 public:
  Entered(Entered&&) = default;
  Entered& operator=(Entered&&) = delete;
  ~Entered();

 private:
  Entered() = default;
  Fd back_;  // none: it was our own
  friend Result<Entered> enter(const network::NamespaceId&);
};

// By a name in /run/netns, a pid, an absolute path, or "" for our own.
Result<network::NamespaceId> find(const std::string& text);
// The object with this cookie: by the hint, else wherever it can be reached, a descriptor of
// this process included. Error (gone): nothing leads to it any more.
Result<Fd> open(const network::NamespaceId&);
Result<Entered> enter(const network::NamespaceId&);
// Those that went meanwhile are left out; one that cannot be looked at is an error.
Result<std::vector<network::NamespaceId>> find_all();

}  // namespace squall::netns
