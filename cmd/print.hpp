// SPDX-License-Identifier: Apache-2.0
//
// The only place that writes to stdout and stderr. Results go to stdout, errors and
// logs to stderr. A reader that went away or a terminal that was stopped never
// stops a run: what is written while one is active never blocks.

#pragma once

#include "cmd/look.hpp"
#include "safety/base/fd.hpp"
#include "safety/base/schema.hpp"

#include <string>
#include <string_view>

namespace squall {

class Print {
 public:
  Print();  // looks at the streams and at NO_COLOR, TERM and the locale
  ~Print();
  Print(const Print&) = delete;
  Print& operator=(const Print&) = delete;

  const Look& look() const { return look_; }  // of stdout
  const Look& error_look() const { return error_look_; }
  bool terminal() const { return terminal_; }  // a person watches stdout
  bool in_place() const { return in_place_; }  // and lines can be redrawn there

  void out(std::string_view text) { text_ += text; }  // written at the end, or by flush
  void line(std::string_view text) {
    out(text);
    out("\n");
  }
  void flush();
  // Of the write to stdout that failed: its errno, or 0. EPIPE: the reader has gone away.
  int failure() const { return failure_; }

  void error(const Error& error);
  void complaints(const Complaints& complaints);
  void warn(std::string_view text, std::string_view hint = {});
  void to_stderr(std::string_view text);

  // While a run is active: writes at once what fits, keeps the rest (up to a limit,
  // beyond which it is dropped and counted), never waits.
  void begin_live();
  void live(std::string_view text);
  bool live_behind() const { return !text_.empty(); }
  void end_live();  // writes what was kept, waiting again
  std::size_t live_dropped() const { return dropped_; }

  void measure();  // the terminal's size, again
  int rows() const { return rows_; }

 private:
  void write_some();

  Look look_;
  Look error_look_;
  bool terminal_ = false;
  bool in_place_ = false;
  int failure_ = 0;
  int rows_ = 24;
  std::string text_;
  Fd live_;
  bool socket_ = false;
  std::size_t dropped_ = 0;
};

// Asks on the terminal, through stderr; false also when the input ends.
bool confirm(Print& print, std::string_view question);

}  // namespace squall
