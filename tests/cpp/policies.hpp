// A program whose records are written, counted and kept in turn, and what is to be in its file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "core/buffer.hpp"
#include "core/codec.hpp"
#include "core/folder.hpp"
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
inline constexpr std::uint64_t kLast = 10;

// What the file begins with: more bytes than any file beside it has, so that a limit on the size of
// files concerns it alone.
inline const std::string kOld(std::size_t{8} << 20, 'o');

// A log file, and the folder of those who log to it.
class Disk {
 public:
  explicit Disk(const std::string& old = kOld, std::string name = "run.csv")
      : name_(std::move(name)) {
    std::filesystem::create_directory(folder());
    temp::write_file(path(), old + "\n");
  }
  const std::string& root() const { return root_.path(); }
  std::string path() const { return root_ / name_; }
  std::string folder() const { return root_ / "folder"; }
  std::uintmax_t size() const { return std::filesystem::file_size(path()); }
  std::size_t files(std::string_view suffix) const {
    std::size_t n = 0;
    for (const std::string& name : list_files(folder(), "")) n += name.ends_with(suffix) ? 1 : 0;
    return n;
  }

  // The rows of an event, each as its cells.
  std::vector<std::vector<std::string>> rows(std::string_view event) const {
    std::vector<std::vector<std::string>> found;
    for (const std::string& line : temp::lines_of(path())) {
      if (line.size() >= kOld.size()) continue;
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
  // All of `n` steps is there as it is to be: written and counted once, the last ones kept.
  void expect(std::uint64_t n, std::uint64_t last = kLast,
              const std::source_location& where = std::source_location::current()) const {
    expect_numbers(rows("WRITTEN"), 0, n, where);
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
    expect_kept(n, last, where);
  }
  void expect_kept(std::uint64_t n, std::uint64_t last = kLast,
                   const std::source_location& where = std::source_location::current()) const {
    expect_numbers(rows("KEPT"), n - std::min(n, last), n, where);
  }

 private:
  static void expect_numbers(const std::vector<std::vector<std::string>>& rows, std::uint64_t first,
                             std::uint64_t end, const std::source_location& where) {
    check::equal(rows.size(), end - first, where);
    for (std::uint64_t i = 0; i < rows.size(); ++i) {
      check::equal(rows[i].at(2), std::to_string(first + i), where);
    }
  }

  temp::Folder root_;
  std::string name_;
};

class Mixed {
 public:
  // It keeps the last `kept` records.
  explicit Mixed(const Disk& disk, std::uint64_t kept = kLast)
      : disk_(disk),
        target_(program::target_of(disk.path(), *format_of(disk.path()))),
        program_(disk.folder(), target_) {
    Buffer sites;
    encode_site(sites, site_of(kWritten, "WRITTEN", Destination::file, ""));
    encode_site(sites, site_of(kCounted, "COUNTED", Destination::stats, "stats:1ms"));
    encode_site(sites, site_of(kKept, "KEPT", Destination::buffer, "last:" + std::to_string(kept)));
    check::that(program_.session().append_sites(sites.view()));
  }

  Session& session() const { return program_.session(); }
  const Ring& ring() const { return program_.ring(); }
  Progress& progress() { return progress_; }

  // One more record; false where the ring is full.
  bool log(std::uint32_t site, std::uint64_t i, std::string_view text = "") {
    const Buffer values = values_of(i, text);
    return program_.put(site, (i + 1) * kStep, values.view());
  }
  // One whose values lie in a file of their own.
  void log_spilled(std::uint32_t site, std::uint64_t i, std::string_view text) {
    const Buffer values = values_of(i, text);
    const std::uint64_t spill[] = {session().spill(values.view()), values.size()};
    check::that(program_.put(site | kSpilled, (i + 1) * kStep,
                             {reinterpret_cast<const char*>(spill), sizeof spill}));
  }
  // The next records of each site.
  void steps(std::uint64_t n) {
    for (; n > 0; --n, ++logged_) {
      for (const std::uint32_t site : {kWritten, kCounted, kKept}) check::that(log(site, logged_));
    }
  }

  // Another process goes on where this one was.
  Drain& restart(std::function<void(const Record&)> look = nullptr) {
    drain_.reset();
    output_ = program::output_of(disk_.path(), disk_.folder());
    drain_ = std::make_unique<Drain>(session(), output_.get(), make_sink(target_), progress_);
    if (look) {
      drain_->watch_buffered(
          [look = std::move(look)](const Record& record) {
            look(record);
            return false;
          },
          nullptr);
    }
    for (const Ring& ring : program_.rings()) drain_->add(ring);
    return *drain_;
  }
  Drain& drain() { return drain_ ? *drain_ : restart(); }
  // Up to the record of a step, or all there is.
  Drain::Outcome sweep() { return drain().run(kAll - 1, false); }
  Drain::Outcome sweep(std::uint64_t steps) { return drain().run(steps * kStep, false); }
  Drain::Outcome end() { return drain().run(kAll, true, Drain::Extent::end); }

 private:
  static Buffer values_of(std::uint64_t i, std::string_view text) {
    Buffer values;
    encode_int(values, static_cast<std::int64_t>(i));
    encode_str(values, text);
    return values;
  }
  static Site site_of(std::uint32_t id, std::string name, Destination destination,
                      std::string policy) {
    Site site;
    site.id = id;
    site.name = std::move(name);
    site.fields = {"i", "text"};
    site.destination = destination;
    site.policy = std::move(policy);
    return site;
  }

  const Disk& disk_;
  LogTarget target_;
  program::Program program_;
  std::uint64_t logged_ = 0;
  Progress progress_;
  std::unique_ptr<Output> output_;
  std::unique_ptr<Drain> drain_;
};

}  // namespace policies
