// Which texts come most often, in bounded memory.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace attolog {

// Counts are exact up to kMostValues different texts. Where there are more, the rare ones are
// forgotten, and all counts become lower bounds: J. Misra and D. Gries, "Finding repeated
// elements", 1982. A text that makes up more than one in kMostValues of all is never forgotten.
class Frequencies {
 public:
  static constexpr std::size_t kMostValues = 4096;
  static constexpr std::size_t kMostBytes = 256;  // of a text; what is longer is cut

  Frequencies() = default;
  Frequencies(Frequencies&&) = default;
  Frequencies& operator=(Frequencies&&) = default;
  Frequencies(const Frequencies&) = delete;  // it points into its own table
  Frequencies& operator=(const Frequencies&) = delete;

  void add(std::string_view text, double weight);
  void merge(const Frequencies& other);

  // Whether no text was forgotten, and none was cut.
  bool is_exact() const { return is_exact_; }
  // The different texts that are known.
  std::size_t distinct() const { return counts_.size(); }
  // At most `n` texts with their counts, the most frequent first, equally frequent ones by their
  // bytes.
  std::vector<std::pair<std::string, double>> top(std::size_t n) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  using Counts = std::unordered_map<std::string, double, Hash, std::equal_to<>>;

  void forget_rare();

  Counts counts_;
  bool is_exact_ = true;
  // Of texts seen lately, by their size and some letters: most columns have few texts.
  std::array<Counts::value_type*, 16> recent_{};
};

}  // namespace attolog
