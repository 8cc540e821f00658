// SPDX-License-Identifier: Apache-2.0

#include "tests/support/fake_processes.hpp"

#include <algorithm>
#include <charconv>
#include <ostream>
#include <tuple>

namespace squall::testing {
namespace {

Error no_such_process(pid_t pid) {
  return {ErrorKind::gone, "there is no process " + std::to_string(pid), {}, {}, 3};
}

auto looks(const ProcessInfo& p) {
  return std::tie(p.name, p.command, p.state, p.cgroups, p.netns);
}

std::vector<ProcessInfo> in_order(std::vector<ProcessInfo> all) {
  std::ranges::sort(all, [](const auto& a, const auto& b) { return looks(a) < looks(b); });
  return all;
}

template <class All>
auto find_process(All& all, const ProcessId& id) {
  return std::ranges::find(all, id, &ProcessInfo::id);
}

}  // namespace

bool FakeProcesses::State::operator==(const State& other) const {
  return netns == other.netns &&
         std::ranges::equal(in_order(all), in_order(other.all),
                            [](const auto& a, const auto& b) { return looks(a) == looks(b); });
}

pid_t FakeProcesses::add(ProcessInfo process) {
  if (process.id.pid == 0) process.id.pid = next_++;
  if (process.id.start == 0) process.id.start = clock_++;
  state_.all.push_back(process);
  return process.id.pid;
}

Result<std::vector<ProcessInfo>> FakeProcesses::read_all() const { return state_.all; }

Result<ProcessInfo> FakeProcesses::read(const ProcessId& id) const {
  const auto found = find_process(state_.all, id);
  if (found == state_.all.end()) return no_such_process(id.pid);
  return *found;
}

Result<ProcessInfo> FakeProcesses::read_pid(pid_t pid) const {
  for (const auto& each : state_.all)
    if (each.id.pid == pid) return each;
  return no_such_process(pid);
}

Result<std::string> FakeProcesses::read_directory(const ProcessId&) const {
  return std::string("/");
}

Result<std::uint64_t> FakeProcesses::read_netns(const std::string& name_or_pid) const {
  if (const auto found = state_.netns.find(name_or_pid); found != state_.netns.end())
    return found->second;
  return Error{ErrorKind::gone, "there is no network namespace '" + name_or_pid + "'", {}, {}, 2};
}

Result<std::vector<ProcessId>> FakeProcesses::find_marked(const std::string& mark) const {
  std::vector<ProcessId> found;
  for (const auto& [id, each] : state_.marks)
    if (each == mark && read(id)) found.push_back(id);
  return found;
}

Result<Service> FakeProcesses::read_service(const std::string& unit) const {
  if (services_.empty()) return Error{ErrorKind::unsupported, "no systemd runs here", {}, {}, 0};
  const auto found = services_.find(unit);
  return found == services_.end() ? Service{} : found->second;
}

bool FakeProcesses::wait_until_stopped(const ProcessId& id, Duration) const {
  waits_.push_back(gate_.writes());
  const auto found = read(id);
  return !found || found->stopped();
}

bool FakeProcesses::wait_until_gone(const ProcessId& id, Duration) const { return !read(id); }

Result<> FakeProcesses::send_signal(const ChangeToken&, const ProcessId& id, Signal signal) {
  SQUALL_CHECK(gate_.pass("signal process " + std::to_string(id.pid)));
  const auto found = find_process(state_.all, id);
  if (found == state_.all.end()) return no_such_process(id.pid);
  if (signal == Signal::stop) {
    found->state = 'T';
  } else if (signal == Signal::cont) {
    if (found->stopped()) found->state = 'S';
  } else if (signal == Signal::kill || !found->stopped()) {
    state_.all.erase(found);
  }
  return {};
}

Result<> FakeProcesses::start(const ChangeToken&, const StartOrder& order) {
  SQUALL_CHECK(gate_.pass("start '" + order.argv.front() + "'"));
  ProcessInfo made;
  const auto& file = order.argv.front();
  made.program = file.substr(file.rfind('/') + 1);
  made.name = made.program.substr(0, 15);
  for (const auto& each : order.argv) made.command += (made.command.empty() ? "" : " ") + each;
  made.state = 'S';
  made.parent = 1;
  made.netns = order.netns ? order.netns->inode : 1;
  made.cgroups = {{"", "/user.slice"}};
  const std::string mounted = "/sys/fs/cgroup";
  for (const auto& each : order.groups) made.cgroups = {{"", each.substr(mounted.size())}};
  const auto pid = add(made);
  if (!order.mark.empty()) state_.marks[read_pid(pid)->id] = order.mark;
  return {};
}

Result<> FakeProcesses::run(const ChangeToken&, const std::vector<std::string>& argv, Duration) {
  return gate_.pass("run '" + argv.front() + "'");
}

Result<Cgroup> FakeCgroups::find(const std::string& name, const std::string&) const {
  if (!state_.groups.contains(name))
    return Error{ErrorKind::gone, "there is no cgroup '" + name + "'", {}, {}, 2};
  return Cgroup{"", name, "/sys/fs/cgroup" + name};
}

Result<std::string> FakeCgroups::read(const Cgroup& group, const std::string& file) const {
  const auto found = state_.groups.find(group.path);
  if (found == state_.groups.end() || !found->second.contains(file))
    return Error{ErrorKind::gone, "there is no '" + group.path + "/" + file + "'", {}, {}, 2};
  return found->second.at(file);
}

Result<> FakeCgroups::put_process(const ChangeToken&, const Cgroup& group, const ProcessId& id) {
  SQUALL_CHECK(gate_.pass("put process " + std::to_string(id.pid) + " into '" + group.path + "'"));
  auto& all = processes_.edit().all;
  const auto found = find_process(all, id);
  if (found == all.end()) return no_such_process(id.pid);
  found->cgroups = {{group.hierarchy, group.path}};
  return {};
}

void FakeCgroups::make_anew(const std::string& path) {
  ++made_anew_[path];
  std::erase_if(state_.marks, [&](const auto& each) { return each.first.first == path; });
}

Result<std::uint64_t> FakeCgroups::read_identity(const Cgroup& group) const {
  if (!state_.groups.contains(group.path))
    return Error{ErrorKind::gone, "there is no cgroup '" + group.path + "'", {}, {}, 2};
  const auto often = made_anew_.find(group.path);
  return 40 + (often == made_anew_.end() ? 0 : often->second);
}

Result<> FakeCgroups::is_still(const Cgroup& group, std::uint64_t identity) const {
  SQUALL_TRY(const auto now, read_identity(group));
  if (now == identity) return {};
  return Error{ErrorKind::gone, "cgroup '" + group.path + "' was made anew", {}, {}, 2};
}

Result<std::optional<std::string>> FakeCgroups::read_mark(const Cgroup& group,
                                                          const std::string& file) const {
  SQUALL_CHECK(read_identity(group));
  const auto found = state_.marks.find({group.path, file});
  return found == state_.marks.end() ? std::nullopt : std::optional(found->second);
}

Result<std::vector<CgroupMark>> FakeCgroups::find_marks() const {
  std::vector<CgroupMark> found;
  for (const auto& [key, text] : state_.marks) {
    SQUALL_TRY(const auto group, find(key.first, ""));
    SQUALL_TRY(const auto identity, read_identity(group));
    found.push_back({group, identity, key.second, text});
  }
  return found;
}

Result<> FakeCgroups::set(const ChangeToken&, const Cgroup& group, std::uint64_t identity,
                          const std::string& file, const std::string& text) {
  SQUALL_CHECK(gate_.pass("write '" + group.path + "/" + file + "'"));
  SQUALL_CHECK(is_still(group, identity));
  SQUALL_CHECK(read(group, file));
  state_.groups[group.path][file] = text;
  return {};
}

Result<> FakeCgroups::put_mark(const ChangeToken&, const CgroupMark& mark) {
  SQUALL_CHECK(gate_.pass("mark '" + mark.group.path + "'"));
  SQUALL_CHECK(is_still(mark.group, mark.identity));
  state_.marks[{mark.group.path, mark.file}] = mark.text;
  return {};
}

Result<> FakeCgroups::delete_mark(const ChangeToken&, const CgroupMark& mark) {
  SQUALL_CHECK(gate_.pass("take the mark off '" + mark.group.path + "'"));
  SQUALL_CHECK(is_still(mark.group, mark.identity));
  state_.marks.erase({mark.group.path, mark.file});
  return {};
}

class FakeWorker final : public Worker {
 public:
  FakeWorker(FakeWorkers& from, ProcessId id) : from_(from), id_(id) {}
  ~FakeWorker() override {
    const auto found = from_.state_->find(id_);
    const bool works = found != from_.state_->end() && found->second.went;
    if (!from_.outlive_ || !works) from_.end(id_);
  }
  FakeWorker(const FakeWorker&) = delete;
  FakeWorker& operator=(const FakeWorker&) = delete;

