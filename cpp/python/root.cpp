#include "python/logger.hpp"
#include "writer/say.hpp"

namespace attolog::python {

namespace {

void add(Counts& sum, const Counts& more) {
  sum.written += more.written;
  sum.waiting += more.waiting;
  sum.dropped += more.dropped;
}

// Comes back once every call that had found the channel in a Root is done with it: none keeps hold
// of one that is not pinned while it lets other threads run. No lock of ours may be held.
void wait_until_unused(Channel& channel) {
  if (!let_others_pass()) channel.pin();  // it is kept for ever
}

}  // namespace

Root::~Root() {
  if (channel.load(std::memory_order_relaxed) != nullptr) owner->let_go();
}

void Root::update_mode() {
  const bool is_on = channel.load(std::memory_order_relaxed) != nullptr &&
                     is_enabled.load(std::memory_order_relaxed);
  const bool is_plain = !has_time.load(std::memory_order_relaxed);
  mode.store(!is_on ? Mode::off : is_plain ? Mode::on : Mode::special, std::memory_order_relaxed);
}

void Root::use(std::shared_ptr<Channel> next) {
  std::shared_ptr<Channel> before;
  {
    const std::lock_guard lock(mutex);
    if (channel.load(std::memory_order_relaxed) != nullptr) before = owner;
    if (owner) former.push_back(std::move(owner));
    std::erase_if(former, [this](const auto& old) {
      if (!old->is_finished() && !old->is_forked()) return false;
      if (!old->is_forked()) add(past, old->counts());
      return true;
    });
    owner = std::move(next);
    is_closed.store(false, std::memory_order_relaxed);
    channel.store(owner.get(), std::memory_order_release);
    update_mode();
  }
  // What had the records so far is finished by the writer.
  if (before == nullptr || before->is_forked()) return;
  wait_until_unused(*before);
  before->let_go();
}

std::shared_ptr<Channel> Root::take_down(bool closes) {
  std::shared_ptr<Channel> before;
  {
    const std::lock_guard lock(mutex);
    if (channel.load(std::memory_order_relaxed) == nullptr) return nullptr;
    before = owner;
    if (closes) is_closed.store(true, std::memory_order_relaxed);
    channel.store(nullptr, std::memory_order_release);
    update_mode();
  }
  wait_until_unused(*before);
  return before;
}

void Root::set_enabled(bool enabled) {
  const std::lock_guard lock(mutex);
  is_enabled.store(enabled, std::memory_order_relaxed);
  update_mode();
}

void Root::set_time(std::optional<std::int64_t> ns) {
  const std::lock_guard lock(mutex);
  if (ns) time_ns.store(*ns, std::memory_order_relaxed);
  has_time.store(ns.has_value(), std::memory_order_release);  // pairs with submit
  update_mode();
}

std::string Root::path() const {
  const std::lock_guard lock(mutex);
  return owner ? owner->path() : "";
}

std::vector<std::shared_ptr<Channel>> Root::unfinished() const {
  const std::lock_guard lock(mutex);
  std::vector<std::shared_ptr<Channel>> channels;
  for (const auto& channel : former) {
    if (!channel->is_forked() && !channel->is_finished()) channels.push_back(channel);
  }
  return channels;
}

Counts Root::counts() const {
  const std::lock_guard lock(mutex);
  Counts sum = past;
  for (const auto& channel : former) {
    if (!channel->is_forked()) add(sum, channel->counts());
  }
  if (owner && !owner->is_forked()) add(sum, owner->counts());
  sum.dropped += late.load(std::memory_order_relaxed);
  return sum;
}

void Root::count_late() {
  if (late.fetch_add(1, std::memory_order_relaxed) != 0) return;
  say("a call came after the logger was closed; it is counted as dropped, and so are later ones");
}

void Root::lose() {
  if (Channel* now = channel.load(std::memory_order_acquire)) {
    now->drop(1);
  } else {
    count_late();
  }
}

std::size_t Root::longest_text() const {
  const Channel* now = channel.load(std::memory_order_acquire);
  return now == nullptr ? ChannelOptions{}.max_record : now->options().max_record;
}

}  // namespace attolog::python
