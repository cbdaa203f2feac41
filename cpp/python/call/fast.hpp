// The hot path: a record straight into the ring.
#pragma once

#include "python/compat.hpp"

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>

#include "core/codec.hpp"
#include "python/route/bound_fields.hpp"
#include "python/route/logger_core.hpp"
#include "python/route/routes.hpp"
#include "python/values/encode.hpp"
#include "strategies/sampler.hpp"

namespace attolog::python {

// A record of the fast path is never larger; whatever does not fit takes the slow one.
inline constexpr std::uint64_t kFastRecord = 2048;

// Writes the record and returns true; or returns false, with nothing done, where it takes the slow
// path: no ring yet, no room, values of other kinds than `fast_types`.
[[gnu::always_inline]] inline bool write_fast(const LoggerCore* core, const BoundFields* bound,
                                              std::uint32_t site, PyObject* const* values,
                                              Py_ssize_t n, std::uint64_t fast_types) {
  // Null also where the core was turned off since the caller looked.
  Producer* producer = producer_in(core->channel_id());
  if (producer == nullptr || producer->head + kFastRecord > producer->limit) [[unlikely]]
    return false;
  char* const start = producer->place();
  const Ticks ticks = now_ticks(call_constants.are_ticks_tsc);
  char* to = start + sizeof(RecordHead);
  // The padding behind the last value is stored as eight bytes, which must fit as well.
  const char* const end = start + kFastRecord - sizeof(std::uint64_t);
  for (Py_ssize_t i = 0; i < n; ++i) {
    to = encode_fast(to, end, values[i], fast_types);
    if (to == nullptr) [[unlikely]]
      return false;
    fast_types = std::rotr(fast_types, 8);
  }
  if (bound != nullptr) [[unlikely]] {
    if (bound->values.size() + kFastValue > static_cast<std::size_t>(end - to)) return false;
    std::memcpy(to, bound->values.data(), bound->values.size());
    to += bound->values.size();
  }
  store_as(to, std::uint64_t{0});  // padding, so that the values end
  const auto size = (static_cast<std::uint64_t>(to - start) + 7) & ~std::uint64_t{7};
  store_as(start, RecordHead{static_cast<std::uint32_t>(size), site, ticks});
  producer->commit(size);
  return true;
}

// Whether the route's sampler leaves the call out, decided the quick way.
[[gnu::always_inline]] inline bool skips_quickly(const Route& route) {
  if constexpr (kHasGil) return route.sampler->skips();
  const SamplerLock lock(*route.top->core);
  return route.sampler->skips();
}

// Whether the route's sampler leaves the call out by the hash of its key, where that needs no copy.
[[gnu::noinline]] inline bool skips_by_key(const Route& route, PyObject* const* values,
                                           Py_ssize_t n) {
  if (route.key >= static_cast<std::size_t>(n)) return false;
  Value key;
  if (!view_plain(values[route.key], key)) return false;
  const std::uint64_t hash = hash_key(key, route.sampler->seed());
  const SamplerLock lock(*route.top->core);
  return route.sampler->skips_key(hash);
}

// Writes into the channel of another logger. write_fast is inlined here once more, so that log_fast
// has it once.
[[gnu::noinline]] inline bool pass_fast(const Route& route, const BoundFields* bound,
                                        PyObject* const* values, Py_ssize_t n,
                                        std::uint64_t fast_types) {
  if (!write_fast(route.to, bound, route.site, values, n, fast_types)) return false;
  route.passes->count_passed(1, 0);
  return true;
}

// Logs a call, of a place with a route as the route says, if that needs no more than a countdown or
// one channel. False, with nothing done, otherwise.
[[gnu::always_inline]] inline bool log_fast(Mode mode, const LoggerCore* core,
                                            const BoundFields* bound, std::uint32_t site,
                                            const RouteCache& routes, PyObject* const* values,
                                            Py_ssize_t n, std::uint64_t fast_types) {
  if (mode != Mode::on) {
    // acquire: pairs with current_route.
    const Route* route = routes.now.load(std::memory_order_acquire);
    if (route == nullptr || !route->is_current()) [[unlikely]]
      return false;
    const Route::Action action = route->action;
    if (action != Route::Action::write) {
      if (action == Route::Action::off) return true;
      if (action == Route::Action::countdown) return skips_quickly(*route);
      if (action == Route::Action::keyed) return skips_by_key(*route, values, n);
      return action == Route::Action::pass && pass_fast(*route, bound, values, n, fast_types);
    }
    // By the core at hand, so that the look-up of its ring does not wait for that of the route.
    site = route->site;
  }
  return write_fast(core, bound, site, values, n, fast_types);
}

}  // namespace attolog::python
