// SPDX-License-Identifier: Apache-2.0
//
// From a file's name to its model: what is no scenario text at all (missing, empty,
// huge, binary) is refused here, before the notation is looked at.

#include "safety/base/fd.hpp"
#include "scenarios/document.hpp"
#include "scenarios/parse.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

namespace squall {
namespace {

constexpr std::size_t kLargest = 1UL << 20;
// Kernel: stacks are 8 MiB. toml++ frees nested tables by recursion, so a key with
// hundreds of thousands of parts would end the program.
constexpr std::ptrdiff_t kMostDots = 10'000;

// Bytes of the UTF-8 sequence at `at`; 0 when it is none. Overlong forms, surrogates
// and what is above U+10FFFF are left to toml++.
std::size_t sequence(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(at);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xC2 ? 0
                           : first < 0xE0 ? 2
                           : first < 0xF0 ? 3
                           : first < 0xF5 ? 4
                                          : 0;
  if (at + size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  return size;
}

std::optional<Complaint> not_text(const std::string& file, const std::string& text) {
  Place at{file, 1, 1};
  for (std::size_t i = 0; i < text.size();) {
    const auto size = sequence(text, i);
    if (size == 0)
      return Complaint{at, "the file is not UTF-8 text", "save it as plain UTF-8 text"};
    if (text[i] == '\0') return Complaint{at, "the file holds a NUL byte", "is it a binary file?"};
    if (text[i] == '\n') at = {file, at.line + 1, 0};
    ++at.column;
    i += size;
  }
  return std::nullopt;
}

std::optional<Complaint> not_a_scenario(const std::string& file, const std::string& text) {
  const Place whole{file, 0, 0};
  const std::string example = "'squall explain KIND' shows what belongs into one";
  if (text.empty()) return Complaint{whole, "the file is empty", example};
  if (text.size() > kLargest)
    return Complaint{whole, "the file is larger than 1 MiB, too large for a scenario",
                     "is it the right file?"};
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    return Complaint{whole, "the file holds nothing but blanks", example};
  if (std::count(text.begin(), text.end(), '.') > kMostDots)
    return Complaint{whole, "the file holds more than 10000 dots, too many for a scenario",
                     "is it the right file?"};
  return not_text(file, text);
}

Result<std::string> read_text(const std::string& file) {
  // O_NONBLOCK: a named pipe without a writer must not hang us.
  const Fd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!opened) return sys_error("open '" + file + "'");
  struct stat status{};
  if (::fstat(opened.get(), &status) != 0) return sys_error("look at '" + file + "'");
  if (!S_ISREG(status.st_mode))
    return Error{ErrorKind::invalid,
                 S_ISDIR(status.st_mode) ? "it is a directory" : "it is not a regular file",
                 "name a scenario file (.toml)",
                 {},
                 0};
  std::string text;
  std::array<char, 1 << 16> chunk{};
  while (text.size() <= kLargest) {
    const auto got = ::read(opened.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sys_error("read '" + file + "'");
    if (got == 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

void sort_by_place(Complaints& complaints) {
  std::stable_sort(complaints.begin(), complaints.end(), [](const auto& a, const auto& b) {
    return std::tie(a.place.file, a.place.line, a.place.column) <
           std::tie(b.place.file, b.place.line, b.place.column);
  });
}

std::optional<Scenario> parse_scenario(const std::string& file, const std::string& text,
                                       const Overrides& overrides, Complaints& complaints) {
  if (auto complaint = not_a_scenario(file, text)) {
    complaints.push_back(std::move(*complaint));
    return std::nullopt;
  }
  auto document = parse_document(file, text, complaints);
  if (!document) return std::nullopt;
  auto parameters = put_in_parameters(*document, overrides, complaints);
  auto scenario = assemble(*document, file, complaints);
  scenario.text = text;
  scenario.parameters = std::move(parameters);
  sort_by_place(complaints);
  return scenario;
}

std::optional<Scenario> read_scenario(const std::string& file, const Overrides& overrides,
                                      Complaints& complaints) {
  auto text = read_text(file);
  if (!text) {
    complaints.push_back({{file, 0, 0}, text.error().what, text.error().hint});
    return std::nullopt;
  }
  return parse_scenario(file, *text, overrides, complaints);
}

}  // namespace squall
