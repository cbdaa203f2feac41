#include "reader/frequencies.hpp"

#include <map>
#include <random>
#include <string>

#include "check.hpp"

using attolog::Frequencies;

namespace {

// Few texts come often, and many come once or twice.
std::string text_of(std::mt19937_64& random) {
  const auto n = random() % 100;
  return n < 60 ? "often" + std::to_string(n % 5) : "rare" + std::to_string(random() % 100'000);
}

}  // namespace

static const check::Test exact{"counts of few texts are exact, the most frequent first", [] {
                                 Frequencies texts;
                                 for (int i = 0; i < 4096; ++i) {
                                   for (const int n : {i, i / 2})
                                     texts.add("text " + std::to_string(n), 1);
                                 }
                                 texts.add("", 2.5);
                                 check::that(texts.is_exact());
                                 check::equal(texts.distinct(), 4097u);
                                 const auto top = texts.top(3);
                                 check::equal(top.size(), 3u);
                                 check::equal(
                                     top[0].first + "|" + top[1].first + "|" + top[2].first,
                                     std::string("text 0|text 1|text 10"));
                                 check::equal(top[0].second, 3.0);
                                 check::equal(texts.top(100'000).size(), 4097u);
                               }};

static const check::Test frequent{
    "texts that come often are known among very many others", [] {
      std::mt19937_64 random(3);
      Frequencies whole;
      std::vector<Frequencies> parts(4);
      std::map<std::string, double> counts;
      for (std::size_t i = 0; i < 400'000; ++i) {
        const std::string text = text_of(random);
        whole.add(text, 1);
        parts[i % parts.size()].add(text, 1);
        ++counts[text];
      }
      Frequencies merged;
      for (const Frequencies& each : parts) merged.merge(each);
      for (const Frequencies* const each : {&whole, &merged}) {
        check::that(!each->is_exact());
        check::that(each->distinct() <= 2 * Frequencies::kMostValues);
        for (const auto& [text, count] : each->top(5)) {
          check::that(text.starts_with("often"));
          check::that(count <= counts[text]);
          check::that(count >= counts[text] - 400'000.0 / Frequencies::kMostValues);
        }
      }
    }};

static const check::Test merged_exactly{"few texts are merged exactly", [] {
                                          Frequencies first;
                                          Frequencies second;
                                          first.add("a", 1);
                                          first.add("b", 3);
                                          second.add("a", 5);
                                          second.add("c", 1);
                                          first.merge(second);
                                          check::that(first.is_exact());
                                          check::equal(first.distinct(), 3u);
                                          check::equal(first.top(1)[0].first, std::string("a"));
                                          check::equal(first.top(1)[0].second, 6.0);
                                        }};

static const check::Test long_texts{"long texts are cut between two characters", [] {
                                      Frequencies texts;
                                      std::string text(255, 'x');
                                      text += "\xc3\xa9 and more";
                                      texts.add(text, 1);
                                      texts.add(text + "!", 1);
                                      check::that(!texts.is_exact());
                                      check::equal(texts.distinct(), 1u);
                                      check::equal(texts.top(1)[0].first, std::string(255, 'x'));
                                      check::equal(texts.top(1)[0].second, 2.0);
                                    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
