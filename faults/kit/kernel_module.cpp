// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/kernel_module.hpp"

#include "safety/base/file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <sys/utsname.h>
#include <unistd.h>

namespace squall {
namespace {

struct Module {
  std::string_view option;
  std::string_view file;    // its module, where it is one
  std::string_view symbol;  // a function that only it has, for kernels that list no modules
};
constexpr std::array<Module, 10> kModules = {{{"NET_SCH_NETEM", "sch_netem", "netem_enqueue"},
                                              {"NET_SCH_INGRESS", "sch_ingress", "clsact_init"},
                                              {"NET_SCH_TBF", "sch_tbf", "tbf_enqueue"},
                                              {"NET_SCH_HTB", "sch_htb", "htb_enqueue"},
                                              {"NET_CLS_BPF", "cls_bpf", "cls_bpf_classify"},
                                              {"NET_CLS_MATCHALL", "cls_matchall", "mall_classify"},
                                              {"NET_ACT_MIRRED", "act_mirred", "tcf_mirred_act"},
                                              {"NET_ACT_SKBEDIT", "act_skbedit", "tcf_skbedit_act"},
                                              {"VETH", "veth", "veth_newlink"},
                                              {"IFB", "ifb", "ifb_setup"}}};

std::string module_folder() {
  utsname names{};
  return ::uname(&names) == 0 ? std::string("/lib/modules/") + names.release : "";
}

bool lists(const std::string& path, std::string_view file) {
  const auto text = read_file(path);
  return text && text->find("/" + std::string(file) + ".ko") != std::string::npos;
}

bool may_load_modules() {
  const auto disabled = read_file("/proc/sys/kernel/modules_disabled", 8);
  return disabled && disabled->starts_with('0');
}

// The kernel's type information names the same functions, and is read in a tenth of the time.
bool has_symbol(std::string_view symbol) {
  const auto named = std::string(symbol) + '\0';
  const auto types = read_file("/sys/kernel/btf/vmlinux", 64u << 20);
  if (types && ::memmem(types->data(), types->size(), named.data(), named.size())) return true;
  const auto text = read_file("/proc/kallsyms", 64u << 20);
  return text && text->find(" " + std::string(symbol) + "\n") != std::string::npos;
}

}  // namespace

Result<> has_kernel_module(const std::string& option) {
  const auto known = std::ranges::find(kModules, option, &Module::option);
  if (known == kModules.end())
    return Error{ErrorKind::internal, "unknown kernel option '" + option + "'", {}, {}, 0};
  const auto folder = module_folder();
  if (::access(("/sys/module/" + std::string(known->file)).c_str(), F_OK) == 0) return {};
  if (lists(folder + "/modules.builtin", known->file)) return {};
  if (lists(folder + "/modules.dep", known->file) && may_load_modules()) return {};
  // A kernel without module files, or one whose modules came from elsewhere.
  if (has_symbol(known->symbol)) return {};
  return Error{ErrorKind::unsupported,
               "this kernel has no " + std::string(known->file) + " (CONFIG_" + option + ")",
               "install the package with the kernel's modules, or use a kernel built with it",
               {},
               0};
}

std::string kernel_module_to_load(const std::string& option) {
  const auto known = std::ranges::find(kModules, option, &Module::option);
  if (known == kModules.end()) return "";
  const std::string file(known->file);
  const auto folder = module_folder();
  if (::access(("/sys/module/" + file).c_str(), F_OK) == 0) return "";
  if (lists(folder + "/modules.builtin", file) || !may_load_modules()) return "";
  return lists(folder + "/modules.dep", file) ? file : "";
}

}  // namespace squall
