// A growable run of bytes. Unlike std::string it hands out room before it is written, so that
// number formatting writes in place.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace attolog {

class Buffer {
 public:
  // Room for at least `n` more bytes, behind the last one; follow with `advance`.
  char* room(std::size_t n) {
    if (capacity_ - size_ < n) grow(n);
    return bytes_.get() + size_;
  }
  void advance(std::size_t n) { size_ += n; }
  void advance_to(const char* end) { size_ = static_cast<std::size_t>(end - bytes_.get()); }

  void push(char c) {
    *room(1) = c;
    ++size_;
  }
  void append(std::string_view text) {
    if (text.empty()) return;
    copy(room(text.size()), text.data(), text.size());
    size_ += text.size();
  }

  void truncate(std::size_t size) { size_ = size; }
  void clear() { size_ = 0; }

  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  // Most texts are short: two moves, which may overlap, in place of a call.
  static void copy(char* to, const char* from, std::size_t n) {
    if (n > 16) {
      std::memcpy(to, from, n);
    } else if (n >= 8) {
      copy_ends<8>(to, from, n);
    } else if (n >= 4) {
      copy_ends<4>(to, from, n);
    } else {
      copy_ends<1>(to, from, n);
      to[n / 2] = from[n / 2];
    }
  }
  template <std::size_t size>
  static void copy_ends(char* to, const char* from, std::size_t n) {
    char first[size], last[size];
    std::memcpy(first, from, size);
    std::memcpy(last, from + n - size, size);
    std::memcpy(to, first, size);
    std::memcpy(to + n - size, last, size);
  }

  void grow(std::size_t n) {
    std::size_t wanted = capacity_ * 2;
    if (wanted < size_ + n) wanted = size_ + n;
    if (wanted < 256) wanted = 256;
    auto larger = std::make_unique_for_overwrite<char[]>(wanted);
    if (size_ != 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
    capacity_ = wanted;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace attolog
