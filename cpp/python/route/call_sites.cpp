#include "python/route/call_sites.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "format/template.hpp"
#include "python/helpers.hpp"
#include "python/values/encode.hpp"
#include "python/values/text.hpp"
#include "writer/writer_thread.hpp"

namespace attolog::python {

namespace {

constexpr std::array<std::string_view, 12> kRowWords = {"DEBUG",    "INFO",  "WARNING", "ERROR",
                                                        "CRITICAL", "LOG",   "PRINT",   "STATS",
                                                        "DROPPED",  "CLOCK", "SKIPPED", "TRIGGER"};
constexpr std::array<std::string_view, 7> kReserved = {"time",   "event",  "level", "message",
                                                       "weight", "thread", "text"};

// The complete text of a message, where it is not its template's (see format/template.hpp).
constexpr std::string_view kMessageField = "message";

std::string default_name(std::uint8_t level) {
  constexpr std::array names = {"LOG", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
  return names[std::min<std::size_t>(level / 10U, names.size() - 1)];
}

// The caller's spelling of its values, read from the source; v1, v2, ... where there is none. False
// with an exception set: interrupted.
bool read_names(const CodePosition& place, Py_ssize_t values, PyObject* kwnames,
                std::vector<std::string>& names) {
  names.clear();
  if (values > 0 && place.code != nullptr) {
    PyObject* globals = PyEval_GetGlobals();
    PyObject* none = kwnames == nullptr ? PyTuple_New(0) : Py_NewRef(kwnames);
    PyObject* result =
        call_helper(name_values, "(OinOO)", reinterpret_cast<PyObject*>(place.code), place.lasti,
                    values, none, globals == nullptr ? Py_None : globals);
    Py_XDECREF(none);
    if (result == nullptr && !clear_if_ordinary()) return false;
    if (result != nullptr && PyTuple_Check(result)) {
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(result); ++i) {
        names.push_back(to_wtf8(PyTuple_GET_ITEM(result, i)));
      }
    }
    Py_XDECREF(result);
  }
  if (names.size() != static_cast<std::size_t>(values)) {
    names.clear();
    for (Py_ssize_t i = 0; i < values; ++i) names.push_back("v" + std::to_string(i + 1));
  }
  return true;
}

// Whether a hole formats what bind() added, which has no text for it.
bool formats_bound(const Template& text, std::size_t first_bound) {
  return std::ranges::any_of(text.holes(), [first_bound](const Hole& hole) {
    return hole.value >= first_bound && !hole.rest.empty();
  });
}

}  // namespace

std::vector<std::string> name_fields(const std::vector<std::string>& written,
                                     const std::vector<bool>& is_named,
                                     const std::vector<std::string>& keywords) {
  std::vector<std::string> fields(written.size() + keywords.size());
  UniqueNames taken;
  const auto name = [&](std::size_t i, const std::string& given) { fields[i] = taken.add(given); };
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (is_named[i]) name(i, written[i]);
  }
  for (std::size_t i = 0; i < keywords.size(); ++i) name(written.size() + i, keywords[i]);
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (!is_named[i]) name(i, written[i]);
  }
  return fields;
}

bool is_event_name(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (!is_letter(text[0])) return false;
  for (const char c : text) {
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '.' && c != ':' && c != '-') return false;
  }
  return std::ranges::find(kRowWords, text) == kRowWords.end();
}

bool is_event_name(PyObject* text) {
  return PyUnicode_IS_COMPACT_ASCII(text) &&
         is_event_name({static_cast<const char*>(PyUnicode_DATA(text)),
                        static_cast<std::size_t>(PyUnicode_GET_LENGTH(text))});
}

std::string UniqueNames::add(std::string_view name) {
  std::string base(name);
  if (std::ranges::find(kReserved, name) != kReserved.end()) base += '_';
  if (names_.insert(base).second) return base;
  int& number = numbers_.try_emplace(base, 1).first->second;
  for (;;) {
    std::string unique = base + "_" + std::to_string(++number);
    if (names_.insert(unique).second) return unique;
  }
}

