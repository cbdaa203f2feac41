#include "python/routes.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>

#include "core/codec.hpp"
#include "core/say.hpp"
#include "format/plain.hpp"
#include "python/encode.hpp"
#include "python/logger.hpp"
#include "python/submit.hpp"
#include "python/text.hpp"
#include "writer/writer.hpp"

namespace attolog::python {

namespace {

constexpr double kBudgetNs = 100e6;  // how often a budget is divided anew
constexpr double kSkipNs = 25;       // what a call costs that is left out

// Messages from here on are sampled only where a rule names them.
constexpr std::uint8_t kNotSampled = kWarning;

std::string_view word_of(const SiteFacts& facts) {
  switch (facts.kind) {
    case Kind::message:
    case Kind::inline_message: return level_name(std::max<std::uint8_t>(facts.level, kDebug));
    case Kind::text: return "LOG";
    case Kind::print: return "PRINT";
    default: return facts.name;
  }
}

bool is_message(Kind kind) {
  return kind == Kind::message || kind == Kind::inline_message;
}

// What the way to a leaf has come to so far.
struct RouteContext {
  std::string sampled;      // policies, joined by spaces
  std::uint64_t depth = 0;  // how many they are
  Handling handling = Handling::write;
  std::string handled;  // the policy that says so
};

std::uint32_t leaf_site(const SiteFacts& facts, const RouteContext& context) {
  const bool is_plain = context.handling == Handling::write && context.sampled.empty();
  if (is_plain) return facts.site;
  const std::string& policy =
      context.handling == Handling::write ? context.sampled : context.handled;
  // Past all numbers the site stays what it is: more is written then, nothing is lost.
  return Writer::get()
      .sites()
      .variant(facts.site, context.handling, !context.sampled.empty(), policy)
      .value_or(facts.site);
}

void apply_policy(LoggerCore& core, const SiteFacts& facts, const Policy& policy, RouteNode& node,
                  RouteContext& context) {
  if (policy.samples()) {
    node.sampler = core.sampler_of(facts, policy, context.depth++);
    if (!policy.key.empty() && facts.fields != nullptr) {
      const auto field = std::ranges::find(*facts.fields, policy.key);
      if (field != facts.fields->end()) {
        const auto index = static_cast<std::size_t>(field - facts.fields->begin());
        const std::size_t n_own = facts.fields->size() - facts.n_bound;
        node.key = index < n_own ? Key{index, false} : Key{index - n_own, true};
      }
    }
    context.sampled += (context.sampled.empty() ? "" : " ") + to_text(node.sampler->policy());
  }
  if (core.keeps_all) {  // whatever else it says: there is no file
    context.handling = Handling::keep;
    context.handled = to_text(core.policy);
  } else if (policy.kind == Policy::Kind::stats || policy.kind == Policy::Kind::last) {
    context.handling = policy.kind == Policy::Kind::stats ? Handling::aggregate : Handling::keep;
    context.handled = to_text(policy);
  }
}

// The next one who decides about a call of the site, and those behind it. Nothing: none passes.
std::optional<RouteNode> build(LoggerCore& core, const SiteFacts& facts, bool is_first,
                               RouteContext context) {
  const std::lock_guard lock(core.mutex);
  core.begin_anew_in_child();
  // What is passed on to a logger that could not open its file is counted there.
  const bool is_lost = !is_first && core.is_lost.load(std::memory_order_relaxed) &&
                       core.is_enabled.load(std::memory_order_relaxed);
  if (!core.is_on() && !is_lost) return std::nullopt;
  const int rank = is_message(facts.kind) ? std::max<int>(facts.level, kDebug) : kAlways;
  if (rank < core.level.load(std::memory_order_relaxed)) return std::nullopt;
  RouteNode node;
  node.core = &core;
  if (context.handling == Handling::write) {  // otherwise it is settled what becomes of the record
    const Policy policy = core.policy_of(facts, is_first);
    if (policy.kind == Policy::Kind::off) return std::nullopt;
    apply_policy(core, facts, policy, node, context);
  }
  if (core.targets.empty()) {
    node.site = leaf_site(facts, context);
    return node;
  }
  for (const auto& target : core.targets) {
    if (auto next = build(*target, facts, false, context)) node.next.push_back(std::move(*next));
  }
  return node.next.empty() ? std::nullopt : std::optional(std::move(node));
}

bool is_alike(const RouteNode& a, const RouteNode& b) {
  return a.core == b.core && a.sampler == b.sampler && a.key == b.key && a.site == b.site &&
         std::ranges::equal(a.next, b.next, is_alike);
}

void choose_action(Route& route) {
  if (!route.top) return;
  const RouteNode& top = *route.top;
  if (top.sampler != nullptr) {
    route.sampler = top.sampler.get();
    if (top.sampler->counts_down()) {
      route.action = Route::Action::countdown;
    } else if (top.key && !top.key->is_bound) {
      route.action = Route::Action::keyed;
      route.key = top.key->index;
    } else {
      route.action = Route::Action::mixed;
    }
    return;
  }
  const RouteNode* leaf = &top;
  if (leaf->next.size() == 1) {
    route.passes = leaf->core;
    leaf = leaf->next.data();
  }
  const bool is_direct = leaf->next.empty() && leaf->sampler == nullptr &&
                         leaf->core->channel.load(std::memory_order_relaxed) != nullptr;
  if (leaf->core->watcher != nullptr) {
    route.action = Route::Action::mixed;
    return;
  }
  const bool is_timed = top.core->has_time.load(std::memory_order_relaxed) ||
                        leaf->core->has_time.load(std::memory_order_relaxed);
  route.action = !is_direct || is_timed ? Route::Action::mixed
                 : leaf == &top         ? Route::Action::write
                                        : Route::Action::pass;
  route.to = leaf->core;
  route.site = leaf->site;
}

void find_leaves(const RouteNode& node, std::vector<LoggerCore*>& leaves) {
  if (node.next.empty()) leaves.push_back(node.core);
  for (const RouteNode& next : node.next) find_leaves(next, leaves);
}

// Intervals end also where no call notices it: then the channels behind look.
void watch(const RouteNode& node, std::string_view name, double weight) {
  if (node.sampler != nullptr && node.sampler->has_intervals()) {
    std::vector<LoggerCore*> leaves;
    find_leaves(node, leaves);
    std::vector<std::weak_ptr<Channel>> channels;
    for (const LoggerCore* leaf : leaves) {
      const std::lock_guard lock(leaf->mutex);
      channels.push_back(leaf->owner);
    }
    if (const auto first = channels.front().lock()) {
      first->watch({node.sampler, std::string(name), weight, channels});
    }
  }
  if (node.sampler != nullptr) weight *= node.sampler->usual_weight();
  for (const RouteNode& next : node.next) watch(next, name, weight);
}

// Around a fork nobody holds it: not the control handler, which the writer keeps away from it, and
// not the threads of Python, of which only the one that forks runs.
std::mutex overrides_mutex;
Rules overrides;

}  // namespace

Rules::Match Rules::find(const SiteFacts& facts) const {
  const std::string_view word = word_of(facts);
  Match best;
  std::size_t longest = 0;
  const std::string name(facts.name);
  for (const auto& [pattern, policy] : entries_) {
    if (pattern == facts.name || pattern == word) return {&policy, true};
    const bool is_match = ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0 ||
                          ::fnmatch(pattern.c_str(), std::string(word).c_str(), 0) == 0;
    if (!is_match || (best.policy != nullptr && pattern.size() <= longest)) continue;
    best.policy = &policy;
    longest = pattern.size();
  }
  return best;
}

void Rules::set(std::string name, const Policy& policy) {
  const auto known = std::ranges::find(entries_, name, &std::pair<std::string, Policy>::first);
  if (known != entries_.end()) {
    known->second = policy;
  } else {
    entries_.emplace_back(std::move(name), policy);
  }
}

bool Rules::remove(const std::string& name) {
  return std::erase_if(entries_, [&](const auto& entry) { return entry.first == name; }) != 0;
}

void set_override(const std::string& name, const Policy& policy) {
  const std::lock_guard lock(overrides_mutex);
  overrides.set(name, policy);
}

bool remove_override(const std::string& name) {
  const std::lock_guard lock(overrides_mutex);
  return overrides.remove(name);
}

Rules overrides_now() {
  const std::lock_guard lock(overrides_mutex);
  return overrides;
}

bool has_overrides() {
  const std::lock_guard lock(overrides_mutex);
  return !overrides.empty();
}

Policy LoggerCore::policy_of(const SiteFacts& facts, bool is_first) const {
  std::optional<std::pair<Policy, bool>> decreed;
  {
    const std::lock_guard lock(overrides_mutex);
    if (const auto found = overrides.find(facts); found.policy != nullptr) {
      decreed.emplace(*found.policy, found.is_exact);
    }
  }
  const auto chosen = [&]() -> std::pair<Policy, bool> {
    if (decreed && is_first) return *decreed;
    if (const auto found = environment.find(facts); found.policy != nullptr) {
      return {*found.policy, found.is_exact};
    }
    if (is_first && facts.strategy != nullptr && *facts.strategy) return {**facts.strategy, true};
    if (const auto found = rules.find(facts); found.policy != nullptr) {
      return {*found.policy, found.is_exact};
    }
    return {policy, false};
  }();
  const bool has_say = !decreed || is_first;
  if (!has_say && (chosen.first.samples() || chosen.first.kind == Policy::Kind::off)) return {};
  const bool is_kept = is_message(facts.kind) && facts.level >= kNotSampled && !chosen.second;
  return chosen.first.samples() && is_kept ? Policy{} : chosen.first;
}

std::shared_ptr<Sampler> LoggerCore::sampler_of(const SiteFacts& facts, const Policy& given,
                                                std::uint64_t depth) {
  Policy used = given;
  const bool has_key =
      facts.fields != nullptr && std::ranges::find(*facts.fields, given.key) != facts.fields->end();
  if (!has_key) used.key.clear();  // chance decides where there is no key
  const std::string text = to_text(used);
  std::shared_ptr<Sampler>& sampler = samplers[{facts.site, depth, text}];
  if (sampler != nullptr) return sampler;
  std::shared_ptr<BudgetPool> pool;
  if (used.kind == Policy::Kind::budget) {
    std::shared_ptr<BudgetPool>& shared = pools[text];
    if (shared == nullptr) {
      shared = std::make_shared<BudgetPool>(used.share, static_cast<Ticks>(kBudgetNs / tick_ns()),
                                            kSkipNs / tick_ns());
    }
    pool = shared;
  }
  // Keys hash alike at all sites and in all processes, but not for a sampler behind another: its
  // share would be one of what that has chosen by the same hash. Else each site has chances of its
  // own, the same with each run of the same seed.
  const std::uint64_t own = used.key.empty()
                                ? hash_key(Value::of_str(facts.name), seed + samplers.size())
                                : key_seed + depth;
  sampler = std::make_shared<Sampler>(used, own, std::move(pool));
  return sampler;
}

const Route* current_route(RouteCache& routes, LoggerCore& core, const SiteFacts& facts) {
  // acquire: pairs with the release below.
  const Route* known = routes.now.load(std::memory_order_acquire);
  if (known != nullptr && known->is_current()) return known;
  // Before everything is looked at: what changes meanwhile makes the route an old one.
  const std::uint64_t epoch = routes_epoch.load(std::memory_order_acquire);
  auto route = std::make_unique<Route>();
  route->top = build(core, facts, true, {});
  choose_action(*route);
  if (route->top) watch(*route->top, facts.name.empty() ? word_of(facts) : facts.name, 1);
  const std::lock_guard lock(core.routes_mutex);
  core.routed_sites.insert(facts.site);
  auto same = std::ranges::find_if(routes.all, [&](const auto& other) {
    return other->action == route->action && other->top.has_value() == route->top.has_value() &&
           (!route->top || is_alike(*other->top, *route->top));
  });
  if (same == routes.all.end()) {
    routes.all.push_back(std::move(route));
    same = routes.all.end() - 1;
  }
  (*same)->epoch.store(epoch, std::memory_order_release);  // pairs with is_current
  routes.now.store(same->get(), std::memory_order_release);
  return same->get();
}

namespace {

Value nth_value(const Buffer& encoded, std::size_t index, Arena& arena) {
  std::vector<Value> values;
  decode_values(encoded.view(), arena, values);
  return index < values.size() ? values[index] : Value{};
}

// By the hash of the value that a sampler's key has in this call; one that has none counts as None.
// False with an exception set: it must pass.
bool key_hash(const Key& key, std::span<PyObject* const> values, const BoundFields* bound,
              std::uint64_t seed, std::uint64_t& hash) {
  Arena arena;
  Buffer encoded;
  if (key.is_bound) {
    if (bound != nullptr) encoded.append(bound->values);
    hash = hash_key(nth_value(encoded, key.index, arena), seed);
    return true;
  }
  PyObject* const value = key.index < values.size() ? values[key.index] : nullptr;
  Value plain;
  if (value == nullptr || view_plain(value, plain)) {
    hash = hash_key(plain, seed);
  } else {
    if (!encode_any(encoded, value, ChannelOptions{}.max_record)) return false;
    hash = hash_key(nth_value(encoded, 0, arena), seed);
  }
  return true;
}

void tell_skipped(const LoggerCore& caller, const RouteNode& node, std::string_view name,
                  std::int64_t n) {
  Buffer values;
  encode_str(values, name);
  encode_int(values, n);
  std::vector<LoggerCore*> leaves;
  find_leaves(node, leaves);
  for (LoggerCore* leaf : leaves) submit(*leaf, kSkippedSite, values.view(), caller);
}

}  // namespace

Dispatch::Dispatch(LoggerCore& core, const Route& route, std::string_view name,
                   std::span<PyObject* const> values, const BoundFields* bound)
    : core_(core) {
  if (!route.top) return;
  start_ = now_ticks();
  const bool is_stamped = core.has_time.load(std::memory_order_acquire);
  const std::int64_t stamp = core.time_ns.load(std::memory_order_relaxed);
  walk(*route.top, {name, values, bound, {start_, stamp, is_stamped}}, 0);
  if (failed_) lose();
}

Sampler::Verdict Dispatch::ask_sampler(const RouteNode& node, const Call& call) {
  Sampler& sampler = *node.sampler;
  std::uint64_t hash = 0;
  if (node.key && !key_hash(*node.key, call.values, call.bound, sampler.seed(), hash)) {
    failed_ = true;
    return {};
  }
  const SamplerLock lock(*node.core);
  if (node.key) return sampler.decide_key(hash);
  if (sampler.counts_down() && sampler.skips()) return {};
  return sampler.decide(call.now);
}

Dispatch::Outcome Dispatch::walk(const RouteNode& node, const Call& call, double weight) {
  if (node.sampler != nullptr) {
    const Sampler::Verdict verdict = ask_sampler(node, call);
    if (verdict.remainder != 0) {
      const double stands_for = static_cast<double>(verdict.remainder) * (weight == 0 ? 1 : weight);
      tell_skipped(core_, node, call.name, std::llround(stands_for));
    }
    if (failed_ || verdict.weight == 0) return {0, 1};
    weight = weight == 0 ? verdict.weight : weight * verdict.weight;
    if (node.sampler->policy().kind == Policy::Kind::budget) budgets_.push_back(&node);
  }
  if (node.next.empty()) {
    recipients_.push_back({node.core, node.site, weight});
    return {1, 0};
  }
  Outcome below;
  for (const RouteNode& next : node.next) {
    const Outcome outcome = walk(next, call, weight);
    below.taken += outcome.taken;
    below.left_out += outcome.left_out;
  }
  node.core->count_passed(below.taken, below.left_out);
  return below;
}

bool Dispatch::submit(Buffer& values, bool names_travel) const {
  const std::size_t size = values.size();
  bool done = true;
  for (const auto& [to, site, weight] : recipients_) {
    if (weight != 0 && names_travel) encode_str(values, kWeightField);
    if (weight != 0) encode_float(values, weight);
    // A signal handler that raises ends the waiting for one; the others get their record still.
    done = python::submit(*to, site, values.view(), core_) != SubmitResult::raised && done;
    values.truncate(size);
  }
  for (const RouteNode* node : budgets_) {
    const SamplerLock lock(*node->core);
    node->sampler->spend(now_ticks() - start_);
  }
  return done;
}

namespace {

// A record as a dict: its fields, and what it is.
PyObject* dict_of(const SiteFacts& facts, std::span<PyObject* const> values) {
  PyObject* record = PyDict_New();
  const auto set = [&](const std::string& name, PyObject* value) {  // takes the value over
    PyObject* key = record == nullptr ? nullptr : from_wtf8(name);
    if (key == nullptr || value == nullptr || PyDict_SetItem(record, key, value) != 0) {
      Py_CLEAR(record);
    }
    Py_XDECREF(key);
    Py_XDECREF(value);
  };
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool has_name = facts.fields != nullptr && i < facts.fields->size();
    PyObject* const value = values[i] == nullptr ? Py_None : values[i];
    set(has_name ? (*facts.fields)[i] : "v" + std::to_string(i + 1), Py_NewRef(value));
  }
  const bool has_level = is_message(facts.kind);
  if (has_level) set("level", from_wtf8(word_of(facts)));
  if (!facts.name.empty()) set(has_level ? "message" : "event", from_wtf8(facts.name));
  return record;
}

// Whether the logger's `when` is true of the record. What it raises is said once, and means no.
bool is_wanted(LoggerCore& core, PyObject* record) {
  PyObject* answer = PyObject_CallOneArg(core.watcher, record);
  const int is_true = answer == nullptr ? -1 : PyObject_IsTrue(answer);
  Py_XDECREF(answer);
  if (is_true < 0) {
    PyObject* error = PyErr_Occurred();
    const std::string name = reinterpret_cast<PyTypeObject*>(error)->tp_name;
    if (clear_if_ordinary() && !core.has_watcher_failed.exchange(true)) {
      say("when=: it raised " + name + "; for such records the circular log does not save itself");
    }
  }
  return is_true > 0;
}

}  // namespace

bool Dispatch::ask_watchers(const SiteFacts& facts, std::span<PyObject* const> values) const {
  for (const Recipient& taken : recipients_) {
    LoggerCore& core = *taken.to;
    if (core.watcher == nullptr) continue;
    PyObject* record = dict_of(facts, values);
    const bool wants = record != nullptr && is_wanted(core, record);
    Py_XDECREF(record);
    if (PyErr_Occurred() != nullptr && !clear_if_ordinary()) return false;
    std::shared_ptr<Channel> channel;
    {
      const std::lock_guard lock(core.mutex);
      channel = core.owner;
    }
    if (wants && channel != nullptr && !channel->is_forked()) {
      trigger_box(core, *channel, "when=");
    }
  }
  return true;
}

void Dispatch::lose() const {
  for (const Recipient& taken : recipients_) taken.to->lose();
}

}  // namespace attolog::python
