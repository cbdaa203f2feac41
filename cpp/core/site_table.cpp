#include "core/site_table.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace attolog {

namespace {

template <class T>
void put(Buffer& out, T value) {
  std::memcpy(out.room(sizeof value), &value, sizeof value);
  out.advance(sizeof value);
}

void put_text(Buffer& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

template <class T>
bool decode_field(std::string_view& bytes, T& value) {
  if (bytes.size() < sizeof value) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return true;
}

bool decode_text(std::string_view& bytes, std::string& text) {
  std::uint32_t size = 0;
  if (!decode_field(bytes, size) || bytes.size() < size) return false;
  text = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

}  // namespace

void encode_site(Buffer& out, const Site& site) {
  put(out, site.id);
  put(out, static_cast<std::uint8_t>(site.kind));
  put(out, static_cast<std::uint8_t>(site.destination));
  put(out, static_cast<std::uint8_t>(site.is_weighted ? 1 : 0));
  put(out, site.level);
  put(out, site.bound);
  put(out, site.line);
  put(out, static_cast<std::uint32_t>(site.fields.size()));
  put_text(out, site.name);
  put_text(out, site.file);
  put_text(out, site.function);
  put_text(out, site.policy);
  for (const std::string& field : site.fields) put_text(out, field);
}

std::optional<Site> decode_site(std::string_view& bytes) {
  Site site;
  std::uint8_t kind = 0;
  std::uint8_t destination = 0;
  std::uint8_t is_weighted = 0;
  std::uint32_t fields = 0;
  if (!decode_field(bytes, site.id) || !decode_field(bytes, kind) ||
      !decode_field(bytes, destination) || !decode_field(bytes, is_weighted) ||
      !decode_field(bytes, site.level) || !decode_field(bytes, site.bound) ||
      !decode_field(bytes, site.line) || !decode_field(bytes, fields) ||
      !decode_text(bytes, site.name) || !decode_text(bytes, site.file) ||
      !decode_text(bytes, site.function) || !decode_text(bytes, site.policy)) {
    return std::nullopt;
  }
  if (fields > bytes.size() / sizeof(std::uint32_t)) return std::nullopt;  // each has a length
  for (std::uint32_t i = 0; i < fields; ++i) {
    if (!decode_text(bytes, site.fields.emplace_back())) return std::nullopt;
  }
  site.kind = static_cast<SiteKind>(kind);
  site.destination = static_cast<Destination>(std::min<std::uint8_t>(destination, 2));
  site.is_weighted = is_weighted != 0;
  return site;
}

std::optional<std::uint32_t> SiteRegistry::add(Site site) {
  const std::lock_guard lock(mutex_);
  if (places_.size() - n_variants_ >= kMaxSites) return std::nullopt;
  return add_locked(std::move(site));
}

std::optional<std::uint32_t> SiteRegistry::add_locked(Site site) {
  if (places_.size() >= kMaxNumbers) return std::nullopt;
  site.id = kFirstSite + static_cast<std::uint32_t>(places_.size());
  Buffer encoded;
  encode_site(encoded, site);
  // A mirror that has the site while a later one has no room for it is harmless: the number is
  // spent in any case.
  places_.emplace_back();
  bool fits = true;
  for (SiteMirror* mirror : mirrors_) fits = mirror->append_sites(encoded.view()) && fits;
  if (!fits) return std::nullopt;
  places_.back() = bytes_.size();
  bytes_.append(encoded.view());
  return site.id;
}

std::optional<std::uint32_t> SiteRegistry::variant(std::uint32_t base, Destination destination,
                                                   bool is_weighted, const std::string& policy) {
  std::optional<Site> site = find(base);
  if (!site) return std::nullopt;
  const std::lock_guard lock(mutex_);
  auto key = std::make_tuple(base, destination, is_weighted, policy);
  if (const auto known = variants_.find(key); known != variants_.end()) return known->second;
  site->destination = destination;
  site->is_weighted = is_weighted;
  site->policy = policy;
  if (is_weighted) site->fields.emplace_back(kWeightField);
  ++n_variants_;
  const auto number = add_locked(std::move(*site));
  if (number) variants_.emplace(std::move(key), *number);
  return number;
}

namespace {
const SiteReader kFixedSites;
}  // namespace

std::optional<Site> SiteRegistry::find(std::uint32_t id) const {
  if (id < kFirstSite) {
    const Site* site = kFixedSites.find(id);
    return site == nullptr ? std::nullopt : std::optional(*site);
  }
  const std::lock_guard lock(mutex_);
  const std::size_t index = id - kFirstSite;
  if (index >= places_.size() || !places_[index]) return std::nullopt;
  std::string_view bytes = bytes_.view().substr(*places_[index]);
  return decode_site(bytes);
}

std::map<std::uint32_t, std::uint32_t> SiteRegistry::bases() const {
  const std::lock_guard lock(mutex_);
  std::map<std::uint32_t, std::uint32_t> bases;
  for (const auto& [what, number] : variants_) bases.emplace(number, std::get<0>(what));
  return bases;
}

bool SiteRegistry::attach(SiteMirror& mirror) {
  const std::lock_guard lock(mutex_);
  if (!mirror.append_sites(bytes_.view())) return false;
  mirrors_.push_back(&mirror);
  return true;
}

void SiteRegistry::detach(SiteMirror& mirror) {
  const std::lock_guard lock(mutex_);
  std::erase(mirrors_, &mirror);
}

std::size_t SiteRegistry::size() const {
  const std::lock_guard lock(mutex_);
  return places_.size() - n_variants_;
}

namespace {
// Made before main() and never destroyed. A static in the function could stop a forked child.
SiteRegistry& process_registry = *std::make_unique<SiteRegistry>().release();
}  // namespace

SiteRegistry& site_registry() {
  return process_registry;
}

SiteReader::SiteReader() {
  const auto fixed = [this](std::uint32_t id, SiteKind kind, const char* name,
                            std::vector<std::string> fields, std::uint8_t level = kNone) {
    Site site;
    site.id = id;
    site.kind = kind;
    site.level = level;
    site.name = name;
    site.fields = std::move(fields);
    add(std::move(site));
  };
  fixed(kThreadSite, SiteKind::thread, "THREAD", {"id", "name"});
  fixed(kTextSite, SiteKind::text, "LOG", {"text"});
  fixed(kPrintSite, SiteKind::print, "PRINT", {"text"});
  fixed(kErrorPrintSite, SiteKind::print, "PRINT", {"text"}, kWarning);
  fixed(kDroppedSite, SiteKind::dropped, "DROPPED", {"n", "since"});
  fixed(kClockSite, SiteKind::clock, "CLOCK", {"jump_ns"});
  fixed(kInlineEventSite, SiteKind::inline_event, "", {});
  fixed(kSkippedSite, SiteKind::event, "SKIPPED", {"of", "n"});
  fixed(kTriggerSite, SiteKind::event, "TRIGGER", {"reason"});
  for (std::uint8_t level = 0; level <= kCritical; level = static_cast<std::uint8_t>(level + 10)) {
    fixed(kInlineMessageSite + level / 10U, SiteKind::inline_message, "", {}, level);
  }
}

void SiteReader::add(Site site) {
  const bool is_known = site.kind >= SiteKind::event && site.kind <= SiteKind::thread;
  if (!is_known || site.id >= kFirstSite + kMaxNumbers) return;  // damage
  if (by_id_.size() <= site.id) by_id_.resize(site.id + 1, nullptr);
  if (by_id_[site.id] != nullptr) return;
  sites_.push_back(std::move(site));
  by_id_[sites_.back().id] = &sites_.back();
}

void SiteReader::read(std::string_view bytes) {
  if (read_ > bytes.size()) return;
  bytes.remove_prefix(read_);
  while (!bytes.empty()) {
    const std::size_t before = bytes.size();
    std::optional<Site> site = decode_site(bytes);
    if (!site) return;
    add(std::move(*site));
    read_ += before - bytes.size();  // last: without memory it is read again
  }
}

}  // namespace attolog
