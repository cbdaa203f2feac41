#include "strategies/aggregator.hpp"

#include <cmath>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "aggregating.hpp"
#include "check.hpp"

using namespace aggregating;

namespace {

std::string saved(const Aggregator& aggregator) {
  Buffer out;
  aggregator.save(out);
  return std::string(out.view());
}

const check::Test alignment{"windows are multiples of their length since 1970, before it too", [] {
                              Draining draining;
                              const Site& site = draining.site(site_of("A", {}, "stats:500ms"));
                              const std::vector<std::pair<std::int64_t, std::int64_t>> expected{
                                  {-1000, -500}, {-501, -500}, {-500, 0},  {-1, 0},
                                  {0, 500},      {499, 500},   {500, 1000}};
                              for (const auto& [ms, end] : expected) {
                                draining.log(site, ms * kMs, {});
                                expect(draining.close(kMax, {"time", "count", "window", "rate"}),
                                       {std::to_string(end) + " 1 0.5 2.0"});
                              }
                            }};

const check::Test late{
    "a late record opens its window again; its row adds up with the earlier one", [] {
      Draining draining(0, true);
      const Site& site = draining.site(site_of("A", {"x"}));
      for (int i = 1; i <= 4; ++i) draining.log(site, 100 * kMs, {of(i)});
      draining.log(site, 1100 * kMs, {of(7)});
      const std::string first = draining.rows().rows.at(1).sketch;
      const std::vector<std::string> columns{"time", "field", "count", "rate", "sum"};
      expect(draining.take(columns), {"1000 - 4 4.0 -", "1000 x 4 4.0 10"});
      draining.log(site, 200 * kMs, {of(100)});
      draining.log(site, 1200 * kMs, {of(8)});
      const std::string second = draining.rows().rows.at(1).sketch;
      expect(draining.take(columns), {"1000 - 1 1.0 -", "1000 x 1 1.0 100"});
      expect(draining.close(kMax, columns), {"2000 - 2 2.0 -", "2000 x 2 2.0 15"});
      Sketch whole;
      for (const int x : {1, 2, 3, 4, 100}) whole.add(x);
      Sketch both;
      Sketch other;
      std::string_view left(first);
      std::string_view right(second);
      check::that(Sketch::load(left, both) && Sketch::load(right, other));
      both.merge(other);
      check::equal(both.scale(), whole.scale());
      check::equal(both.quantile(0.5), whole.quantile(0.5));
      check::equal(both.sum(), whole.sum());
    }};

const check::Test clocks{"real and stamped windows are closed by their own records only", [] {
                           Draining draining;
                           const Site& site = draining.site(site_of("A", {}));
                           const std::vector<std::string> columns{"time", "count"};
                           draining.log(site, 100 * kSecond, {});
                           draining.log(site, 1 * kSecond, {}, true);
                           draining.log(site, 1 * kSecond, {}, true);
                           draining.log(site, 5 * kSecond, {}, true);
                           expect(draining.take(columns), {"2000 2"});
                           draining.log(site, 101 * kSecond, {});
                           expect(draining.take(columns), {"101000 1"});
                           draining->close_real(101'500 * kMs, draining.rows().emit());
                           expect(draining.take(columns), {"101500 1"});
                           // Nobody knows what time it is in the program: what is open is taken as
                           // over.
                           draining->close_all(5'500 * kMs, draining.rows().emit());
                           expect(draining.take({"time", "count", "rate"}), {"6000 1 1.0"});
                         }};

const check::Test parts{
    "a window that ends early has the rate of its part, since the start at the most", [] {
      const std::vector<std::string> columns{"time", "count", "rate", "window"};
      Draining draining(10'250 * kMs);
      const Site& site = draining.site(site_of("A", {}));
      for (int i = 0; i < 3; ++i) draining.log(site, 10'400 * kMs, {});
      draining->snapshot(10'500 * kMs, draining.rows().emit());
      expect(draining.take(columns), {"10500 3 12.0 1.0"});
      draining.log(site, 11'100 * kMs, {});
      expect(draining.take(columns), {"11000 3 4.0 1.0"});
      draining->snapshot(11'250 * kMs, draining.rows().emit());
      expect(draining.take(columns), {"11250 1 4.0 1.0"});
      // A clock that stands before all that was counted says nothing of how long that took.
      draining->snapshot(9'000 * kMs, draining.rows().emit());
      expect(draining.take(columns), {"12000 1 1.0 1.0"});
      expect(draining.close(11'500 * kMs, columns), {"11500 1 2.0 1.0"});
      check::that(draining->empty());
    }};

const check::Test steps{"when the clock steps back, its windows end at once and begin anew", [] {
                          Draining draining;
                          const Site& site = draining.site(site_of("A", {}));
                          const std::vector<std::string> columns{"time", "count", "rate"};
                          draining.log(site, 7'100 * kMs, {});
                          draining->close_real(7'500 * kMs, draining.rows().emit());
                          expect(draining.take(columns), {"7500 1 2.0"});
                          draining.log(site, 3'200 * kMs, {});
                          draining.log(site, 7'100 * kMs, {});
                          expect(draining.take(columns), {"4000 1 1.0"});
                          expect(draining.close(kMax, columns), {"8000 1 1.0"});
                        }};

const check::Test extremes{
    "times at the ends of what 64 bits hold are counted", [] {
      for (const char* policy : {"stats:1s", "stats:1e-6s", "stats:1000000000s"}) {
        Draining draining;
        const Site& site = draining.site(site_of("A", {}, policy));
        double count = 0;
        for (const std::int64_t time : {kMin, kMin + 1, kMax, kMin, kMax - 1, kMax}) {
          draining.log(site, time, {}, true);
        }
        for (const std::string& line : draining.close(0, {"count"})) count += std::stod(line);
        check::equal(count, 6.0);
      }
    }};

const check::Test bounded{
    "where time runs backwards, open windows are bounded, and nothing is lost", [] {
      Draining draining;
      const Site& site = draining.site(site_of("A", {"x"}));
      const std::size_t records = 2 * Aggregator::kMaxCells;
      std::size_t counted = 0;
      for (std::size_t i = 0; i < records; ++i) {
        draining.log(site, -static_cast<std::int64_t>(i) * kSecond, {of(1)}, true);
        for (const std::string& line : draining.take({"field"})) counted += line == "-" ? 1 : 0;
      }
      check::that(counted >= records - Aggregator::kMaxCells);
      for (const std::string& line : draining.close(0, {"field"})) counted += line == "-" ? 1 : 0;
      check::equal(counted, records);
      // One clock that fills it does not close the other's windows at every record.
      for (std::size_t i = 0; i <= Aggregator::kMaxCells / 2; ++i) {
        draining.log(site, -static_cast<std::int64_t>(i) * kSecond, {of(1)});
      }
      for (int i = 0; i < 3; ++i) draining.log(site, kSecond, {of(1)}, true);
      for (const std::string& line : draining.take({"time"})) check::that(line != "2000");
    }};

// A stream of all sorts: sites with and without groups and weights, of two events and lengths, and
// times of both clocks that run on, stand still, and step back.
class Stream {
 public:
  explicit Stream(std::uint64_t seed) : random_(seed) {
    sites_ = {site_of("A", {"k", "x"}, "stats:1s@k"), site_of("A", {"x", "k"}, "stats:1s@k"),
              weighted(site_of("B", {"x"}, "stats:0.3s")), site_of("B", {"x"}, "stats:2s"),
              site_of("", {}, "stats:1s@k", SiteKind::inline_event)};
  }

  struct Step {
    const Site* site;
    std::int64_t time_ns;
    bool is_stamped;
    Values values;
    double weight;
  };
  Step next() {
    const std::size_t which = random_() % sites_.size();
    const bool is_stamped = random_() % 3 == 0;
    std::int64_t& now = now_[is_stamped ? 1 : 0];
    now += static_cast<std::int64_t>(random_() % 300) * kMs;
    if (random_() % 20 == 0) now -= static_cast<std::int64_t>(random_() % 5000) * kMs;
    const Value k = random_() % 2 == 0 ? of(static_cast<int>(random_() % 3)) : of("text");
    const Value x = random_() % 2 == 0 ? of(static_cast<int>(random_() % 100))
                                       : of(static_cast<double>(random_() % 100) / 8);
    const int weight = static_cast<int>(random_() % 5) + 1;
    switch (which) {
      case 0: return {&sites_[which], now, is_stamped, {k, x}, 1};
      case 1: return {&sites_[which], now, is_stamped, {x, k}, 1};
      case 2: return {&sites_[which], now, is_stamped, {x, of(weight * 1.0)}, weight * 1.0};
      case 3: return {&sites_[which], now, is_stamped, {x}, 1};
      default: return {&sites_[which], now, is_stamped, {of("A"), of("x"), x, of("k"), k}, 1};
    }
  }
  std::int64_t now() const { return now_[0]; }

 private:
  std::mt19937_64 random_;
  std::deque<Site> sites_;
  std::int64_t now_[2] = {kSecond, -kSecond};
};

double number_in(const std::string& text) {
  return text == "-" ? 0 : std::stod(text);
}

const check::Test model{
    "all rows of a window together are all its records, whatever their times", [] {
      for (std::uint64_t seed = 0; seed < 50; ++seed) {
        Stream stream(seed);
        Draining draining;
        using Key = std::tuple<std::string, std::string, std::string, std::string>;
        std::map<Key, std::pair<double, double>> expected;  // count and sum
        for (int i = 0; i < 500; ++i) {
          const Stream::Step step = stream.next();
          const bool is_inline = step.site->kind == SiteKind::inline_event;
          const std::string event = is_inline ? "A" : step.site->name;
          std::string k = "no such column";
          Value x = step.values[0];
          if (event == "A") {
            const bool has_k_first = step.site->fields.size() == 2 && step.site->fields[0] == "k";
            Buffer text;
            write_plain(text, is_inline ? step.values[4] : step.values[has_k_first ? 0 : 1]);
            k = text.view();
            x = is_inline ? step.values[2] : step.values[has_k_first ? 1 : 0];
          }
          const std::string& policy = step.site->policy;
          const std::string window = policy.starts_with("stats:1s")   ? "1.0"
                                     : policy.starts_with("stats:2s") ? "2.0"
                                                                      : "0.3";
          const auto length = static_cast<std::int64_t>(std::stod(window) * 10) * 100 * kMs;
          const auto start = static_cast<std::int64_t>(
              std::floor(static_cast<double>(step.time_ns) / static_cast<double>(length)));
          const std::string time = std::to_string((start + 1) * length / kMs);
          const double value = x.tag == Tag::int64 ? static_cast<double>(x.i) : x.f;
          auto& of_group = expected[{time + "/" + window, event, k, "-"}];
          of_group.first += step.weight;
          auto& of_field = expected[{time + "/" + window, event, k, "x"}];
          of_field.first += step.weight;
          of_field.second += step.weight * value;
          draining.log(*step.site, step.time_ns, step.values, step.is_stamped);
          if (i % 100 == 99) draining->close_all(kMax, draining.rows().emit());
        }
        draining->close_all(kMax, draining.rows().emit());
        std::map<Key, std::pair<double, double>> actual;
        for (const Row& row : draining.rows().rows) {
          const std::string time = std::to_string(row.time_ns / kMs) + "/" + row["window"];
          auto& figures = actual[{time, row["of"], row["k"], row["field"]}];
          figures.first += number_in(row["count"]);
          figures.second += number_in(row["sum"]);
          check::that(std::abs(number_in(row["rate"]) * number_in(row["window"]) -
                               number_in(row["count"])) < 1e-9);
        }
        check::equal(draining->aggregated(), 500u);
        check::that(actual == expected);
      }
    }};

const check::Test resumed{
    "an aggregator that loads what another saved, at any record, goes on as that one would", [] {
      Draining whole(500 * kMs, true);
      Stream whole_stream(77);
      Draining resumed(500 * kMs, true);
      Stream stream(77);
      for (int i = 0; i < 400; ++i) {
        const Stream::Step step = whole_stream.next();
        whole.log(*step.site, step.time_ns, step.values, step.is_stamped);
        const Stream::Step same = stream.next();
        resumed.log(*same.site, same.time_ns, same.values, same.is_stamped);
        const std::string bytes = saved(*whole);
        check::that(saved(*resumed) == bytes);
        Draining fresh(0, true);
        check::that(fresh->load(bytes));
        check::that(saved(*fresh) == bytes);
        check::equal(fresh->aggregated(), static_cast<std::uint64_t>(i + 1));
        Rows expected;
        Rows actual;
        whole->snapshot(whole_stream.now(), expected.emit());
        fresh->snapshot(whole_stream.now(), actual.emit());
        expect(actual.take_all(), expected.take_all());
        // It is loaded in place of a state with other windows, which the sites' plans knew.
        resumed.log(*same.site, same.time_ns + 10 * kSecond, same.values, same.is_stamped);
        resumed.rows().rows.resize(whole.rows().rows.size());
        check::that(resumed->load(bytes));
      }
      whole->close_all(whole_stream.now(), whole.rows().emit());
      resumed->close_all(whole_stream.now(), resumed.rows().emit());
      expect(resumed.rows().take_all(), whole.rows().take_all());
    }};

const check::Test small{
    "what is saved of a group with one field is small", [] {
      Draining draining;
      const Site& site = draining.site(site_of("GEN", {"model", "ms"}, "stats:1s@model"));
      std::mt19937_64 random(1);
      for (int group = 0; group < 100; ++group) {
        for (int i = 0; i < 100; ++i) {
          draining.log(site, 0, {of(group), of(std::lognormal_distribution(3.0, 0.3)(random))});
        }
      }
      check::that(saved(*draining).size() < 100 * 220);
      check::that(saved(Aggregator(0)).size() < 10);
    }};

const check::Test damage{
    "damaged bytes are refused and change nothing, or load as some state that works", [] {
      Draining draining(0, true);
      Stream stream(5);
      for (int i = 0; i < 60; ++i) {
        const Stream::Step step = stream.next();
        draining.log(*step.site, step.time_ns, step.values, step.is_stamped);
      }
      const std::string whole = saved(*draining);
      for (std::size_t size = 0; size < whole.size(); ++size) {
        check::that(!draining->load({whole.data(), size}));
      }
      check::that(!draining->load(whole + "x"));
      check::that(saved(*draining) == whole);
      std::mt19937_64 random(6);
      int loaded = 0;
      for (int round = 0; round < 5'000; ++round) {
        std::string bytes = whole;
        for (std::uint64_t i = 0; i <= random() % 3; ++i) {
          bytes[random() % (round % 2 == 0 ? 40 : bytes.size())] = static_cast<char>(random());
        }
        Draining damaged(0, true);
        if (!damaged->load(bytes)) continue;
        ++loaded;
        const Stream::Step step = stream.next();
        damaged.log(*step.site, step.time_ns, step.values, step.is_stamped);
        check::that(!damaged.close(stream.now(), {"of"}).empty());
      }
      check::that(loaded > 0);
    }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
