#include "shm/ring_merge.hpp"

#include <algorithm>
#include <cstring>

namespace attolog {

void RingMerge::add(const Ring& ring) {
  const std::uint64_t committed = std::max(committed_, session_.committed());
  const RingThread& thread = ring.thread(committed);
  const std::uint64_t tail = ring.tail(committed);
  const Thread* owner = intern(thread.id, {thread.name, ::strnlen(thread.name, RingThread::kName)});
  sources_.push_back({&ring, tail, tail, tail, owner, owner, 0, {}});
  sources_.back().move_to(tail);
}

bool RingMerge::remove(const Ring& ring) {
  const auto source = std::ranges::find(sources_, &ring, &Source::ring);
  if (source == sources_.end() || source->is_touched()) return false;
  current_ = nullptr;
  sources_.erase(source);
  return true;
}

const Thread* RingMerge::intern(std::uint64_t id, std::string_view name) {
  const auto key = std::make_pair(id, std::string(name));
  const auto found = by_name_.find(key);
  if (found != by_name_.end()) return found->second;
  const Thread* thread = &threads_.emplace_back(Thread{id, key.second});
  by_name_.emplace(key, thread);
  return thread;
}

void RingMerge::sweep(Ticks until) {
  until_ = until;
  current_ = nullptr;
  const std::uint64_t committed = std::max(committed_, session_.committed());
  for (Source& source : sources_) {
    const std::uint64_t head = source.ring->head(committed);
    const bool is_possible = source.ring->can_hold(source.position, head);
    source.head = is_possible ? head : source.position;
    if (!is_possible) skip_damaged(source, source.position);
    peek(source);
  }
  // After the heads: a site is in the table before the first record that names it.
  sites_.read(session_.sites());
}

void RingMerge::peek(Source& source) {
  if (source.position == source.head) return;
  // Another core has written it. What comes soon is on its way while this one is formatted.
  constexpr std::uint64_t kAhead = 512;
  if (source.head - source.position > kAhead) {
    __builtin_prefetch(source.ring->data() + source.offset + kAhead);  // perhaps in the mirror
  }
  RecordHead head{};
  std::memcpy(&head, source.ring->data() + source.offset, sizeof head);
  source.next = head.ticks;
}

RingMerge::Source* RingMerge::earliest() {
  Source* first = nullptr;
  Ticks second = until_;
  for (Source& source : sources_) {
    if (source.position == source.head || source.next > until_) continue;
    if (first == nullptr || source.next < first->next) {
      if (first != nullptr) second = std::min(second, first->next);
      first = &source;
    } else {
      second = std::min(second, source.next);
    }
  }
  current_until_ = second;
  return first;
}

const Record* RingMerge::next() {
  arena_.clear();
  for (;;) {
    // As long as one ring alone has the earliest records there is nothing to compare.
    if (current_ == nullptr || current_->position == current_->head ||
        current_->next > current_until_) {
      current_ = earliest();
      if (current_ == nullptr) return nullptr;
    }
    Source& source = *current_;
    const bool shown =
        decode(source, {source.ring->data() + source.offset, source.head - source.position});
    peek(source);
    if (shown) return &record_;
  }
}

// The record at `position` cannot be read. It is met again after each rewind, and counted once.
bool RingMerge::skip_damaged(Source& source, std::uint64_t position) {
  if (position >= source.counted_to) {
    source.counted_to = position + 1;
    ++damaged_;
  }
  return false;
}

bool RingMerge::decode(Source& source, std::string_view bytes) {
  const std::uint64_t position = source.position;
  RingRecord& raw = raw_;
  if (!parse_record(bytes, raw)) {
    source.move_to(source.head);
    return skip_damaged(source, position);
  }
  source.advance(raw.head.size);
  last_position_ = position;
  bytes_ = bytes.substr(0, raw.head.size);
  const Site* site = sites_.find(raw.site());
  record_.is_on_console = (raw.head.site & kShown) != 0;
  const bool is_kept =
      skips_buffered_ && site != nullptr && site->destination == Destination::buffer;
  const bool is_left = is_kept || (skips_printed_ && record_.is_on_console);
  std::string_view encoded = is_left ? std::string_view() : raw.values;
  if ((raw.head.site & kSpilled) != 0 && !is_left) {
    source.spills.push_back(raw.spill_number);
    const auto spilled = session_.read_spill(raw.spill_number, raw.spill_size, arena_);
    if (!spilled) return skip_damaged(source, position);
    encoded = *spilled;
  }
  if (!decode_values(encoded, arena_, values_) || site == nullptr) {
    return skip_damaged(source, position);
  }
  if (site->kind == SiteKind::thread) {
    if (values_.size() == 2 && values_[0].tag == Tag::int64) {
      source.thread = intern(static_cast<std::uint64_t>(values_[0].i), values_[1].text);
    }
    return false;
  }
  record_.site = site;
  record_.thread = source.thread;
  record_.is_stamped = (raw.head.site & kStamped) != 0;
  record_.time_ns = record_.is_stamped ? raw.stamp : session_.header().clock.to_ns(raw.head.ticks);
  record_.values = values_;
  return true;
}

void RingMerge::retain_spill() {
  std::vector<std::uint64_t>& spills = current_->spills;
  const bool is_spilled = (raw_.head.site & kSpilled) != 0;
  if (is_spilled && !spills.empty() && spills.back() == raw_.spill_number) spills.pop_back();
}

void RingMerge::unread() {
  retain_spill();
  current_->move_to(last_position_);
  peek(*current_);
}

void RingMerge::rewind() {
  current_ = nullptr;
  for (Source& source : sources_) {
    source.move_to(source.committed);
    source.thread = source.committed_thread;
    source.spills.clear();
    peek(source);
  }
}

}  // namespace attolog
