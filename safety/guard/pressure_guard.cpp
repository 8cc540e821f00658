// SPDX-License-Identifier: Apache-2.0
//
// pressure: abort when tasks stall on a resource, by the kernel's pressure stall
// information (PSI). The averages change every two seconds, so the look once a second
// sees them in time; for the last second the kernel itself wakes us where it may.

#include "safety/base/file.hpp"
#include "safety/base/limit.hpp"
#include "safety/guard/make.hpp"

#include <array>
#include <charconv>
#include <fcntl.h>
#include <optional>
#include <sys/epoll.h>

namespace squall {
namespace {

enum class Resource { cpu, memory, io };

using Share = std::optional<Limit<Percent>>;
struct Params {
  Resource resource = Resource::memory;
  Share some_1s, some_avg10, some_avg60;
  Share full_1s, full_avg10, full_avg60;
};

// Of one line of the file: "some avg10=0.18 avg60=0.59 avg300=0.33 total=9965310".
struct Line {
  Percent avg10, avg60;
  std::uint64_t stalled_us = 0;
};

}  // namespace

template <>
struct Words<Resource> {
  static constexpr std::pair<Resource, std::string_view> list[] = {
      {Resource::cpu, "cpu"}, {Resource::memory, "memory"}, {Resource::io, "io"}};
};

namespace {

const Table<Params>& table() {
  static const Table<Params> made(
      {field("resource", &Params::resource, "what tasks wait for").required(),
       field("some_1s", &Params::some_1s, "share of the last second in which some task stalled"),
       field("some_avg10", &Params::some_avg10, "the same as average of 10 s"),
       field("some_avg60", &Params::some_avg60, "the same as average of 60 s"),
       field("full_1s", &Params::full_1s, "share of the last second in which all tasks stalled"),
       field("full_avg10", &Params::full_avg10, "the same as average of 10 s"),
       field("full_avg60", &Params::full_avg60, "the same as average of 60 s")},
      {{"say how much is too much, for example some_avg10 = \"< 40%\"", [](const Params& p) {
          return p.some_1s || p.some_avg10 || p.some_avg60 || p.full_1s || p.full_avg10 ||
                 p.full_avg60;
        }}});
  return made;
}

template <class T>
bool number_after(const std::string& text, std::size_t from, const char* key, T& value) {
  const auto at = text.find(key, from);
  if (at == std::string::npos) return false;
  const auto* begin = text.data() + at + std::char_traits<char>::length(key);
  return std::from_chars(begin, text.data() + text.size(), value).ec == std::errc{};
}

std::optional<Line> line_of(const std::string& text, const char* name) {
  const auto from = text.find(name);
  Line line;
  if (from == std::string::npos || !number_after(text, from, "avg10=", line.avg10.value) ||
      !number_after(text, from, "avg60=", line.avg60.value) ||
      !number_after(text, from, "total=", line.stalled_us))
    return std::nullopt;
  return line;
}

// The stall between two looks, as a share of the time between them.
class LastSecond {
 public:
  std::optional<Percent> add(std::uint64_t stalled_us) {
    const auto now = monotonic_ns();
    const auto span_us = (now - at_ns_) / 1000;
    constexpr long long kShortestUs = 500'000;  // a share of less would be noise
    if (at_ns_ != 0 && span_us < kShortestUs) return share_;
    if (at_ns_ != 0)
      share_ = Percent{static_cast<double>(stalled_us - stalled_us_) * 100 /
                       static_cast<double>(span_us)};
    at_ns_ = now;
    stalled_us_ = stalled_us;
    return share_;
  }

 private:
  long long at_ns_ = 0;
  std::uint64_t stalled_us_ = 0;
  std::optional<Percent> share_;
};

std::string rounded(Percent share) {
  std::array<char, 32> text{};
  return {text.begin(),
          std::to_chars(text.begin(), text.end(), share.value, std::chars_format::fixed, 1).ptr};
}

class PressureGuard final : public Guard {
 public:
  explicit PressureGuard(const Params& params)
      : params_(params), path_("/proc/pressure/" + std::string(word(params.resource))) {}

  std::string name() const override {
    auto made = "pressure " + std::string(word(params_.resource));
    for (const auto& each : table().print(params_))
      if (each.name != "resource")
        made += " " + each.name + " " + std::get<std::string>(each.raw.value);
    return made;
  }

