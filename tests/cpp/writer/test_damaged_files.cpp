// A mapped file of a dead process may hold anything (row F5 of tests/reliability/README.md).
#include <sys/stat.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"
#include "dead_process.hpp"
#include "policies.hpp"
#include "shm/circular_buffer.hpp"
#include "shm/ring.hpp"
#include "shm/session.hpp"
#include "writer/recovery.hpp"

using namespace attolog;
using dead::kCommitted;
using dead::kWaiting;

namespace {

constexpr std::uint64_t kSteps = kCommitted + kWaiting;

Recovery recover_files(const dead::Process& process) {
  return recover(process.disk().folder(), process.disk().path());
}

// Recovers what is left with one value changed. That it is damaged costs these records, of all.
template <class T>
void expect_loss(const dead::Process& process, std::string_view suffix, std::size_t offset, T value,
                 std::size_t lost,
                 const std::source_location& where = std::source_location::current()) {
  process.restore_with(suffix, offset, value);
  check::equal(recover_files(process).sessions, 1u, where);
  check::equal(process.disk().rows("WRITTEN").size(), kSteps - lost, where);
  check::equal(process.disk().rows("DROPPED").size(), lost == 0 ? 0u : 1u, where);
  check::equal(list_files(process.disk().folder(), kSessionSuffix).size(), 0u, where);
}

// Tries each byte of the file's parts with each of the values, and the recovery of what is left.
void try_bytes(const dead::Process& process, std::string_view suffix,
               const std::vector<std::pair<std::size_t, std::size_t>>& parts) {
  const std::string& name = process.name(suffix);
  std::vector<std::pair<std::size_t, char>> tries;
  for (const auto& [from, to] : parts) {
    for (std::size_t at = from; at < to; ++at) {
      const char before = process.files().at(name).at(at);
      for (const char value : {static_cast<char>(before ^ 0x80), static_cast<char>(~before),
                               static_cast<char>(before ^ 1)}) {
        tries.emplace_back(at, value);
      }
    }
  }
  const std::uint64_t end = dead::survive(0, tries.size(), [&](std::uint64_t i) {
    process.restore_with(suffix, tries[i].first, tries[i].second);
    recover_files(process);
    if (!process.is_alone()) std::abort();
  });
  if (end != tries.size()) std::cerr << suffix << ": byte " << tries[end].first << "\n";
  check::equal(end, tries.size());
}

}  // namespace

static const check::Test none{"without damage all is recovered", [] {
                                const dead::Process process;
                                process.restore();
                                check::equal(recover_files(process).messages.size(), 0u);
                                process.disk().expect(kSteps);
                              }};

static const check::Test slot{
    "F5: which thread a ring names is one of two, whatever its header says", [] {
      const dead::Process process;
      for (const std::uint32_t slot : {2u, 3u, 0x80000001u, 0xffffffffu}) {
        expect_loss(process, ".ring", offsetof(RingHeader, thread), slot, 0);
        expect_loss(process, ".ring", offsetof(RingHeader, pending_thread), slot, 0);
      }
    }};

static const check::Test names{"F5: a thread's name ends where its place does", [] {
                                 const dead::Process process;
                                 std::string bytes = process.files().at(process.name(".ring"));
                                 std::memset(bytes.data() + offsetof(RingHeader, threads), 'x',
                                             2 * sizeof(RingThread));
                                 process.restore(process.name(".ring"), bytes);
                                 recover_files(process);
                                 process.disk().expect(kSteps);
                               }};

