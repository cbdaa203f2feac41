#include "python/logger.hpp"
#include "writer/say.hpp"

namespace attolog::python {

void Root::update_mode() {
  const bool is_on = channel.load(std::memory_order_relaxed) != nullptr &&
                     is_enabled.load(std::memory_order_relaxed);
  const bool is_plain = !has_time.load(std::memory_order_relaxed);
  mode.store(!is_on ? Mode::off : is_plain ? Mode::on : Mode::special, std::memory_order_relaxed);
}

void Root::use(std::shared_ptr<Channel> next) {
  take_down();
  const std::lock_guard lock(mutex);
  owner = std::move(next);
  is_closed.store(false, std::memory_order_relaxed);
  channel.store(owner.get(), std::memory_order_release);
  update_mode();
}

std::shared_ptr<Channel> Root::take_down() {
  const std::lock_guard lock(mutex);
  const bool was_on = channel.exchange(nullptr, std::memory_order_acq_rel) != nullptr;
  update_mode();
  if (was_on) return owner;
  if (owner && !owner->is_forked()) {
    const Counts last = owner->counts();
    past.written += last.written;
    past.waiting += last.waiting;
    past.dropped += last.dropped;
  }
  owner.reset();
  return nullptr;
}

Counts Root::counts() const {
  const std::lock_guard lock(mutex);
  Counts sum = past;
  if (owner && !owner->is_forked()) {
    const Counts now = owner->counts();
    sum.written += now.written;
    sum.waiting += now.waiting;
    sum.dropped += now.dropped;
  }
  sum.dropped += late.load(std::memory_order_relaxed);
  return sum;
}

void Root::count_late() {
  if (late.fetch_add(1, std::memory_order_relaxed) != 0) return;
  say("a call came after the logger was closed; it is counted as dropped, and so are later ones");
}

}  // namespace attolog::python
