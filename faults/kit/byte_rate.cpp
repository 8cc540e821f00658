// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/byte_rate.hpp"

namespace squall {

Result<ByteRate> Value<ByteRate>::parse(const Raw& raw) {
  const auto* text = std::get_if<std::string>(&raw.value);
  if (!text || !text->ends_with("/s"))
    return Error{ErrorKind::invalid,
                 describe(raw) + " is not a rate",
                 "write a size for each second, for example 200MiB/s",
                 {},
                 0};
  SQUALL_TRY(const auto size, parse_bytes(text->substr(0, text->size() - 2)));
  return ByteRate{size};
}

std::string Value<ByteRate>::print(const ByteRate& rate) {
  return to_text(rate.each_second) + "/s";
}

TypeSheet Value<ByteRate>::sheet() {
  const auto size = Value<Bytes>::sheet();
  auto pattern = size.pattern;
  if (pattern.ends_with('$')) pattern.insert(pattern.size() - 1, "/s");
  return {"rate", "200MiB/s", pattern, {}, {"string"}, false};
}

}  // namespace squall
