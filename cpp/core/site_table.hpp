// The site table: every site of a process, as an append-only run of bytes.
//
// The process keeps one table (SiteRegistry). Each session mirrors it in mapped memory, complete
// before the first record that needs it. So rings can be read without the process (SiteReader).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/buffer.hpp"
#include "core/site.hpp"

namespace attolog {

void encode_site(Buffer& out, const Site& site);
// Takes one site off the front of `bytes`; nothing where they are cut short or damaged.
std::optional<Site> decode_site(std::string_view& bytes);

// Where a copy of the table is kept. False: there is no room; the site must not be used there.
class SiteMirror {
 public:
  virtual ~SiteMirror() = default;
  virtual bool append_sites(std::string_view encoded) = 0;
};

// A process's table. Safe from any thread; calls back into nothing but mirrors.
class SiteRegistry {
 public:
  // Gives the site its number and writes it to every mirror. Nothing once the table or a mirror is
  // full: then names must travel in the record.
  std::optional<std::uint32_t> add(Site site);
  // The number of site `base` as it is under a policy: handled so, or with the field `weight`
  // behind its own. Registered when first asked for.
  std::optional<std::uint32_t> variant(std::uint32_t base, Destination destination,
                                       bool is_weighted, const std::string& policy);
  // The site of that number, fixed ones included; nothing where there is none.
  std::optional<Site> find(std::uint32_t id) const;
  // The site behind each variant.
  std::map<std::uint32_t, std::uint32_t> bases() const;
  // Writes all sites so far to `mirror`, and the later ones as they come. False: no room there.
  bool attach(SiteMirror& mirror);
  void detach(SiteMirror& mirror);
  std::size_t size() const;
  bool is_full() const { return size() >= kMaxSites; }  // variants do not count

  // Held around fork, so that the child finds the table in order.
  std::mutex& mutex() { return mutex_; }
  // In a forked child, with the mutex held: the mirrors are its parent's, the sites stay.
  void forget_mirrors() { mirrors_.clear(); }

 private:
  std::optional<std::uint32_t> add_locked(Site site);

  mutable std::mutex mutex_;  // held for memory copies only
  Buffer bytes_;
  std::vector<std::optional<std::size_t>> places_;  // in bytes_, by number - kFirstSite
  std::size_t n_variants_ = 0;
  std::map<std::tuple<std::uint32_t, Destination, bool, std::string>, std::uint32_t> variants_;
  std::vector<SiteMirror*> mirrors_;
};

// This process's table. It lives as long as the process: threads register sites to the very end.
SiteRegistry& site_registry();

// Reads a session's table as it grows. Sites stay where they are for the reader's life.
class SiteReader {
 public:
  SiteReader();
  // Takes in what was added; `bytes` is the whole table so far.
  void read(std::string_view bytes);
  // Null: no such site, which is damage.
  const Site* find(std::uint32_t id) const { return id < by_id_.size() ? by_id_[id] : nullptr; }

 private:
  void add(Site site);

  std::deque<Site> sites_;
  std::vector<const Site*> by_id_;
  std::size_t read_ = 0;
};

}  // namespace attolog
