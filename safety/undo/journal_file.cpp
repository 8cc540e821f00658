// SPDX-License-Identifier: Apache-2.0

#include "safety/undo/journal_file.hpp"

#include "safety/base/file.hpp"
#include "safety/journal_line.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <ranges>
#include <string_view>
#include <unistd.h>

namespace squall {
namespace {

// Room for several hundred records and their settled lines.
constexpr off_t kReserved = 256 * 1024;
constexpr std::size_t kMost = 64u << 20;
// Closes a line whose writing was cut short.
constexpr std::string_view kTorn = "#torn";

}  // namespace

JournalFile::Made JournalFile::create(const std::string& run_directory,
                                      const JournalHeader& header) {
  std::unique_ptr<JournalFile> journal(new JournalFile);
  journal->path_ = journal_of(run_directory);
  journal->header_ = header;
  journal->file_ =
      Fd{::open(journal->path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!journal->file_) return sys_error("create the journal '" + journal->path_ + "'");
  const auto first = to_text({0, header});
  const auto room = static_cast<off_t>(first.size()) + kReserved;
  // Kernel: KEEP_SIZE reserves blocks behind the end, so the file stays plain text.
  if (::fallocate(journal->file_.get(), FALLOC_FL_KEEP_SIZE, 0, room) != 0 && errno != EOPNOTSUPP) {
    auto error = sys_error("reserve space for the journal '" + journal->path_ + "'");
    error.hint = "free some space, or set SQUALL_STATE_DIR to another filesystem";
    ::unlink(journal->path_.c_str());
    return error;
  }
  SQUALL_CHECK(journal->append(first));
  SQUALL_CHECK(journal->sync());
  journal->next_ = 1;
  SQUALL_CHECK(sync_directory(run_directory));
  return journal;
}

JournalFile::Made JournalFile::at(const std::string& path, bool writable) {
  std::unique_ptr<JournalFile> journal(new JournalFile);
  journal->path_ = path;
  SQUALL_TRY(const auto text, read_file(path, kMost));
  journal->load(text);
  if (text.size() == kMost)
    journal->problems_.push_back("'" + path + "' is too long to be read to its end");
  if (!writable) return journal;
  journal->file_ = Fd{::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
  if (!journal->file_) journal->unwritable_ = errno;
  return journal;
}

void JournalFile::load(const std::string& text) {
  std::size_t number = 1;
  for (std::size_t from = 0; from < text.size(); ++number) {
    const auto end = std::min(text.find('\n', from), text.size());
    torn_ = end == text.size();
    load_line(std::string_view(text).substr(from, end - from), number);
    from = end + 1;
  }
}

void JournalFile::load_line(std::string_view text, std::size_t number) {
  const bool torn = torn_ || text.ends_with(kTorn);
  if (text.ends_with(kTorn)) text.remove_suffix(kTorn.size());
  auto line = journal_line_from(std::string(text));
  if (!line) {
    if (!torn)
      problems_.push_back("'" + path_ + "' line " + std::to_string(number) + " is damaged");
    return;
  }
  next_ = std::max(next_, line->seq + 1);
  if (auto* header = std::get_if<JournalHeader>(&line->what)) header_ = std::move(*header);
  if (auto* settled = std::get_if<SettledLine>(&line->what)) owed_.erase(settled->of);
  if (auto* intent = std::get_if<Intent>(&line->what)) owed_.emplace(line->seq, std::move(*intent));
}

Result<> JournalFile::append(std::string line) {
  if (!file_) return sys_error("write '" + path_ + "'", unwritable_);
  if (torn_) line.insert(0, std::string(kTorn) + "\n");
  torn_ = true;
  SQUALL_CHECK(write_all(file_.get(), line, path_));
  torn_ = false;
  return {};
}

Result<std::uint64_t> JournalFile::owe(const Intent& intent) {
  const auto seq = next_++;
  SQUALL_CHECK(append(to_text({seq, intent})));
  SQUALL_CHECK(sync());
  owed_.emplace(seq, intent);
  return seq;
}

Result<> JournalFile::settle(std::uint64_t seq) {
  owed_.erase(seq);
  return append(to_text({next_++, SettledLine{seq}}));
}

Result<> JournalFile::sync() {
  if (!file_) return sys_error("write '" + path_ + "'", unwritable_);
  if (::fdatasync(file_.get()) != 0) return sys_error("make the journal '" + path_ + "' durable");
  return {};
}

std::vector<Owed> JournalFile::owed() const {
  std::vector<Owed> all;
  for (const auto& [seq, intent] : owed_) all.push_back({seq, intent});
  return all;
}

}  // namespace squall
