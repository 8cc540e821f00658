// SPDX-License-Identifier: Apache-2.0
//
// A field that need not be given, and can be ramped where it is.

#pragma once

#include "safety/base/schema.hpp"

#include <optional>
#include <utility>

namespace squall {

template <class P, class T>
Field<P> ramped(Field<P> made, std::optional<T> P::* member) {
  made.sheet.rampable = true;
  made.blend = [member](P& out, const P& from, const P& to, double f) {
    if (from.*member && to.*member)
      out.*member = Value<T>::blend(*(from.*member), *(to.*member), f);
  };
  return made;
}

}  // namespace squall