static const check::Test ends{
    "F5: ends of a ring between which no records can lie cost its records, which are counted", [] {
      const dead::Process process;
      const std::string& bytes = process.files().at(process.name(".ring"));
      std::uint64_t tail = 0;
      std::uint64_t head = 0;
      std::memcpy(&tail, bytes.data() + offsetof(RingHeader, pending_tail), sizeof tail);
      std::memcpy(&head, bytes.data() + offsetof(RingHeader, head), sizeof head);
      for (const std::uint64_t bad : {head + 8, tail + 1, tail + 4, std::uint64_t{0} - 8}) {
        process.restore_with(".ring", offsetof(RingHeader, pending_tail), bad);
        check::equal(recover_files(process).sessions, 1u);
        check::equal(process.disk().rows("WRITTEN").size(), std::size_t{kCommitted});
        check::equal(process.disk().rows("DROPPED").size(), 1u);
      }
      for (const std::uint64_t bad : {tail - 8, head + 1, head + kMinRing, ~std::uint64_t{7}}) {
        expect_loss(process, ".ring", offsetof(RingHeader, head), bad, kWaiting);
      }
    }};

static const check::Test spilled{
    "F5: a record that claims a spill file of 2^60 bytes is dropped, and takes no memory", [] {
      const dead::Process process;
      const std::string& bytes = process.files().at(process.name(".ring"));
      const RecordHead head{sizeof(RecordHead) + 16, policies::kWritten | kSpilled,
                            (kSteps)*policies::kStep};
      const std::size_t at =
          bytes.find(std::string_view(reinterpret_cast<const char*>(&head), sizeof head));
      check::that(at != std::string::npos);
      for (const std::uint64_t size :
           {std::uint64_t{1} << 60, std::uint64_t{1} << 33, std::uint64_t{1} << 20}) {
        expect_loss(process, ".ring", at + sizeof head + 8, size, 1);
      }
      // A file that is as large as it claims to be, and empty.
      process.restore_with(".ring", at + sizeof head + 8, std::uint64_t{1} << 40);
      std::filesystem::resize_file(process.path(".spill"), std::uint64_t{1} << 40);
      check::equal(recover_files(process).sessions, 1u);
      check::equal(process.disk().rows("WRITTEN").size(), std::size_t{kSteps - 1});
    }};

static const check::Test clock_rates{
    "F5: a clock that makes no sense costs times, and no records", [] {
      const dead::Process process;
      constexpr std::size_t kAt = offsetof(SessionHeader, clock);
      for (const double rate :
           {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 0.0,
            -1.0, 1e300, 5e-324}) {
        expect_loss(process, ".session",
                    kAt + offsetof(ClockHistory, segments) + offsetof(ClockSegment, ns_per_tick),
                    rate, 0);
      }
      for (const std::int64_t ns : {INT64_MAX, INT64_MIN}) {
        expect_loss(process, ".session",
                    kAt + offsetof(ClockHistory, segments) + offsetof(ClockSegment, ns), ns, 0);
      }
      for (const std::uint64_t n : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
        expect_loss(process, ".session", kAt + offsetof(ClockHistory, count), n, 0);
      }
    }};

static const check::Test sites{
    "F5: a site that claims 2^32 fields is none, and takes no memory", [] {
      std::string bytes(4, '\x10');
      bytes += std::string("\1\0\0\0\0\0", 6) + std::string(4, '\0') + std::string(4, '\xff');
      bytes += std::string(4096, '\0');
      std::string_view left = bytes;
      check::that(!decode_site(left).has_value());
      // Nor is one of a kind that there is not.
      Site site;
      site.id = kFirstSite;
      site.kind = static_cast<SiteKind>(0x81);
      Buffer encoded;
      encode_site(encoded, site);
      site.id = kFirstSite + 1;
      site.kind = SiteKind::message;
      encode_site(encoded, site);
      SiteReader reader;
      reader.read(encoded.view());
      check::that(reader.find(kFirstSite) == nullptr);
      check::that(reader.find(kFirstSite + 1) != nullptr);
    }};

static const check::Test batches{
    "F5: no batch has a number that wraps", [] {
      const dead::Process process;
      process.restore_with(".session", offsetof(SessionHeader, committed_batch), ~std::uint64_t{0});
      check::equal(recover_files(process).sessions, 1u);
      check::that(process.disk().rows("WRITTEN").size() >= kSteps);
    }};

