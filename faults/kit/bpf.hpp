// SPDX-License-Identifier: Apache-2.0
//
// BPF programs and maps. The objects are embedded in squall (cmake/bpf.cmake); no
// file is read and nothing is pinned, so what is loaded dies with its descriptors
// unless a qdisc filter holds it. Loading changes the machine: it takes the token.

#pragma once

#include "safety/base/result.hpp"
#include "safety/undo/change.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace squall {
namespace bpf {

// An embedded object: bpf/<name>.bpf.c, compiled.
struct Image {
  std::string_view name;
  const char* begin = nullptr;
  const char* end = nullptr;
};

using Block = std::vector<std::uint8_t>;  // bytes of one value

template <class T>
Block block_of(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  Block bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

struct LoadOptions {
  // Of the program in the kernel, exactly 15 characters: "squall_" and what identifies this use.
  std::string name;
  Block config;  // of the `const volatile` settings named config; constants for the verifier
};

// What is loaded. Destroying it unloads, unless something in the kernel still holds it.
class Loaded {
 public:
  virtual ~Loaded() = default;
  virtual int program() const = 0;  // descriptor
  virtual const std::string& name() const = 0;
};

// The 15 characters of a program's name: "squall_", 6 of the run's mark, 2 of the slot.
std::string program_name(const std::string& mark, unsigned slot);
bool is_our_name(std::string_view program_name);

}  // namespace bpf

class Bpf {
 public:
  virtual ~Bpf() = default;

  virtual Result<std::unique_ptr<bpf::Loaded>> load(const ChangeToken&, const bpf::Image&,
                                                    const bpf::LoadOptions&) = 0;
  virtual Result<> set_value(const ChangeToken&, bpf::Loaded&, const std::string& map,
                             std::uint32_t key, const bpf::Block& value) = 0;
  // One value; of a per-CPU map one for each possible CPU.
  virtual Result<std::vector<bpf::Block>> read_values(const bpf::Loaded&, const std::string& map,
                                                      std::uint32_t key) const = 0;
};

std::unique_ptr<Bpf> this_bpf();

namespace bpf {

template <class T>
Result<> set(const ChangeToken& token, Bpf& kernel, Loaded& loaded, const std::string& map,
             const T& value, std::uint32_t key = 0) {
  return kernel.set_value(token, loaded, map, key, block_of(value));
}

// The sum over all CPUs of a struct of 64-bit counters.
template <class T>
Result<T> read_sum(const Bpf& kernel, const Loaded& loaded, const std::string& map,
                   std::uint32_t key = 0) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint64_t) == 0);
  SQUALL_TRY(const auto blocks, kernel.read_values(loaded, map, key));
  std::uint64_t sums[sizeof(T) / sizeof(std::uint64_t)] = {};
  for (const auto& block : blocks) {
    std::uint64_t values[sizeof(T) / sizeof(std::uint64_t)] = {};
    std::memcpy(values, block.data(), std::min(block.size(), sizeof values));
    for (std::size_t i = 0; i < std::size(values); ++i) sums[i] += values[i];
  }
  T total{};
  std::memcpy(&total, sums, sizeof total);
  return total;
}

}  // namespace bpf
}  // namespace squall

// Declares the embedded object bpf/<name>.bpf.c; use at file scope:
//   SQUALL_BPF_IMAGE(packet_loss);   …   bpf_image_packet_loss()
#define SQUALL_BPF_IMAGE(stem)                                          \
  extern "C" const char squall_bpf_##stem##_begin[];                    \
  extern "C" const char squall_bpf_##stem##_end[];                      \
  static inline ::squall::bpf::Image bpf_image_##stem() {               \
    return {#stem, squall_bpf_##stem##_begin, squall_bpf_##stem##_end}; \
  }                                                                     \
  static_assert(true)
