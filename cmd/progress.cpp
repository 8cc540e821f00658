// SPDX-License-Identifier: Apache-2.0

#include "cmd/progress.hpp"

namespace squall {
namespace {

constexpr Duration kFrame = 100ms;  // at most ten pictures a second, however many events

}  // namespace

Progress::Progress(Print& print, Form form, const CheckedScenario& checked)
    : print_(print), form_(form) {
  if (form_ == Form::none) return;
  if (form_ != Form::json) panel_ = panel_of(checked);
  print_.begin_live();
}

Progress::~Progress() { end(); }

void Progress::hear(const Event& event, const std::string& run) {
  if (form_ == Form::none) return;
  told_ = true;
  if (form_ == Form::json) return print_.live(to_json_line(event, run) + "\n");
  apply(panel_, event);
  if (form_ == Form::lines) {
    if (const auto line = event_line(panel_, event, print_.look()); !line.empty())
      print_.live(line);
    return;
  }
  if (Instant::clock::now() - last_ >= kFrame) draw();
}

void Progress::draw() {
  // A frame that the terminal has not taken yet makes the next one late, not longer.
  if (form_ != Form::panel || ended_) return;
  if (print_.flush(); print_.live_behind()) return;
  last_ = std::chrono::time_point_cast<Duration>(Instant::clock::now());
  if (panel_.start_ns) panel_.elapsed = last_.time_since_epoch() - Duration(panel_.start_ns);
  print_.measure();
  const auto lines = panel_lines(panel_, print_.look(), print_.rows() - 1);
  std::string frame = drawn_ ? "\r\x1b[" + std::to_string(drawn_) + "A" : "";
  for (const auto& line : lines) frame += line + "\x1b[K\n";
  frame += "\x1b[J";
  drawn_ = static_cast<int>(lines.size());
  print_.live(frame);
}

void Progress::end() {
  if (form_ == Form::none || std::exchange(ended_, true)) return;
  if (form_ == Form::panel && drawn_ > 0) {
    ended_ = false;
    draw();
    ended_ = true;
  }
  print_.end_live();
  if (told_ && form_ != Form::json) print_.line("");
  if (print_.live_dropped())
    print_.warn(counted(print_.live_dropped(), "line") +
                " of progress were dropped: the reader of stdout was too slow");
}

}  // namespace squall