  ProcessId id() const override { return id_; }
  std::uint64_t read_report(std::size_t) const override { return 0; }
  bool wait_for_report(std::size_t, Duration) const override { return !ended(); }
  bool ended() const override { return !from_.state_->contains(id_); }
  Duration read_cpu_time() const override {
    return Duration(static_cast<std::int64_t>(1e9 * from_.load_.share()));
  }
  void set(const ChangeToken&, std::size_t which, std::uint64_t value) override {
    if (const auto found = from_.state_->find(id_); found != from_.state_->end())
      found->second.settings.at(which) = value;
  }
  Result<> pin(const ChangeToken&, int cpu) override {
    SQUALL_CHECK(from_.gate_.pass("pin worker " + std::to_string(id_.pid)));
    const auto found = from_.state_->find(id_);
    const auto process = from_.processes_.read(id_);
    if (found == from_.state_->end() || !process) return no_such_process(id_.pid);
    found->second.cpu = cpu;
    found->second.pinned_in = process->cgroups;
    return {};
  }
  Result<> go(const ChangeToken&) override {
    SQUALL_CHECK(from_.gate_.pass("let worker " + std::to_string(id_.pid) + " go"));
    const auto found = from_.state_->find(id_);
    if (found == from_.state_->end()) return no_such_process(id_.pid);
    found->second.went = true;
    return {};
  }

