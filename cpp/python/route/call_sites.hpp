// From a place in the program to its site, for calls whose site is not declared.
#pragma once

#include "python/compat.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/site.hpp"
#include "format/template.hpp"
#include "python/route/routes.hpp"

namespace attolog::python {

// The facts about one way of calling from one place. It holds references to all that it is known
// by: an address alone may be another object's tomorrow.
struct CallSite {
  PyObject* first = nullptr;    // event name or template, by identity
  PyObject* kwnames = nullptr;  // by identity; null: none
  Py_ssize_t nargs = 0;         // positional, the first included
  std::uint32_t site = 0;
  std::uint8_t level = kNone;
  std::uint8_t rank = kAlways;   // what a logger's level is compared with; events always pass
  bool is_inline = false;        // there is no number for it: names travel in the record
  std::uint64_t fast_types = 0;  // see FastType; 0: always the slow path
  std::uintptr_t place = 0;
  PyObject* code = nullptr;
  int lasti = 0;  // of the call in it
  SiteKind kind = SiteKind::event;
  bool needs_python = false;  // the complete text is made at the call
  Template text;              // of a message
  std::string name;           // the event's name or the template
  std::vector<std::string> fields;
  mutable RouteCache routes;

  CallSite() = default;
  CallSite(const CallSite&) = delete;
  ~CallSite();
};

// Open addressing, at most a quarter full: a look-up is one probe. Neither call sites nor outgrown
// tables are ever freed while the cache lives, so readers need no lock.
class CallSites {
 public:
  explicit CallSites(std::vector<std::string> bound_names);

  const CallSite* find(std::uintptr_t place, PyObject* first, PyObject* kwnames, Py_ssize_t nargs,
                       std::uint8_t level) const {
    // acquire, here and below: pairs with put; what is in the table is complete.
    const Table* table = table_.load(std::memory_order_acquire);
    for (std::size_t i = place >> 4;; ++i) {
      const Slot& slot = table->slots[i & table->mask];
      const std::uintptr_t key = slot.place.load(std::memory_order_acquire);
      if (key == place) [[likely]] {
        const CallSite* site = slot.site;
        if (site->first == first && site->kwnames == kwnames && site->nargs == nargs &&
            site->level == level) [[likely]] {
          return site;
        }
      } else if (key == 0) {
        return nullptr;
      }
    }
  }

  // The call site of this call, made if need be; runs Python code to read the names of the values.
  // Without `first` it is that of messages which are text alone (log.debug(f"...")). The first
  // `n_from_template` of the values do not stand in the source. Null with an exception set where
  // that was interrupted.
  const CallSite* register_call_site(std::uintptr_t place, PyObject* first, Py_ssize_t nargs,
                                     PyObject* kwnames, std::uint8_t level,
                                     Py_ssize_t n_from_template);

  // The site of texts, of prints, or (SiteKind::event) of log_event(), which have no place of their
  // own.
  std::uint32_t plain_site(SiteKind kind);

  RouteCache& plain_routes(SiteKind kind) { return plain_routes_[plain_index(kind)]; }

  // The facts that choose a policy for the call site, or for its texts or prints.
  SiteFacts facts_of(const CallSite& site) const;
  SiteFacts plain_facts(SiteKind kind);

  const std::vector<std::string>& bound_names() const { return bound_names_; }

  // How many different templates one place may have before they are stored as values.
  static constexpr std::size_t kMostTemplates = 8;

 private:
  struct Slot {
    std::atomic<std::uintptr_t> place{0};
    const CallSite* site = nullptr;
  };
  struct Table {
    explicit Table(std::size_t size) : slots(size), mask(size - 1) {}
    std::vector<Slot> slots;
    std::size_t mask;
  };

  const CallSite* find_equal(std::uintptr_t place, PyObject* first, Py_ssize_t nargs,
                             PyObject* kwnames, std::uint8_t level, std::size_t& templates) const;
  // The number of this call, where another instruction at its place has found it before.
  std::optional<std::uint32_t> number_of(const CallSite& site) const;
  const CallSite* add(std::unique_ptr<CallSite> site);
  static void insert(Table& table, const CallSite* site);

  const std::vector<std::string> bound_names_;
  std::atomic<Table*> table_;
  mutable std::mutex mutex_;  // tables_, sites_, by_code_; never held while Python code runs
  std::vector<std::unique_ptr<Table>> tables_;
  std::vector<std::unique_ptr<CallSite>> sites_;
  // By code and offset in it: there may be thousands of calls in one function.
  std::multimap<std::pair<const PyObject*, int>, const CallSite*> by_code_;
  // Text, print, the event without a name.
  static std::size_t plain_index(SiteKind kind) {
    return kind == SiteKind::text ? 0 : kind == SiteKind::print ? 1 : 2;
  }
  std::uint32_t plain_sites_[3] = {};  // 0: not yet
  RouteCache plain_routes_[3];
  std::vector<std::string> plain_fields_;
  CallSite inline_event_;
  CallSite inline_messages_[6];  // by level / 10
};

// `{name}`, as opposed to `{}` and `{0}`.
inline bool has_name(const Hole& hole) {
  return !hole.name.empty() && (hole.name[0] < '0' || hole.name[0] > '9');
}

// Field names in the order of the values. Names that the program gave (holes, keywords, bind) go
// before those read from the source. Of two equal names the one from the source takes the _2.
std::vector<std::string> name_fields(const std::vector<std::string>& written,
                                     const std::vector<bool>& is_named,
                                     const std::vector<std::string>& keywords);

// `[A-Za-z_][\w.:-]{0,63}` and not one of the names that rows use themselves.
bool is_event_name(std::string_view text);
bool is_event_name(PyObject* text);  // a str

// The names that a record has already. A new one gets a trailing underscore where it is reserved,
// and a number where it is taken.
class UniqueNames {
 public:
  UniqueNames() = default;
  explicit UniqueNames(const std::vector<std::string>& names)
      : names_(names.begin(), names.end()) {}
  // The name as it is free, which it is no longer.
  std::string add(std::string_view name);

 private:
  std::unordered_set<std::string> names_;
  std::unordered_map<std::string, int> numbers_;  // by name: the last number that was given
};

}  // namespace attolog::python
