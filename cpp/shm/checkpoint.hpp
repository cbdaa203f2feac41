// State of the writer that is committed with a batch and survives the process: two files, of which
// one is always that of the last committed batch.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/mapping.hpp"

namespace attolog {

class Checkpoint {
 public:
  // `path`: of the files, without what tells them apart; empty keeps nothing.
  explicit Checkpoint(std::string path) : path_(std::move(path)) {}

  // The files have been moved there.
  void move_to(std::string path) { path_ = std::move(path); }

  // Before the commit of `batch`: this is the state then. What was committed before stays readable.
  // False: there is no room; what is read later may be older then.
  bool prepare(std::uint64_t batch, std::string_view state);
  // After it.
  void commit() { next_ = 1 - next_; }

  // The state as of the session's last committed batch; nothing where there is none, or it is
  // damaged.
  std::optional<std::string> read(std::uint64_t committed_batch);

  // Removes the files. A kill in between does not leave an older state to be read.
  void remove();

 private:
  struct Header {
    std::uint64_t batch;
    std::uint64_t size;
    std::uint64_t checksum;
  };
  std::string slot(std::size_t index) const { return path_ + (index == 0 ? ".a" : ".b"); }
  File& open(std::size_t index);

  std::string path_;
  std::size_t next_ = 0;  // the one that is not that of the last committed batch
  std::array<File, 2> files_;
};

}  // namespace attolog
