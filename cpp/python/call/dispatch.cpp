#include "python/call/dispatch.hpp"

#include <cmath>

#include "core/arena.hpp"
#include "core/codec.hpp"
#include "core/report.hpp"
#include "python/call/submit.hpp"
#include "python/values/encode.hpp"
#include "python/values/text.hpp"
#include "python/without_gil.hpp"

namespace attolog::python {

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
    if (!encode_any(encoded, value, kDefaultMaxRecord)) return false;
    hash = hash_key(nth_value(encoded, 0, arena), seed);
  }
  return true;
}

void submit_skipped_count(const LoggerCore& caller, const RouteNode& node, std::string_view name,
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
  const auto stamp = core.time();
  walk(*route.top, {name, values, bound, {start_, stamp.value_or(0), stamp.has_value()}}, 0);
  if (failed_) count_dropped();
}

Sampler::Verdict Dispatch::ask_sampler(const RouteNode& node, const Values& call) {
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

Dispatch::Outcome Dispatch::walk(const RouteNode& node, const Values& call, double weight) {
  if (node.sampler != nullptr) {
    const Sampler::Verdict verdict = ask_sampler(node, call);
    if (verdict.remainder != 0) {
      const double stands_for = static_cast<double>(verdict.remainder) * (weight == 0 ? 1 : weight);
      submit_skipped_count(core_, node, call.name, std::llround(stands_for));
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

// Whether the logger's `when` is true of the record. An exception means no, and is reported once.
bool is_wanted(LoggerCore& core, PyObject* record) {
  PyObject* answer = PyObject_CallOneArg(core.watcher(), record);
  const int is_true = answer == nullptr ? -1 : PyObject_IsTrue(answer);
  Py_XDECREF(answer);
  if (is_true < 0) {
    PyObject* error = PyErr_Occurred();
    const std::string name = reinterpret_cast<PyTypeObject*>(error)->tp_name;
    if (clear_if_ordinary() && core.note_watcher_failure()) {
      report("when=: it raised " + name +
             "; for such records the circular log does not save itself");
    }
  }
  return is_true > 0;
}

}  // namespace

std::string trigger_save(const LoggerCore& core, Channel& channel, const std::string& reason) {
  const auto stamp = core.time();
  const std::int64_t time = stamp.value_or(static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME)));
  std::string path;
  outside_gil([&] { path = channel.trigger(time, stamp.has_value(), reason); });
  return path;
}

bool Dispatch::ask_watchers(const SiteFacts& facts, std::span<PyObject* const> values) const {
  for (const Recipient& recipient : recipients_) {
    LoggerCore& core = *recipient.to;
    if (core.watcher() == nullptr) continue;
    PyObject* record = dict_of(facts, values);
    const bool wants = record != nullptr && is_wanted(core, record);
    Py_XDECREF(record);
    if (PyErr_Occurred() != nullptr && !clear_if_ordinary()) return false;
    const auto channel = core.last_channel();
    if (wants && channel != nullptr && !channel->is_forked()) {
      trigger_save(core, *channel, "when=");
    }
  }
  return true;
}

void Dispatch::count_dropped() const {
  for (const Recipient& recipient : recipients_) recipient.to->count_dropped();
}

}  // namespace attolog::python
