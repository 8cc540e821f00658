// SPDX-License-Identifier: Apache-2.0
//
// Shows a run while it goes on: redrawn in place on a terminal, otherwise a line per
// event, or JSON Lines.

#pragma once

#include "cmd/panel.hpp"
#include "cmd/print.hpp"

namespace squall {

class Progress {
 public:
  enum class Form { none, panel, lines, json };

  Progress(Print& print, Form form, const CheckedScenario& checked);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void hear(const Event& event, const std::string& run);
  void draw();  // the panel, now
  void end();   // the last state of the panel stays on the screen

 private:
  Print& print_;
  Form form_;
  Panel panel_;
  int drawn_ = 0;  // lines of the panel on the screen
  Instant last_{};
  bool told_ = false;  // anything was shown
  bool ended_ = false;
};

}  // namespace squall
