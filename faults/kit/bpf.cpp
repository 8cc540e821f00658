// SPDX-License-Identifier: Apache-2.0
//
// Loading through libbpf. Our packet programs need no CO-RE, so the kernel's own BTF
// (megabytes) is never read, which keeps a whole run at a few milliseconds.

#include "faults/kit/bpf.hpp"

#include "safety/base/fd.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <deque>
#include <unistd.h>

namespace squall {
namespace {

constexpr std::string_view kPlaceholder = "squall_program_";  // the function's name in each .bpf.c

// The last messages of libbpf, which is where the verifier speaks. libbpf hands its
// messages to one function of the process, hence the one variable.
class Messages {
 public:
  Messages() { libbpf_set_print(&Messages::take); }

  static std::string last() {
    std::string text;
    for (const auto& line : lines()) text += (text.empty() ? "" : "; ") + line;
    return text;
  }
  static void clear() { lines().clear(); }

 private:
  static std::deque<std::string>& lines() {
    static std::deque<std::string> kept;
    return kept;
  }

  [[gnu::format(printf, 2, 0)]] static int take(libbpf_print_level level, const char* format,
                                                va_list arguments) {
    if (level == LIBBPF_DEBUG) return 0;
    std::array<char, 512> text{};
    const int length = std::vsnprintf(text.data(), text.size(), format, arguments);
    std::string line(text.data());
    while (!line.empty() && line.back() == '\n') line.pop_back();
    lines().push_back(std::move(line));
    if (lines().size() > 4) lines().pop_front();
    return length;
  }
};

using Object = Handle<bpf_object, bpf_object__close>;

// The object as bytes with the program's name in place of the placeholder: the kernel
// takes both its name for the program and the one in BTF from there.
std::string named_image(const bpf::Image& image, const std::string& name) {
  std::string bytes(image.begin, image.end);
  for (auto at = bytes.find(kPlaceholder); at != std::string::npos;
       at = bytes.find(kPlaceholder, at + name.size()))
    bytes.replace(at, kPlaceholder.size(), name);
  return bytes;
}

class Opened final : public bpf::Loaded {
 public:
  Opened(Object object, std::string name) : object_(std::move(object)), name_(std::move(name)) {}

  int program() const override { return descriptor(name_.c_str()); }
  const std::string& name() const override { return name_; }

  // Where the attached program only goes on to another one (bpf/packet_armed.h): to it.
  int arm() {
    const auto* armed = bpf_object__find_map_by_name(object_.get(), "squall_armed");
    if (!armed) return 0;
    const std::uint32_t first = 0;
    const int decides = descriptor("squall_decides");
    return bpf_map_update_elem(bpf_map__fd(armed), &first, &decides, BPF_ANY);
  }

  Result<const bpf_map*> map(const std::string& map_name) const {
    if (const auto* found = bpf_object__find_map_by_name(object_.get(), map_name.c_str()))
      return found;
    return Error{ErrorKind::internal,
                 "the program '" + name_ + "' has no map '" + map_name + "'",
                 {},
                 {},
                 0};
  }

 private:
  int descriptor(const char* program) const {
    const auto* found = bpf_object__find_program_by_name(object_.get(), program);
    return found ? bpf_program__fd(found) : -1;
  }

  Object object_;
  std::string name_;
};

Error load_error(const bpf::Image& image, int code) {
  auto error = sys_error("load the program '" + std::string(image.name) + "'", code);
  if (const auto said = Messages::last(); !said.empty() && code != EPERM)
    error.trail.push_back("libbpf said: " + said);
  if (code == EPERM)
    error.hint = "it takes CAP_SYS_ADMIN and CAP_NET_ADMIN (or root), see 'squall doctor'";
  return error;
}

class ThisBpf final : public Bpf {
 public:
  Result<std::unique_ptr<bpf::Loaded>> load(const ChangeToken&, const bpf::Image& image,
                                            const bpf::LoadOptions& options) override {
    if (options.name.size() != kPlaceholder.size())
      return Error{
          ErrorKind::internal, "the program name '" + options.name + "' is not 15 long", {}, {}, 0};
    const Messages capture;
    Messages::clear();
    const auto bytes = named_image(image, options.name);
    bpf_object_open_opts open_options{};  // LIBBPF_OPTS is C, which clang refuses
    open_options.sz = sizeof(open_options);
    open_options.object_name = "squall_o";
    Object object(bpf_object__open_mem(bytes.data(), bytes.size(), &open_options));
    if (!object) return load_error(image, errno);
    if (auto* config = bpf_object__find_map_by_name(object.get(), ".rodata");
        config && !options.config.empty())
      if (const int failed =
              bpf_map__set_initial_value(config, options.config.data(), options.config.size()))
        return load_error(image, -failed);
    if (const int failed = bpf_object__load(object.get())) return load_error(image, -failed);
    auto loaded = std::make_unique<Opened>(std::move(object), options.name);
    if (const int failed = loaded->arm()) return load_error(image, -failed);
    return std::unique_ptr<bpf::Loaded>(std::move(loaded));
  }

  Result<> set_value(const ChangeToken&, bpf::Loaded& loaded, const std::string& map_name,
                     std::uint32_t key, const bpf::Block& value) override {
    SQUALL_TRY(const auto* map, static_cast<const Opened&>(loaded).map(map_name));
    if (bpf_map__value_size(map) != value.size())
      return Error{
          ErrorKind::internal, "the map '" + map_name + "' has values of another size", {}, {}, 0};
    if (const int failed = bpf_map_update_elem(bpf_map__fd(map), &key, value.data(), BPF_ANY))
      return sys_error("write the map '" + map_name + "'", -failed);
    return {};
  }

  Result<std::vector<bpf::Block>> read_values(const bpf::Loaded& loaded,
                                              const std::string& map_name,
                                              std::uint32_t key) const override {
    SQUALL_TRY(const auto* map, static_cast<const Opened&>(loaded).map(map_name));
    const std::size_t size = bpf_map__value_size(map);
    const bool per_cpu = bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY ||
                         bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_HASH;
    const auto count = per_cpu ? static_cast<std::size_t>(libbpf_num_possible_cpus()) : 1;
    // Kernel: values of a per-CPU map are handed over rounded up to 8 bytes each.
    const auto stride = per_cpu ? (size + 7) / 8 * 8 : size;
    bpf::Block all(stride * count);
    if (const int failed = bpf_map_lookup_elem(bpf_map__fd(map), &key, all.data()))
      return sys_error("read the map '" + map_name + "'", -failed);
    std::vector<bpf::Block> values;
    for (std::size_t i = 0; i < count; ++i) {
      const auto from = all.begin() + static_cast<std::ptrdiff_t>(i * stride);
      values.emplace_back(from, from + static_cast<std::ptrdiff_t>(size));
    }
    return values;
  }
};

}  // namespace

std::unique_ptr<Bpf> this_bpf() { return std::make_unique<ThisBpf>(); }

}  // namespace squall
