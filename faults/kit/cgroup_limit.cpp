// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/cgroup_limit.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <sstream>
#include <utility>

namespace squall::cgroup {
namespace {

// The text of a mark, a line each.
struct Note {
  std::string owner;
  std::string before;
  std::string ours;
  std::string earlier;  // ours until now, which the file holds when we die before the write

  std::string text() const { return owner + "\n" + before + "\n" + ours + "\n" + earlier; }
  bool is_ours(const std::string& value) const { return value == ours || value == earlier; }
};

Note note_of(const std::string& text) {
  Note note;
  std::istringstream lines(text);
  for (auto* each : {&note.owner, &note.before, &note.ours, &note.earlier})
    std::getline(lines, *each);
  return note;
}

Result<std::optional<Note>> read_note(const Cgroup& group, const std::string& file,
                                      const Cgroups& cgroups) {
  SQUALL_TRY(const auto text, cgroups.read_mark(group, file));
  return text ? std::optional(note_of(*text)) : std::nullopt;
}

std::string owner_of(const RunContext& run) {
  std::array<char, 16> slot{};
  std::snprintf(slot.data(), slot.size(), "%02x", run.slot);
  return "squall-" + run.mark + slot.data();
}

Error held_already(const Cgroup& group, const std::string& file, const Note& note) {
  return {
      ErrorKind::refused,
      "'" + file + "' of " + describe(group) + " is held by a fault already, '" + note.owner + "'",
      "let one end before the other starts; what a run left is mended by 'squall recover'",
      {},
      0};
}

Error changed_by_others(const Cgroup& group, const std::string& file, const std::string& now) {
  return {
      ErrorKind::foreign,
      "'" + file + "' of " + describe(group) + " was changed by somebody else, to '" + now + "'",
      "find out who manages the group",
      {},
      0};
}

Intent intent_of(const Cgroup& group, std::uint64_t identity, const Limit& limit,
                 const std::string& owner, const std::string& fault) {
  const auto meant = limit.meaning.empty() ? "" : " (" + limit.meaning + ")";
  return {"lower " + limit.file + " of " + describe(group) + " from '" + limit.before + "' to '" +
              limit.ours + "'" + meant,
          {fault,
           {{"hierarchy", group.hierarchy},
            {"cgroup", group.path},
            {"directory", group.directory},
            {"identity", std::to_string(identity)},
            {"file", limit.file},
            {"before", limit.before},
            {"ours", limit.ours},
            {"owner", owner}}},
          "write '" + limit.before + "' again, unless others have changed it",
          "echo '" + limit.before + "' >'" + group.directory + "/" + limit.file + "'"};
}

Result<CgroupMark> mark_of(const UndoRecord& undo) {
  CgroupMark mark;
  SQUALL_TRY(mark.group, group_of(undo));
  SQUALL_TRY(const auto identity, undo.number("identity"));
  mark.identity = static_cast<std::uint64_t>(identity);
  SQUALL_TRY(mark.file, undo.text("file"));
  return mark;
}

// The mark, then the value; ours is what the kernel makes of it.
Result<> write(const ChangeToken& token, CgroupMark mark, Note note, Limit& limit,
               Cgroups& cgroups) {
  mark.text = note.text();
  SQUALL_CHECK(cgroups.put_mark(token, mark));
  SQUALL_CHECK(cgroups.set(token, mark.group, mark.identity, mark.file, note.ours));
  SQUALL_TRY(limit.ours, cgroups.read(mark.group, mark.file));
  if (limit.ours == note.ours) return {};
  note.earlier = std::exchange(note.ours, limit.ours);
  mark.text = note.text();
  return cgroups.put_mark(token, mark);
}

Result<> restore(const CgroupMark& mark, const Note& note, Cgroups& cgroups,
                 const ChangeToken& token) {
  const auto now = cgroups.read(mark.group, mark.file);
  if (!now && now.error().kind != ErrorKind::gone) return now.error();
  if (now && note.is_ours(*now) && *now != note.before)
    SQUALL_CHECK(cgroups.set(token, mark.group, mark.identity, mark.file, note.before));
  return cgroups.delete_mark(token, mark);
}

// "max" and v1's "-1" are no limit; "50000 100000" is a half.
double amount_of(const std::string& text) {
  std::istringstream words(text);
  double amount = -1;
  double of = 1;
  if (!(words >> amount) || amount < 0) return std::numeric_limits<double>::infinity();
  return words >> of && of > 0 ? amount / of : amount;
}

}  // namespace

Result<> lowers(const Cgroup& group, const Limit& limit) {
  if (amount_of(limit.ours) < amount_of(limit.before)) return {};
  return Error{ErrorKind::refused,
               "'" + limit.file + "' of " + describe(group) + " is '" + limit.before +
                   "' already, and '" + limit.ours + "' would not lower it",
               "ask for less",
               {},
               0};
}

std::vector<std::string> tighter_above(const Cgroup& group, const Limit& limit,
                                       const Cgroups& cgroups) {
  std::vector<std::string> notes;
  for (auto above = parent_of(group); above; above = parent_of(*above)) {
    const auto text = cgroups.read(*above, limit.file);
    if (text && amount_of(*text) < amount_of(limit.ours))
      notes.push_back(describe(*above) + " above has " + limit.file + " '" + *text +
                      "', which is less already: it decides");
  }
  return notes;
}

Result<Cgroup> group_of(const UndoRecord& undo) {
  Cgroup group;
  SQUALL_TRY(group.hierarchy, undo.text("hierarchy"));
  SQUALL_TRY(group.path, undo.text("cgroup"));
  SQUALL_TRY(group.directory, undo.text("directory"));
  return group;
}

Result<> add_intents(Plan& plan, const Cgroup& group, const std::vector<Limit>& limits,
                     const std::string& fault, const Cgroups& cgroups) {
  SQUALL_TRY(const auto identity, cgroups.read_identity(group));
  for (const auto& each : limits) {
    SQUALL_TRY(const auto note, read_note(group, each.file, cgroups));
    if (note) return held_already(group, each.file, *note);
    plan.intents.push_back(intent_of(group, identity, each, owner_of(plan.run), fault));
  }
  return {};
}

Result<Held> put(const Plan& plan, Machine& machine, Scope& scope) {
  auto& cgroups = machine.cgroups();
  Held held;
  for (const auto& intent : plan.intents) {
    SQUALL_TRY(const auto mark, mark_of(intent.undo));
    Limit limit{mark.file, {}, {}, {}};
    SQUALL_TRY(limit.before, intent.undo.text("before"));
    SQUALL_TRY(limit.ours, intent.undo.text("ours"));
    SQUALL_TRY(held.owner, intent.undo.text("owner"));
    // Since the plan another fault or somebody else may have come.
    SQUALL_TRY(const auto note, read_note(mark.group, mark.file, cgroups));
    if (note) return held_already(mark.group, mark.file, *note);
    SQUALL_TRY(const auto now, cgroups.read(mark.group, mark.file));
    if (now != limit.before) return changed_by_others(mark.group, mark.file, now);
    SQUALL_CHECK(scope.change(intent, [&](const ChangeToken& token) {
      return write(token, mark, {held.owner, limit.before, limit.ours, {}}, limit, cgroups);
    }));
    held.group = mark.group;
    held.identity = mark.identity;
    held.limits.push_back(std::move(limit));
  }
  return held;
}

Result<> adjust(Held& held, const std::vector<Limit>& limits, Machine& machine, Scope& scope) {
  auto& cgroups = machine.cgroups();
  for (auto& each : held.limits) {
    const auto next = std::ranges::find(limits, each.file, &Limit::file);
    if (next == limits.end() || next->ours == each.ours) continue;
    SQUALL_CHECK(lowers(held.group, {each.file, each.before, next->ours, {}}));
    SQUALL_TRY(const auto now, cgroups.read(held.group, each.file));
    if (now != each.ours) return changed_by_others(held.group, each.file, now);
    SQUALL_CHECK(scope.adjust([&](const ChangeToken& token) {
      return write(token, {held.group, held.identity, each.file, {}},
                   {held.owner, each.before, next->ours, each.ours}, each, cgroups);
    }));
  }
  return {};
}

Result<> revert(const UndoRecord& undo, Machine& machine, const ChangeToken& token) {
  auto& cgroups = machine.cgroups();
  SQUALL_TRY(const auto mark, mark_of(undo));
  SQUALL_TRY(const auto owner, undo.text("owner"));
  auto undone = [&]() -> Result<> {
    SQUALL_TRY(const auto identity, cgroups.read_identity(mark.group));
    if (identity != mark.identity) return {};
    SQUALL_TRY(const auto note, read_note(mark.group, mark.file, cgroups));
    if (!note || note->owner != owner) return {};
    return restore(mark, *note, cgroups, token);
  }();
  if (!undone && undone.error().kind != ErrorKind::gone) return undone;
  return {};
}

Result<Verified> verify(const Cgroup& group, const std::vector<std::string>& files,
                        const Cgroups& cgroups) {
  std::size_t marked = 0;
  std::string lost;
  for (const auto& file : files) {
    const auto note = read_note(group, file, cgroups);
    if (!note && note.error().kind == ErrorKind::gone)
      return Verified{Reading::absent, describe(group) + " is gone"};
    if (!note) return note.error();
    if (!*note) {
      lost = "'" + file + "' of " + describe(group) + " is not held by us";
      continue;
    }
    ++marked;
    const auto now = cgroups.read(group, file);
    if (!now || !(*note)->is_ours(*now))
      lost = now ? changed_by_others(group, file, *now).what : now.error().what;
  }
  if (lost.empty()) return Reading::present;
  return Verified{marked == 0 ? Reading::absent : Reading::partial, lost};
}

Result<std::optional<Effect>> taken_over(const Held& held, const Cgroups& cgroups) {
  SQUALL_TRY(const auto identity, cgroups.read_identity(held.group));
  if (identity != held.identity)
    return Error{ErrorKind::gone, describe(held.group) + " was removed and made anew", {}, {}, 0};
  for (const auto& each : held.limits) {
    SQUALL_TRY(const auto now, cgroups.read(held.group, each.file));
    if (now != each.ours)
      return Effect{Effect::Verdict::mismatch,
                    "somebody else has changed '" + each.file + "' meanwhile",
                    {},
                    {}};
  }
  return std::optional<Effect>();
}

Strays strays(const std::vector<std::string>& files, const std::string& fault,
              const Cgroups& cgroups) {
  Strays strays;
  const auto marks = cgroups.find_marks();
  if (!strays.saw(marks)) return strays;
  for (const auto& mark : *marks) {
    if (std::ranges::find(files, mark.file) == files.end()) continue;
    const auto note = note_of(mark.text);
    strays.found.push_back(intent_of(mark.group, mark.identity,
                                     {mark.file, note.before, note.ours, {}}, note.owner, fault));
  }
  return strays;
}

Result<std::vector<std::string>> survey(const Cgroup& group, const std::vector<std::string>& files,
                                        const Cgroups& cgroups) {
  std::vector<std::string> facts;
  for (const auto& file : files) {
    SQUALL_TRY(const auto text, cgroups.read(group, file));
    facts.push_back(file + " of " + describe(group) + " is '" + text + "'");
    SQUALL_TRY(const auto note, read_note(group, file, cgroups));
    if (note) facts.push_back(file + " of " + describe(group) + " is held by " + note->owner);
  }
  return facts;
}

}  // namespace squall::cgroup