CallSites::CallSites(std::vector<std::string> bound_names) : bound_names_(std::move(bound_names)) {
  tables_.push_back(std::make_unique<Table>(256));
  table_.store(tables_.back().get(), std::memory_order_release);
  plain_fields_.emplace_back("text");
  plain_fields_.insert(plain_fields_.end(), bound_names_.begin(), bound_names_.end());
  inline_event_.is_inline = true;
  inline_event_.site = kInlineEventSite;
  for (std::uint32_t i = 0; i < std::size(inline_messages_); ++i) {
    inline_messages_[i].is_inline = true;
    inline_messages_[i].kind = SiteKind::message;
    inline_messages_[i].site = kInlineMessageSite + i;
    inline_messages_[i].level = static_cast<std::uint8_t>(10 * i);
    inline_messages_[i].rank = std::max<std::uint8_t>(inline_messages_[i].level, kDebug);
  }
}

CallSite::~CallSite() {
  Py_XDECREF(first);
  Py_XDECREF(kwnames);
  Py_XDECREF(code);
}

const CallSite* CallSites::find_equal(std::uintptr_t place, PyObject* first, Py_ssize_t nargs,
                                      PyObject* kwnames, std::uint8_t level,
                                      std::size_t& templates) const {
  const Table* table = table_.load(std::memory_order_acquire);
  for (std::size_t i = place >> 4;; ++i) {
    const Slot& slot = table->slots[i & table->mask];
    const std::uintptr_t key = slot.place.load(std::memory_order_acquire);
    if (key == 0) return nullptr;
    if (key != place) continue;
    ++templates;
    const CallSite* site = slot.site;
    if (site->nargs != nargs || site->level != level) continue;
    if ((site->first == nullptr) != (first == nullptr)) continue;
    if ((first != nullptr && !equal_text(site->first, first)) ||
        !equal_names(site->kwnames, kwnames))
      continue;
    return site;
  }
}

const CallSite* CallSites::register_call_site(std::uintptr_t place, PyObject* first,
                                              Py_ssize_t nargs, PyObject* kwnames,
                                              std::uint8_t level, Py_ssize_t n_from_template) {
  std::size_t templates = 0;
  if (const CallSite* known = find_equal(place, first, nargs, kwnames, level, templates))
    return known;
  const std::string name = first == nullptr ? default_name(level) : to_wtf8(first);
  const bool is_event = level == kNone && is_event_name(name);
  const CallSite* const without_number = is_event ? &inline_event_ : &inline_messages_[level / 10];
  SiteRegistry& registry = site_registry();
  if (templates >= kMostTemplates || registry.is_full()) return without_number;

  auto site = std::make_unique<CallSite>();
  site->place = place;
  site->nargs = nargs;
  site->level = level;
  site->kind = is_event ? SiteKind::event : SiteKind::message;
  const CodePosition where = code_position();
  site->code = reinterpret_cast<PyObject*>(where.code);
  if (where.code != nullptr) site->lasti = call_instruction(where.code, where.lasti);

  const Py_ssize_t positional = nargs - 1;
  std::vector<std::string> keywords = names_of(kwnames);
  keywords.insert(keywords.end(), bound_names_.begin(), bound_names_.end());
  std::vector<std::string> written;
  if (!read_names(where, positional - n_from_template, kwnames, written)) return nullptr;
  for (Py_ssize_t i = n_from_template; i > 0; --i)
    written.insert(written.begin(), "v" + std::to_string(i));
  std::vector<bool> is_named(written.size(), false);  // by a hole of the template
  if (!is_event && first != nullptr) {
    site->text = Template::parse(name, static_cast<std::size_t>(positional), keywords);
    for (const Hole& hole : site->text.holes()) {
      if (!has_name(hole) || hole.value >= written.size()) continue;
      written[hole.value] = hole.name;
      is_named[hole.value] = true;
    }
  }
  site->fields = name_fields(written, is_named, keywords);
  if (is_event) {
    site->fast_types = kAllFastTypes;
  } else if (first != nullptr) {
    // Python may fill a template that we cannot: it has the last word on its own language.
    site->needs_python = site->text.whole_at_call() || !site->text.ok() ||
                         formats_bound(site->text, site->fields.size() - bound_names_.size());
    if (!site->needs_python) {
      site->fast_types = fast_types_of(site->text, site->fields.size() - bound_names_.size());
    }
  } else {  // text alone; anything else is turned into text first
    site->fields.insert(site->fields.begin(), std::string(kMessageField));
    site->fast_types = kFastStr;
  }

  Site definition;
  definition.kind = site->kind;
  definition.level = is_event ? std::uint8_t{kNone} : std::max<std::uint8_t>(level, kDebug);
  site->rank = is_event ? kAlways : definition.level;
  definition.bound = static_cast<std::uint16_t>(bound_names_.size());
  definition.name = name;
  definition.fields = site->fields;
  if (site->needs_python) definition.fields.emplace_back(kMessageField);
  if (where.code != nullptr) {
    definition.file = to_wtf8(where.code->co_filename);
    definition.line =
        static_cast<std::uint32_t>(std::max(0, PyCode_Addr2Line(where.code, where.lasti)));
    definition.function = to_wtf8(where.code->co_qualname);
  }
  site->name = name;
  site->first = Py_XNewRef(first);
  site->kwnames = Py_XNewRef(kwnames);
  auto number = number_of(*site);
  if (!number) number = registry.add(std::move(definition));
  if (!number) return without_number;
  site->site = *number;
  return add(std::move(site));
}

