// SPDX-License-Identifier: Apache-2.0
//
// A fault is one folder and five verbs:
//
//   describe   what it is and takes
//   plan       look: what would change, as intents with their undo records
//   inject     touch, only through the scope: record first, then act
//   verify     look: is ours in force
//   revert     put back from a record alone, in any process, any number of times
//
// and optional ones: adjust (new strength in place), measure (what was achieved),
// ease_off (before an end that is not in a hurry), let_go (before one that is), strays (what
// carries our mark, without a journal), survey (facts compared before and after). An author writes
// a plain struct; Adapt erases its type for the engine.

#pragma once

#include "faults/machine.hpp"
#include "faults/spec.hpp"
#include "safety/spare.hpp"
#include "safety/strays.hpp"
#include "safety/undo/change.hpp"

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace squall {

// Where in a run a fault stands; gives everything it makes an identity beforehand.
struct RunContext {
  std::string mark;        // 6 hex digits, from the run's id: goes into every name we make
  unsigned slot = 0;       // index of the fault in its scenario, unique in the run
  std::uint64_t seed = 0;  // of this fault; from the run's seed and the slot
  SpareList spare;
  // Set by plan(): identities of what it chose, for verify() to look at just these.
  std::vector<std::string> targets{};
};

struct Plan {
  RunContext run;
  std::vector<Intent> intents;     // in the order they will be made
  std::vector<std::string> notes;  // what the reader must know: "bursts follow GSO on eth0"
};

enum class Reading { absent, partial, present };
template <>
struct Words<Reading> {
  static constexpr std::pair<Reading, std::string_view> list[] = {
      {Reading::absent, "absent"}, {Reading::partial, "partial"}, {Reading::present, "present"}};
};

// What verify() saw. `lost`: one sentence, where what is not there any more cannot come back by
// itself ("interface 'eth0' is gone"): an active fault that says so is over, and with it the run.
struct Verified {
  Verified(Reading seen) : reading(seen) {}  // NOLINT(google-explicit-constructor)
  Verified(Reading seen, std::string why) : reading(seen), lost(std::move(why)) {}
  bool operator==(Reading other) const { return reading == other; }

  Reading reading;
  std::string lost;
};

// Requested against achieved.
struct Effect {
  enum class Verdict { confirmed, mismatch, inconclusive };
  struct Measure {
    std::string what;       // "loss"
    std::string requested;  // "5%"
    std::string achieved;   // "4.97%"
  };
  Verdict verdict = Verdict::inconclusive;
  std::string why;  // one sentence: "4.97% of 20,114 packets dropped, inside the 99% interval"
  std::vector<Measure> measures;
  std::vector<std::pair<std::string, std::uint64_t>> counters;  // "seen", "hit", "spared", …
};
template <>
struct Words<Effect::Verdict> {
  static constexpr std::pair<Effect::Verdict, std::string_view> list[] = {
      {Effect::Verdict::confirmed, "confirmed"},
      {Effect::Verdict::mismatch, "mismatch"},
      {Effect::Verdict::inconclusive, "inconclusive"}};
};

// A value whose type only its fault knows.
using Boxed = std::shared_ptr<const void>;
using BoxedHold = std::unique_ptr<void, void (*)(void*)>;

class Fault {
 public:
  virtual ~Fault() = default;
  virtual const FaultSheet& sheet() const = 0;
  virtual Boxed parse(const Settings&, const Place&, Complaints&) const = 0;
  virtual Settings print(const Boxed& params) const = 0;
  // Each field at its own share of the way, which is between two valid ends, but need not keep
  // the rules across fields: broken_rule() tells the first one broken, or "".
  virtual Boxed blend(const Boxed& from, const Boxed& to, const ShareOf&) const = 0;
  virtual std::string broken_rule(const Boxed& params) const = 0;

  virtual Result<Plan> plan(const Boxed& params, const Machine&, const RunContext&) const = 0;
  virtual Result<BoxedHold> inject(const Boxed& params, const Plan&, Machine&, Scope&) const = 0;
  virtual Result<Verified> verify(const Boxed& params, const Machine&, const RunContext&) const = 0;
  virtual Result<> revert(const UndoRecord&, Machine&, const ChangeToken&) const = 0;

  virtual Result<> adjust(const Boxed& params, BoxedHold&, Machine&, Scope&) const = 0;
  // Lets what is under way come to its end, so that the undo costs nobody anything. Asked again
  // after the time that it answers, until that is 0; the fault bounds the whole by itself.
  virtual Result<Duration> ease_off(const Boxed& params, BoxedHold&, Machine&, Scope&) const = 0;
  // Ends the effect at once, where closing a descriptor does: many undos take their time.
  virtual void let_go(BoxedHold&) const = 0;
  virtual Result<Effect> measure(const Boxed& params, const BoxedHold&, const Machine&) const = 0;
  virtual Strays strays(const Machine&) const = 0;
  virtual Result<std::vector<std::string>> survey(const Boxed& params, const Machine&) const = 0;
};

// The shape of an author's struct F. It has two types:
//
//   struct Params;  what a user may write
//   struct Hold;    what lives while the fault is active; closing it is the undo on rung 1
//
// the static function describe(), the five verbs with the types below, and of the optional
// ones those that Adapt asks for.
template <class F>
concept FaultAuthor = requires(
    const F f, const typename F::Params p, const Plan plan, const Machine& host, Machine& machine,
    Scope& scope, const RunContext run, const UndoRecord undo, const ChangeToken& token) {
  { F::describe() } -> std::same_as<const Spec<typename F::Params>&>;
  { f.plan(p, host, run) } -> std::same_as<Result<Plan>>;
  { f.inject(p, plan, machine, scope) } -> std::same_as<Result<typename F::Hold>>;
  { f.verify(p, host, run).value() } -> std::convertible_to<Verified>;
  { f.revert(undo, machine, token) } -> std::same_as<Result<>>;
};

template <FaultAuthor F>
class Adapt final : public Fault {
  using P = typename F::Params;
  using H = typename F::Hold;
  static constexpr bool kAdjusts =
      requires(const F f, const P p, H hold, Machine& m, Scope& s) { f.adjust(p, hold, m, s); };

 public:
  Adapt() {
    const auto& spec = F::describe();
    sheet_ = {spec.name,  spec.summary, spec.rung,      spec.needs, spec.params.sheet(),
              spec.notes, spec.example, spec.conflicts, kAdjusts,   spec.instead};
    if (!kAdjusts)
      for (auto& each : sheet_.params.fields) each.rampable = false;
  }

  const FaultSheet& sheet() const override { return sheet_; }
  Boxed parse(const Settings& settings, const Place& at, Complaints& complaints) const override {
    return std::make_shared<const P>(
        F::describe().params.parse(settings, sheet_.name, at, complaints));
  }
  Settings print(const Boxed& params) const override {
    return F::describe().params.print(open(params));
  }
  Boxed blend(const Boxed& from, const Boxed& to, const ShareOf& share_of) const override {
    return std::make_shared<const P>(F::describe().params.blend(open(from), open(to), share_of));
  }
  std::string broken_rule(const Boxed& params) const override {
    return F::describe().params.broken_rule(open(params));
  }

  Result<Plan> plan(const Boxed& params, const Machine& host,
                    const RunContext& run) const override {
    return fault_.plan(open(params), host, run);
  }
  Result<BoxedHold> inject(const Boxed& params, const Plan& plan, Machine& machine,
                           Scope& scope) const override {
    SQUALL_TRY(auto hold, fault_.inject(open(params), plan, machine, scope));
    return BoxedHold(new H(std::move(hold)), [](void* raw) { delete static_cast<H*>(raw); });
  }
  Result<Verified> verify(const Boxed& params, const Machine& host,
                          const RunContext& run) const override {
    SQUALL_TRY(Verified seen, fault_.verify(open(params), host, run));
    return seen;
  }
  Result<> revert(const UndoRecord& undo, Machine& machine,
                  const ChangeToken& token) const override {
    return fault_.revert(undo, machine, token);
  }

  Result<> adjust(const Boxed& params, BoxedHold& hold, Machine& machine,
                  Scope& scope) const override {
    if constexpr (kAdjusts) {
      return fault_.adjust(open(params), *static_cast<H*>(hold.get()), machine, scope);
    } else {
      return Error{ErrorKind::internal, "'" + sheet_.name + "' cannot be adjusted", {}, {}, 0};
    }
  }
  Result<Duration> ease_off(const Boxed& params, BoxedHold& hold, Machine& machine,
                            Scope& scope) const override {
    if constexpr (requires {
                    fault_.ease_off(open(params), *static_cast<H*>(hold.get()), machine, scope);
                  })
      return fault_.ease_off(open(params), *static_cast<H*>(hold.get()), machine, scope);
    else
      return Duration{};
  }
  void let_go(BoxedHold& hold) const override {
    if constexpr (requires { fault_.let_go(*static_cast<H*>(hold.get())); })
      if (hold) fault_.let_go(*static_cast<H*>(hold.get()));
  }
  Result<Effect> measure(const Boxed& params, const BoxedHold& hold,
                         const Machine& host) const override {
    if constexpr (requires {
                    fault_.measure(open(params), *static_cast<const H*>(hold.get()), host);
                  })
      return fault_.measure(open(params), *static_cast<const H*>(hold.get()), host);
    else
      return Effect{Effect::Verdict::inconclusive, "this fault has no effect check", {}, {}};
  }
  Strays strays(const Machine& host) const override {
    if constexpr (requires { fault_.strays(host); })
      return fault_.strays(host);
    else
      return {};
  }
  Result<std::vector<std::string>> survey(const Boxed& params, const Machine& host) const override {
    if constexpr (requires { fault_.survey(open(params), host); })
      return fault_.survey(open(params), host);
    else
      return std::vector<std::string>{};
  }

 private:
  static const P& open(const Boxed& params) { return *static_cast<const P*>(params.get()); }
  F fault_;
  FaultSheet sheet_;
};

}  // namespace squall
