#include "reader/lines.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "check.hpp"
#include "core/codec.hpp"
#include "journal_file.hpp"
#include "reader/line_composer.hpp"

using namespace journal_test;
using attolog::JournalReader;
using attolog::LineStream;
using attolog::Origin;
using attolog::Query;

namespace {

constexpr std::chrono::milliseconds kPatience{10};
const Site request = site(16, "request", {"user", "ms"});
const Site load = site(17, "LOAD", {"n"});

std::vector<std::string> chunks_of(LineStream& stream) {
  std::vector<std::string> chunks;
  for (Buffer lines;;) {
    switch (stream.next(lines, kPatience)) {
      case LineStream::Next::result: chunks.emplace_back(lines.view()); break;
      case LineStream::Next::not_yet: break;
      case LineStream::Next::end: return chunks;
    }
  }
}

std::string joined(const std::vector<std::string>& chunks) {
  std::string all;
  for (const std::string& each : chunks) all += each;
  return all;
}

std::string line_of(const Site& site, const std::vector<Value>& values,
                    Origin origin = Origin::without) {
  attolog::LineComposer composer(origin);
  Buffer out;
  composer.append({{&site, &Journal::main_thread(), 1'700'000'000'123'456'789, values}, 42, 7},
                  out);
  const std::string_view line = out.view();
  check::equal(line.substr(0, 28), std::string_view("2023-11-14T22:13:20.123456Z "));
  return std::string(line.substr(28));
}

// Records of several processes, whose times overlap; some blocks each.
struct Files {
  Files() {
    std::mt19937_64 random(3);
    std::vector<Journal> writers;
    for (std::uint32_t pid = 1; pid <= 3; ++pid) writers.emplace_back(pid);
    for (int n = 0; n < 20'000; ++n) {
      Journal& journal = writers[random() % 3];
      const auto time = static_cast<std::int64_t>(1000 + 10 * n + static_cast<int>(random() % 3));
      if (random() % 2 == 0) {
        journal.add(load, time, {Value::of_int(n)});
      } else {
        journal.add(request, time, {Value::of_str(n % 3 == 0 ? "ann" : "bob"), Value::of_int(n)});
      }
      if (random() % 200 == 0) journal.end_block();
    }
    std::vector<attolog::JournalPath> paths;
    for (Journal& each : writers) paths.push_back({files.emplace_back(each.text()).path()});
    reader = JournalReader::open(paths);
  }

  std::string lines(const Query& query, unsigned threads, std::uint64_t bytes) const {
    LineStream stream(reader, query, Origin::with, threads, bytes);
    return joined(chunks_of(stream));
  }