std::uint32_t CallSites::plain_site(SiteKind kind) {
  const bool is_event = kind == SiteKind::event;
  const std::uint32_t fixed = kind == SiteKind::text ? kTextSite : kPrintSite;
  if (bound_names_.empty() && !is_event) return fixed;
  const std::lock_guard lock(mutex_);
  std::uint32_t& number = plain_sites_[plain_index(kind)];
  if (number == 0) {
    Site site;
    site.kind = kind;
    site.name = is_event ? kAnyEvent : kind == SiteKind::text ? "LOG" : "PRINT";
    site.bound = static_cast<std::uint16_t>(bound_names_.size());
    site.fields = is_event ? bound_names_ : plain_fields_;
    number = site_registry().add(std::move(site)).value_or(fixed);
  }
  return number;
}

SiteFacts CallSites::facts_of(const CallSite& site) const {
  return {site.site, site.kind, site.level, site.name, &site.fields, bound_names_.size(), nullptr};
}

SiteFacts CallSites::plain_facts(SiteKind kind) {
  const bool is_event = kind == SiteKind::event;
  return {plain_site(kind),
          kind,
          kNone,
          is_event ? kAnyEvent : std::string_view(),
          is_event ? &bound_names_ : &plain_fields_,
          bound_names_.size(),
          nullptr};
}

std::optional<std::uint32_t> CallSites::number_of(const CallSite& site) const {
  if (site.code == nullptr) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = by_code_.equal_range({site.code, site.lasti});
  for (auto known = begin; known != end; ++known) {
    const CallSite& other = *known->second;
    if (other.nargs == site.nargs && other.level == site.level &&
        (other.first == nullptr) == (site.first == nullptr) &&
        (site.first == nullptr || equal_text(other.first, site.first)) &&
        equal_names(other.kwnames, site.kwnames)) {
      return other.site;
    }
  }
  return std::nullopt;
}

const CallSite* CallSites::add(std::unique_ptr<CallSite> site) {
  const std::lock_guard lock(mutex_);
  std::size_t templates = 0;
  if (const CallSite* quicker = find_equal(site->place, site->first, site->nargs, site->kwnames,
                                           site->level, templates)) {
    return quicker;  // another thread learnt it meanwhile
  }
  const CallSite* known = sites_.emplace_back(std::move(site)).get();
  if (known->code != nullptr) by_code_.emplace(std::pair(known->code, known->lasti), known);
  Table* table = table_.load(std::memory_order_relaxed);
  if (4 * sites_.size() > table->slots.size()) {
    auto larger = std::make_unique<Table>(4 * table->slots.size());
    for (const auto& each : sites_) insert(*larger, each.get());
    tables_.push_back(std::move(larger));
    table_.store(tables_.back().get(), std::memory_order_release);  // pairs with find
  } else {
    insert(*table, known);
  }
  return known;
}

void CallSites::insert(Table& table, const CallSite* site) {
  for (std::size_t i = site->place >> 4;; ++i) {
    Slot& slot = table.slots[i & table.mask];
    if (slot.place.load(std::memory_order_relaxed) != 0) continue;
    slot.site = site;
    slot.place.store(site->place, std::memory_order_release);  // pairs with find
    return;
  }
}

}  // namespace attolog::python
