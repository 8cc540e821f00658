// SPDX-License-Identifier: Apache-2.0

#include "safety/base/result.hpp"

#include <cerrno>
#include <cstring>

namespace squall {

std::string Error::sentence() const {
  std::string text = what;
  for (const auto& step : trail) text += ", while trying to " + step;
  return text;
}

Error sys_error(std::string what, int code) {
  Error error{
      ErrorKind::system, "cannot " + std::move(what) + ": " + ::strerror(code), {}, {}, code};
  if (code == ENOENT || code == ESRCH || code == ENODEV || code == ENXIO)
    error.kind = ErrorKind::gone;
  if (code == EPERM || code == EACCES) error.hint = "run squall as root";
  return error;
}

Error sys_error(std::string what) { return sys_error(std::move(what), errno); }

}  // namespace squall