  std::deque<TemporaryFile> files;
  std::shared_ptr<JournalReader> reader;
};

// The steps of `ms >= 15000`.
std::string large_numbers() {
  Buffer steps;
  for (const std::string_view word : {">=", "name", "ms", "value"}) {
    attolog::encode_str(steps, word);
  }
  attolog::encode_int(steps, 15'000);
  return std::string(steps.view());
}

}  // namespace

static const check::Test layout{
    "a line is time, level and message", [] {
      check::equal(line_of(request, {Value::of_str("ann"), of_float(0.5)}),
                   std::string("EVENT    request user=ann ms=0.5\n"));
      check::equal(line_of(request, {Value::of_str("a b"), Value::of_int(1), none()}),
                   std::string("EVENT    request user=\"a b\" ms=1 v3=None\n"));
      const Site message = site(18, "took {ms}", {"ms", "extra"}, SiteKind::message, 30);
      check::equal(line_of(message, {Value::of_int(7), Value::of_int(8)}),
                   std::string("WARNING  took 7\n"));
      const Site print = site(2, "", {}, SiteKind::print);
      check::equal(line_of(print, {Value::of_str("a\n\n")}), std::string("PRINT    a\\n\n"));
      const Site text = site(1, "", {}, SiteKind::text);
      check::equal(line_of(text, {Value::of_str("\xe2\x80\xae\xff")}),
                   std::string("LOG      \\u202e\\\\xff\n"));
    }};

static const check::Test origins{
    "a line ends with the place of its call, as far as it is known", [] {
      Site place = site(16, "request", {});
      check::equal(line_of(place, {}, Origin::with),
                   std::string("EVENT    request  [MainThread, pid 42, run 0000000000000007]\n"));
      place.file = "app.py";
      place.line = 12;
      place.function = "main\n";
      check::equal(line_of(place, {}, Origin::with),
                   std::string("EVENT    request  [app.py:12 in main\\n, MainThread, pid 42, run "
                               "0000000000000007]\n"));
    }};

static const check::Test repeated{
    "of two values of one name the last one is shown in the place of the first", [] {
      const Site twice = site(16, "request", {"a", "b", "a", "v6"});
      std::vector<Value> values;
      for (int i = 1; i <= 6; ++i) values.push_back(Value::of_int(i));
      check::equal(line_of(twice, values), std::string("EVENT    request a=3 b=2 v6=6 v5=5\n"));
      const Site weighed = sampled(site(17, "request", {"a"}), "every:10");
      check::equal(line_of(weighed, {Value::of_int(1), of_float(10)}),
                   std::string("EVENT    request a=1 weight=10.0\n"));
    }};

static const check::Test in_parallel{
    "several threads make the lines of one, in its order", [] {
      const Files files;
      for (const std::string& where : {std::string(), large_numbers()}) {
        Query query;
        query.where = where;
        const std::string one = files.lines(query, 1, UINT64_MAX);
        check::that(one.size() > 100'000);
        for (const std::uint64_t bytes : {1U, 1000U, 20'000U}) {
          check::that(files.lines(query, 4, bytes) == one);
        }
        query.last = 10'000;
        const std::string last = files.lines(query, 4, 1);
        check::that(one.ends_with(last) && last.size() > one.size() / 4);
      }
    }};

static const check::Test chunks{
    "lines come some at a time, each of them whole", [] {
      const Files files;
      LineStream stream(files.reader, {}, Origin::with, 2);
      const auto found = chunks_of(stream);
      check::that(found.size() > 5);
      for (const std::string& each : found) {
        check::that(each.ends_with('\n') && each.size() < 2 * attolog::kLinesBytes);
      }
    }};

static const check::Test given_up{"lines that are given up end their threads", [] {
                                    const Files files;
                                    for (int taken = 0; taken < 4; ++taken) {
                                      LineStream stream(files.reader, {}, Origin::without, 3, 100);
                                      Buffer lines;
                                      for (int i = 0; i < taken;)
                                        i += stream.next(lines, kPatience) ==
                                             LineStream::Next::result;
                                    }
                                  }};

static const check::Test refused{"steps that are no expression are refused before a thread begins",
                                 [] {
                                   const Files files;
                                   Query query;
                                   query.where = "nonsense";
                                   bool is_refused = false;
                                   try {
                                     LineStream stream(files.reader, query, Origin::without);
                                   } catch (const std::invalid_argument&) {
                                     is_refused = true;
                                   }
                                   check::that(is_refused);
                                 }};

static const check::Test changed{
    "a block that was damaged since is left out and named", [] {
      Journal journal;
      for (int i = 0; i < 10; ++i) {
        journal.add(load, 10 * i, {Value::of_int(i)});
        journal.end_block();
      }
      std::string bytes = journal.text();
      const TemporaryFile file(bytes);
      const auto reader = JournalReader::open({{file.path()}});
      char& within = bytes[bytes.find(attolog::kBlockMagic, bytes.size() / 2) + 70];
      within = static_cast<char>(within ^ 1);
      file.write(bytes);
      LineStream stream(reader, {}, Origin::without, 2, 1);
      const std::string left = joined(chunks_of(stream));
      check::equal(std::ranges::count(left, '\n'), 9);
      check::equal(reader->problems().size(), 1u);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