 private:
  FakeWorkers& from_;
  ProcessId id_;
};

Result<std::vector<int>> FakeWorkers::read_cpus(const ProcessId& id) const {
  const auto found = state_->find(id);
  SQUALL_TRY(const auto process, processes_.read(id));
  if (found == state_->end()) return no_such_process(id.pid);
  if (process.cgroups != found->second.pinned_in) return read_usable_cpus();
  return std::vector<int>{found->second.cpu};
}

Result<std::vector<ProcessInfo>> FakeWorkers::find_all() const {
  std::vector<ProcessInfo> found;
  for (const auto& each : processes_.state().all)
    if (is_worker_name(each.name)) found.push_back(each);
  return found;
}

Result<std::unique_ptr<Worker>> FakeWorkers::make_idle(const WorkerOrder& order) {
  SQUALL_CHECK(gate_.pass("make worker '" + order.name + "'"));
  ProcessInfo made;
  made.name = order.name;
  made.program = "squall";
  made.parent = 1;
  made.state = 'S';
  const auto pid = processes_.add(made);
  const auto id = processes_.read_pid(pid)->id;
  (*state_)[id] = {order.name, order.cpu, false, {}, {}};
  return std::unique_ptr<Worker>(std::make_unique<FakeWorker>(*this, id));
}

Result<> FakeWorkers::delete_if_ours(const ChangeToken&, const std::vector<ProcessId>& ids,
                                     const std::string& name) {
  for (const auto& id : ids) {
    SQUALL_CHECK(gate_.pass("end worker " + std::to_string(id.pid)));
    const auto found = processes_.read(id);
    if (found && found->name == name) end(id);
  }
  return {};
}

void FakeWorkers::end(const ProcessId& id) {
  state_->erase(id);
  std::erase_if(processes_.edit().all, [&](const auto& each) { return each.id == id; });
}

std::ostream& operator<<(std::ostream& out, const FakeProcesses::State& state) {
  for (const auto& each : in_order(state.all)) {
    out << "process " << each.name << " state " << each.state << " netns " << each.netns;
    for (const auto& [hierarchy, path] : each.cgroups)
      out << " cgroup " << hierarchy << ':' << path;
    out << " command " << each.command << '\n';
  }
  return out;
}

std::ostream& operator<<(std::ostream& out, const FakeCgroups::State& state) {
  for (const auto& [path, files] : state.groups)
    for (const auto& [file, content] : files)
      out << "cgroup " << path << '/' << file << " = " << content << '\n';
  for (const auto& [key, text] : state.marks)
    out << "mark on cgroup " << key.first << '/' << key.second << " = " << text << '\n';
  return out;
}

std::ostream& operator<<(std::ostream& out, const FakeWorkers::State& state) {
  for (const auto& [id, each] : state)
    out << "worker " << each.name << " on CPU " << each.cpu << (each.went ? " works" : " idles")
        << '\n';
  return out;
}

}  // namespace squall::testing
