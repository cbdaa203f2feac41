// Text that waits to be shown: in memory, and what is more in files without a name. First in, first
// out. The files are mapped and their descriptors closed: so nothing that the program does with
// descriptors can touch what waits.
#pragma once

#include <cstddef>
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
  std::optional<Piece> pop();
  // The remainder of the piece that was taken last. Takes no memory.
  void push_front(Piece rest) { rest_ = std::move(rest); }
  bool is_empty() const { return !rest_ && front_.empty() && segments_.empty() && back_.empty(); }

 private:
  // The text in memory grows to some pieces of this size: each is one write.
  static constexpr std::size_t kPiece = std::size_t{64} << 10;

  static constexpr std::size_t kSegment = std::size_t{16} << 20;

  // One file, filled once and read once.
  class Segment {
   public:
    explicit Segment(std::size_t size);            // throws std::system_error
    bool push(int stream, std::string_view text);  // false: no room
    bool is_read() const { return read_ == end_; }
    std::pair<int, std::string_view> next() const;  // the oldest text, which is there
    void pop_front();                               // goes behind it

   private:
    Mapping mapping_;
    std::size_t read_ = 0;
    std::size_t end_ = 0;
  };

  struct Pieces : std::deque<Piece> {
    void add(int stream, std::string_view text);
  };
  bool write_out(int stream, std::string_view text);
  void read_back();

  std::size_t most_;
  std::optional<Piece> rest_;     // before all others
  Pieces front_;                  // in memory, before what is in files
  std::size_t bytes_ = 0;         // of front_
  std::deque<Segment> segments_;  // none of them read to its end
  Pieces back_;                   // behind them: where there was no file to be had
};

}  // namespace attolog
