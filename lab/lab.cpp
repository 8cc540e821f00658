// SPDX-License-Identifier: Apache-2.0

#include "lab/lab.hpp"

#include "safety/base/file.hpp"

#include "lab/daemon.hpp"
#include "lab/layout.hpp"
#include "lab/network.hpp"
#include "lab/question.hpp"
#include "lab/record.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <unistd.h>

namespace squall {
namespace {

using namespace lab;

// One lab at a time is made or removed; which one does not matter.
Result<Fd> take_lock(const Paths& paths) {
  SQUALL_CHECK(make_directories(paths.run));
  const auto path = paths.run + "/lab.lock";
  Fd lock{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0) return sys_error("lock '" + path + "'");
  return lock;
}

Result<> may_make_labs() {
  if (::geteuid() == 0) return {};
  return Error{ErrorKind::refused,
               "a lab needs root, for it makes network namespaces",
               "run it with sudo",
               {},
               0};
}

Result<std::string> find_programs(const LabOptions& options) {
  std::vector<std::string> folders{options.programs};
  if (options.programs.empty()) {
    std::array<char, 4096> target{};
    const auto size = ::readlink("/proc/self/exe", target.data(), target.size());
    const std::string self(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    const auto here = self.substr(0, self.rfind('/'));
    folders = {here + "/examples/victim", here + "/../libexec/squall"};
  }
  std::error_code ignored;
  for (const auto& each : folders)
    if (::access((each + "/order-gateway").c_str(), X_OK) == 0)
      return std::filesystem::absolute(each, ignored).string();
  return Error{ErrorKind::gone,
               "the lab's services are not in '" + folders.front() + "'",
               "build them: cmake --build build/release",
               {},
               ENOENT};
}

// The usual lab has the first block; any other the first free one after it.
Result<int> choose_block(const LabOptions& options) {
  const bool usual = options.name.empty();
  for (int block = usual ? 0 : 1; block < kBlocks; ++block) {
    SQUALL_TRY(const auto owner, owner_of_addresses(lay_out(options, block)));
    if (owner.empty()) return block;
    if (usual)
      return Error{ErrorKind::refused,
                   "the lab's addresses are in use here: " + owner,
                   "take that away, or give the lab a name: --name two",
                   {},
                   0};
  }
  return Error{ErrorKind::refused, "every block of addresses is in use", "", {}, 0};
}

Result<> make_networks(const Layout& layout) {
  for (const auto& each : layout.networks) SQUALL_CHECK(make_network(each));
  for (const auto& each : layout.links) SQUALL_CHECK(make_link(each));
  const auto &host = layout.links[0], &client = layout.links[1], &web = layout.links[2];
  for (const auto* inner : {&client, &web}) {
    const auto subnet = [](const std::string& address, char dot) {
      return address.substr(0, address.rfind(dot) + 1);
    };
    SQUALL_CHECK(add_route("", subnet(inner->from_v4, '.') + "0", kV4Prefix, host.to_v4));
    SQUALL_CHECK(add_route("", subnet(inner->from_v6, ':'), kV6Prefix, host.to_v6));
    SQUALL_CHECK(add_route(inner->to_network, "0.0.0.0", 0, inner->from_v4));
    SQUALL_CHECK(add_route(inner->to_network, "::", 0, inner->from_v6));
  }
  return {};
}

// The gateway before its client, each recorded before it runs.
Result<> start_services(const Layout& layout, const std::string& programs, Record& record,
                        Duration limit) {
  SQUALL_CHECK(make_directories(layout.folder));
  std::vector<Starting> starting;
  for (const auto& plan : layout.services) {
    // By a path that is the same in every lab, so that a scenario can start one again.
    const auto file = layout.folder + "/" + plan.service.program;
    if (::symlink((programs + "/" + plan.service.program).c_str(), file.c_str()) != 0 &&
        errno != EEXIST)
      return sys_error("make '" + file + "'");
    SQUALL_TRY(auto started, prepare_daemon(plan, file, layout.mark));
    record.started.push_back({plan.service.program, started.daemon});
    SQUALL_CHECK(write_record(layout.record, record));
    SQUALL_CHECK(let_go(started, file));
    starting.push_back(std::move(started));
  }
  SQUALL_CHECK(wait_until_ready(starting, layout.services, limit));
  SQUALL_CHECK(ask(layout.gateway, "PING\n", "PONG", limit));
  return ask(layout.web, "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", "\"ok\"", limit);
}

Result<> take_down(const Layout& layout) {
  const auto record = read_record(layout.record);
  Result<> worst;
  const auto also = [&](Result<> done) {
    if (!done && worst) worst = std::move(done);
  };
  auto daemons = find_marked(layout.mark);
  if (record)
    for (const auto& each : record->started) daemons.push_back(each.daemon);
  for (const auto& plan : layout.services) {  // one that a fault killed and started again
    const auto inode = network_inode(plan.service.network);
    if (const auto found = find_service(plan.service.program, inode); inode && found.pid)
      daemons.push_back(found);
  }
  std::sort(daemons.begin(), daemons.end(),
            [](const Daemon& a, const Daemon& b) { return a.pid < b.pid; });
  daemons.erase(std::unique(daemons.begin(), daemons.end()), daemons.end());
  also(end_daemons(daemons));
  also(delete_device(layout.device));
  for (const auto& each : layout.networks) also(delete_network(each));
  if (!worst) return worst;  // the record stays for the next attempt
  if (record && record->made_folder) unprepare_networks();
  std::error_code ignored;
  std::filesystem::remove_all(layout.folder, ignored);
  return delete_file(layout.record);
}

// What stands now, whoever made it: a service that was killed and started again counts.
LabInfo look(const LabOptions& options) {
  auto layout = lay_out(options, 0);
  const auto record = read_record(layout.record);
  if (record) layout = lay_out(options, record->block);
  LabInfo info;
  info.name = options.name;
  info.record = layout.record;
  const auto miss = [&](const std::string& what) {
    info.problem += (info.problem.empty() ? "" : ", ") + what;
  };
  for (const auto& each : layout.networks)
    network_inode(each) ? info.networks.push_back(each) : miss("no network '" + each + "'");
  for (const auto& plan : layout.services) {
    auto service = plan.service;
    const auto inode = network_inode(service.network);
    if (const auto found = find_service(service.program, inode); inode && found.pid) {
      service.pid = found.pid;
      service.born = found.born;
    } else {
      miss("no " + service.name);
    }
    info.services.push_back(std::move(service));
  }
  if (!device_exists(layout.device)) miss("no device '" + layout.device + "'");
  if (!record) miss("no record");
  if (record && record->state != "up") miss("it was never finished");
  const bool nothing = !record && info.networks.empty() && !device_exists(layout.device);
  if (nothing) return {false, false, options.name, layout.record, "", {}, {}, {}};
  info.links = layout.links;
  info.up = info.problem.empty();
  return info;
}

Result<> make(const LabOptions& options) {
  SQUALL_TRY(const auto programs, find_programs(options));
  SQUALL_TRY(const int block, choose_block(options));
  const auto layout = lay_out(options, block);
  Record record{"making", block, false, {}};
  SQUALL_CHECK(write_record(layout.record, record));
  SQUALL_TRY(record.made_folder, prepare_networks());
  SQUALL_CHECK(write_record(layout.record, record));
  SQUALL_CHECK(make_networks(layout));
  SQUALL_CHECK(start_services(layout, programs, record, options.limit));
  record.state = "up";
  return write_record(layout.record, record);
}

}  // namespace

Result<LabInfo> lab_up(const LabOptions& options) {
  SQUALL_CHECK(check_name(options.name));
  SQUALL_CHECK(may_make_labs());
  SQUALL_TRY(const Fd lock, take_lock(options.paths));
  auto info = look(options);
  if (info.up) {
    info.was_up = true;
    return info;
  }
  SQUALL_CHECK(take_down(lay_out(options, 0)));  // what an earlier attempt left
  if (auto made = make(options); !made) {
    auto error = std::move(made).error();
    if (auto undone = take_down(lay_out(options, 0)); !undone)
      error = std::move(error).during("take it down again: " + undone.error().what);
    return error;
  }
  return look(options);
}

Result<> lab_down(const LabOptions& options) {
  SQUALL_CHECK(check_name(options.name));
  SQUALL_CHECK(may_make_labs());
  SQUALL_TRY(const Fd lock, take_lock(options.paths));
  return take_down(lay_out(options, 0));
}

Result<LabInfo> lab_status(const LabOptions& options) {
  SQUALL_CHECK(check_name(options.name));
  return look(options);
}

}  // namespace squall