  GuardWord look() override {
    const auto text = read_file(path_, 4096);
    if (!text)
      return {GuardWord::Kind::blind,
              "this kernel tells no pressure ('" + path_ + "'); boot it with psi=1", ""};
    const auto some = line_of(*text, "some");
    if (!some) return {GuardWord::Kind::blind, "'" + path_ + "' is not understood", ""};
    // Kernel: before 5.13 there is no "full" line for the CPU.
    const auto full = line_of(*text, "full");
    if (!full && (params_.full_1s || params_.full_avg10 || params_.full_avg60))
      return {GuardWord::Kind::blind, "'" + path_ + "' has no full pressure", ""};
    return judge(*some, full.value_or(Line{}));
  }

  Result<Watch> arm(Loop& loop, Say say) override {
    auto armed = std::make_shared<Armed>();
    for (const bool full : {false, true})
      if (const auto& limit = full ? params_.full_1s : params_.some_1s; limit)
        armed->add(loop, trigger(full, *limit), [this, say, full, limit = *limit] {
          say({GuardWord::Kind::abort,
               what(full ? "full" : "some", "1s") + " is not " +
                   Value<Limit<Percent>>::print(limit),
               Value<Percent>::print(limit.value)});
        });
    return Watch(std::move(armed));
  }

 private:
  struct Trigger {
    Fd pressure;
    Fd events;
  };
  struct Armed {
    std::vector<Trigger> triggers;
    std::vector<Watch> watches;
    void add(Loop& loop, Trigger trigger, Loop::Task task) {
      if (!trigger.events) return;
      watches.push_back(loop.on_readable(trigger.events.get(), std::move(task)));
      triggers.push_back(std::move(trigger));
    }
    ~Armed() { watches.clear(); }
  };

  std::string what(const char* line, const char* over) const {
    return std::string(word(params_.resource)) + " pressure " + line + " " + over;
  }

  GuardWord judge(const Line& some, const Line& full) {
    GuardWord said;
    const auto some_1s = params_.some_1s ? some_.add(some.stalled_us) : std::nullopt;
    const auto full_1s = params_.full_1s ? full_.add(full.stalled_us) : std::nullopt;
    const auto check = [&](const char* line, const char* over, const Share& limit,
                           const std::optional<Percent>& seen) {
      if (!limit || !seen) return;
      if (said.value.empty()) said.value = rounded(*seen) + "%";
      if (said.why.empty())
        said.why = breach_of(what(line, over), *limit, *seen, rounded(*seen) + "%");
    };
    check("some", "1s", params_.some_1s, some_1s);
    check("some", "avg10", params_.some_avg10, some.avg10);
    check("some", "avg60", params_.some_avg60, some.avg60);
    check("full", "1s", params_.full_1s, full_1s);
    check("full", "avg10", params_.full_avg10, full.avg10);
    check("full", "avg60", params_.full_avg60, full.avg60);
    if (!said.why.empty()) said.kind = GuardWord::Kind::abort;
    return said;
  }

  // Empty where the kernel does not let us: the look once a second then has to do. Kernel:
  // without CAP_SYS_RESOURCE the window must be 2 s; so much over two seconds is so much
  // over one of them.
  Trigger trigger(bool full, const Limit<Percent>& limit) const {
    if (limit.op != Op::less && limit.op != Op::at_most) return {};
    for (const std::uint64_t window_us : {1'000'000, 2'000'000}) {
      const auto stall_us =
          static_cast<std::uint64_t>(limit.value.share() * static_cast<double>(window_us));
      if (stall_us == 0 || stall_us >= window_us) return {};
      auto made = trigger((full ? "full " : "some ") + std::to_string(stall_us) + " " +
                          std::to_string(window_us));
      if (made.events) return made;
    }
    return {};
  }

  // Kernel: a pressure file is readable at all times, and tells of its trigger as a priority
  // event only, once; so an epoll set stands in for it.
  Trigger trigger(const std::string& text) const {
    Trigger made{Fd{::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)},
                 Fd{::epoll_create1(EPOLL_CLOEXEC)}};
    epoll_event event{};
    event.events = EPOLLPRI;
    if (!made.pressure || !made.events ||
        ::write(made.pressure.get(), text.c_str(), text.size() + 1) < 0 ||
        ::epoll_ctl(made.events.get(), EPOLL_CTL_ADD, made.pressure.get(), &event) != 0)
      return {};
    return made;
  }

  const Params params_;
  const std::string path_;
  LastSecond some_;
  LastSecond full_;
};

}  // namespace

const GuardKind& pressure_guard_kind() {
  static const GuardKind kind{
      "pressure", "abort when tasks stall on a resource (PSI)", table().sheet(),
      "[[guard]]\nkind = \"pressure\"\nresource = \"memory\"\nsome_avg10 = \"< 40%\"\n",
      guard_maker<PressureGuard>("pressure", table())};
  return kind;
}

}  // namespace squall
