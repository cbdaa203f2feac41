#include "python/logger.hpp"
#include "writer/say.hpp"

namespace attolog::python {

namespace {

void add(Counts& sum, const Counts& more) {
  sum.written += more.written;
  sum.waiting += more.waiting;
  sum.dropped += more.dropped;
}

}  // namespace

void Root::update_mode() {
  const bool is_on = channel.load(std::memory_order_relaxed) != nullptr &&
                     is_enabled.load(std::memory_order_relaxed);
  const bool is_plain = !has_time.load(std::memory_order_relaxed);
  mode.store(!is_on ? Mode::off : is_plain ? Mode::on : Mode::special, std::memory_order_relaxed);
}

void Root::use(std::shared_ptr<Channel> next) {
  // What had the records so far is finished by the writer.
  if (const auto before = take_down(); before && !before->is_forked()) before->let_go();
  const std::lock_guard lock(mutex);
  if (owner) former.push_back(std::move(owner));
  std::erase_if(former, [this](const auto& channel) {
    if (!channel->is_finished() && !channel->is_forked()) return false;
    if (!channel->is_forked()) add(past, channel->counts());
    return true;
  });
  owner = std::move(next);
  is_closed.store(false, std::memory_order_relaxed);
  channel.store(owner.get(), std::memory_order_release);
  update_mode();
}

std::shared_ptr<Channel> Root::take_down() {
  const std::lock_guard lock(mutex);
  const bool was_on = channel.exchange(nullptr, std::memory_order_acq_rel) != nullptr;
  update_mode();
  return was_on ? owner : nullptr;
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