static const check::Test boxes{
    "F5: a box whose ends make no sense costs what it held, and no more", [] {
      const dead::Process process;
      process.restore_with(".box", offsetof(RingHeader, head), std::uint64_t{1} << 40);
      check::equal(recover_files(process).sessions, 1u);
      check::equal(process.disk().rows("WRITTEN").size(), std::size_t{kSteps});
      check::equal(process.disk().rows("KEPT").size(), 10u);  // they waited in the ring
      check::equal(process.disk().rows("DROPPED").size(), 1u);
    }};

static const check::Test box_counts{
    "F5: the counts of a box are those of all its records, however damaged", [] {
      const temp::Folder folder;
      const CircularBuffer box = CircularBuffer::create(folder / "a.box", kMinRing, 10);
      auto& header = *reinterpret_cast<CircularBufferHeader*>(
          reinterpret_cast<char*>(&box.ring().header()) + CircularBufferHeader::kOffset);
      header.appended.next = header.appended.now = 100;
      for (std::atomic<std::uint64_t>* each :
           {&header.overwritten.next, &header.skipped.next, &header.unsaved}) {
        for (const std::uint64_t bad : {std::uint64_t{101}, ~std::uint64_t{0}}) {
          const std::uint64_t before = each->exchange(bad);
          const CircularBuffer::Totals counts = box.counts();
          check::equal(counts.unsaved + counts.overwritten + counts.saved, 100u);
          each->store(before);
        }
      }
    }};

static const check::Test fifos{
    "F5: a FIFO in the place of a file is not waited for", [] {
      const dead::Process process;
      const std::uint64_t n = process.files().size();
      const std::uint64_t end = dead::survive(0, n, [&](std::uint64_t i) {
        process.restore();
        const auto name = std::next(process.files().begin(), static_cast<std::ptrdiff_t>(i))->first;
        if (name.ends_with(kLedgerSuffix)) return;  // opened for writing, too
        std::filesystem::remove(process.disk().folder() + "/" + name);
        if (::mkfifo((process.disk().folder() + "/" + name).c_str(), 0600) != 0) std::abort();
        inspect(process.disk().folder(), process.disk().path());
        recover_files(process);
      });
      check::equal(end, n);
    }};

static const check::Test every_ring_byte{
    "F5: any byte of a ring's header can be damaged, and the file is recovered",
    [] { try_bytes(dead::Process(), ".ring", {{0, sizeof(RingHeader)}}); }};

static const check::Test every_box_byte{
    "F5: any byte of a box's header can be damaged, and the file is recovered", [] {
      try_bytes(dead::Process(), ".box",
                {{0, sizeof(RingHeader)},
                 {CircularBufferHeader::kOffset,
                  CircularBufferHeader::kOffset + sizeof(CircularBufferHeader)}});
    }};

static const check::Test every_session_byte{
    "F5: any byte of a session's header and sites can be damaged, and the file is recovered", [] {
      try_bytes(dead::Process(), ".session",
                {{0, offsetof(SessionHeader, clock) + 2 * sizeof(ClockSegment)},
                 {offsetof(SessionHeader, path), offsetof(SessionHeader, path) + 20},
                 {Session::kHeader, Session::kHeader + 200}});
    }};

static const check::Test every_checkpoint_byte{
    "F5: any byte of a checkpoint or ledger can be damaged, and the file is recovered", [] {
      const dead::Process process;
      for (const char* suffix : {".stats.a", ".stats.b"}) {
        try_bytes(process, suffix, {{0, process.files().at(process.name(suffix)).size()}});
      }
      try_bytes(process, ".ledger", {{0, 128}});
    }};

int main(int argc, char** argv) {
  // Thousands of files are made anew: in memory, where there is a file system of that kind.
  if (std::filesystem::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 0);
  return check::run(argc, argv);
}
