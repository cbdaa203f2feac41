// Text that waits to be shown: in memory, and what is more in a file without a name. First in,
// first out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/mapping.hpp"

namespace attolog {

class Backlog {
 public:
  static constexpr std::size_t kInMemory = std::size_t{8} << 20;

  // Text of one stream, without a break.
  struct Piece {
    int stream;
    std::string text;
  };

  explicit Backlog(std::size_t in_memory = kInMemory) : most_(in_memory) {}

  void push(int stream, std::string_view text);
  // The oldest there is, of one stream.
  std::optional<Piece> take();
  // What is left of the piece that was taken last. Takes no memory.
  void put_back(Piece rest) { rest_ = std::move(rest); }
  bool is_empty() const { return !rest_ && front_.empty() && read_ == end_ && back_.empty(); }

 private:
  // What is in memory grows to some pieces of this size: each is one write.
  static constexpr std::size_t kPiece = std::size_t{64} << 10;

  static constexpr std::int64_t kHole = std::int64_t{16} << 20;

  struct Pieces : std::deque<Piece> {
    void add(int stream, std::string_view text);
  };
  bool write_out(int stream, std::string_view text);
  void read_back();
  void give_back();

  std::size_t most_;
  std::optional<Piece> rest_;  // before all others
  Pieces front_;               // in memory, before what is in the file
  std::size_t bytes_ = 0;      // of front_
  File file_;
  bool has_no_file_ = false;  // there is none to be had
  std::int64_t read_ = 0;
  std::int64_t end_ = 0;
  std::int64_t given_back_ = 0;
  Pieces back_;  // behind it: where the file had no room
};

}  // namespace attolog
