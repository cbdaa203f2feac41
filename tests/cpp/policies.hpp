// A program whose records are written, counted and kept in turn, and what is to be in its file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "core/buffer.hpp"
#include "core/codec.hpp"
#include "core/site_table.hpp"
#include "program.hpp"
#include "temp.hpp"
#include "writer/drain.hpp"
#include "writer/recovery.hpp"

namespace policies {

using namespace attolog;
using program::kAll;

inline constexpr std::uint32_t kWritten = kFirstSite;
inline constexpr std::uint32_t kCounted = kFirstSite + 1;
inline constexpr std::uint32_t kKept = kFirstSite + 2;
inline constexpr Ticks kStep = 100'000;  // ns between records: ten of them in a window

inline Site site_of(std::uint32_t id, std::string name, Handling handling, std::string policy) {
  Site site;
  site.id = id;
  site.name = std::move(name);
  site.fields = {"i", "text"};
  site.handling = handling;
  site.policy = std::move(policy);
  return site;
}

// What the file begins with: more bytes than any file beside it has, so that a limit on the size of
// files concerns it alone.
inline const std::string kOld(std::size_t{1} << 20, 'o');

class Mixed {
 public:
  explicit Mixed(std::uint64_t kept = 10, Format format = Format::csv, std::size_t rings = 1)
      : target_(program::target_of(root_ / "run.csv", format)), kept_(kept) {
    std::filesystem::create_directory(folder());
    temp::write_file(path(), kOld + "\n");
    program_ = std::make_unique<program::Program>(folder(), target_, rings);
    Buffer sites;
    encode_site(sites, site_of(kWritten, "WRITTEN", Handling::write, ""));
    encode_site(sites, site_of(kCounted, "COUNTED", Handling::aggregate, "stats:1ms"));
    encode_site(sites, site_of(kKept, "KEPT", Handling::keep, "last:" + std::to_string(kept)));
    check::that(program_->session().append_sites(sites.view()));
  }

  std::string path() const { return target_.path; }
  std::string folder() const { return root_ / "folder"; }
  program::Program& program() { return *program_; }
  Progress& progress() { return progress_; }
  std::uint64_t logged() const { return logged_; }

  // One more record of a site; false where the ring is full.
  bool log(std::uint32_t site, std::uint64_t i, std::string_view text = "", std::size_t ring = 0) {
    Buffer values;
    encode_int(values, static_cast<std::int64_t>(i));
    encode_str(values, text);
    return program_->put(site, (i + 1) * kStep, values.view(), ring);
  }
  // The next record of each site.
  void step(std::string_view text = "") {
    for (const std::uint32_t site : {kWritten, kCounted, kKept}) {
      check::that(log(site, logged_, text));
    }
    ++logged_;
  }
  void steps(std::uint64_t n) {
    while (n-- > 0) step();
  }
  // A record whose values lie in a file of their own.
  void log_spilled(std::uint32_t site, std::uint64_t i, std::string_view text) {
    Buffer values;
    encode_int(values, static_cast<std::int64_t>(i));
    encode_str(values, text);
    const std::uint64_t spill[] = {program_->session().spill(values.view()), values.size()};
    check::that(program_->put(site | kSpilled, (i + 1) * kStep,
                              {reinterpret_cast<const char*>(spill), sizeof spill}));
  }

  // Another process goes on where this one was.
  Drain& restart() {
    drain_.reset();
    output_ = std::make_unique<Output>(path(), folder());
    drain_ = std::make_unique<Drain>(program_->session(), output_.get(), make_sink(target_),
                                     progress_);
    for (const Ring& ring : program_->rings()) drain_->add(ring);
    return *drain_;
  }
  Drain& drain() { return drain_ ? *drain_ : restart(); }
  Drain::Outcome end() { return drain().run(kAll, true, Drain::Extent::end); }
  // As a process that was killed: nothing is taken down, and others may claim what it had.
  void die() {
    program_->session().close_lock();
    static_cast<void>(program_.release());
  }

  // The rows of an event, each split into its cells.
  std::vector<std::vector<std::string>> rows(std::string_view event) const {
    std::vector<std::vector<std::string>> found;
    for (const std::string& line : temp::lines_of(path())) {
      std::vector<std::string> cells(1);
      for (const char c : line) {
        if (c == ',') {
          cells.emplace_back();
        } else {
          cells.back() += c;
        }
      }
      if (cells.size() > 1 && cells[1] == event) found.push_back(std::move(cells));
    }
    return found;
  }
  // All that was logged is there as it is to be: written and counted once, the last ones kept.
  void expect(std::uint64_t n,
              const std::source_location& where = std::source_location::current()) const {
    const auto written = rows("WRITTEN");
    check::equal(written.size(), n, where);
    for (std::uint64_t i = 0; i < written.size(); ++i) {
      check::equal(written[i].at(2), std::to_string(i), where);
    }
    std::uint64_t calls = 0;
    std::uint64_t numbers = 0;
    std::uint64_t sum = 0;
    for (const auto& row : rows("STATS")) {
      check::equal(row.at(2), "COUNTED", where);
      const bool is_field = !row.at(3).empty();
      (is_field ? numbers : calls) += std::stoull(row.at(5));
      if (is_field) sum += std::stoull(row.at(7));
    }
    check::equal(calls, n, where);
    check::equal(numbers, n, where);
    check::equal(sum, n == 0 ? 0 : n * (n - 1) / 2, where);
    expect_kept(n, where);
  }
  void expect_kept(std::uint64_t n,
                   const std::source_location& where = std::source_location::current()) const {
    const auto kept = rows("KEPT");
    const std::uint64_t first = n - std::min(n, kept_);
    check::equal(kept.size(), n - first, where);
    for (std::uint64_t i = 0; i < kept.size(); ++i) {
      check::equal(kept[i].at(2), std::to_string(first + i), where);
    }
  }

 private:
  temp::Folder root_;
  LogTarget target_;
  std::uint64_t kept_;
  std::unique_ptr<program::Program> program_;
  std::uint64_t logged_ = 0;
  Progress progress_;
  std::unique_ptr<Output> output_;
  std::unique_ptr<Drain> drain_;
};

}  // namespace policies
