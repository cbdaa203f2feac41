#include "journal/summary.hpp"

#include <cstring>
#include <random>

#include "check.hpp"
#include "core/checksum.hpp"
#include "core/varint.hpp"
#include "journal/value_kinds.hpp"
#include "journal_file.hpp"

using namespace journal_test;
using attolog::BlockDecoder;
using attolog::BlockHeader;
using attolog::BlockSummary;
using attolog::Definitions;
using attolog::FormatError;
using attolog::kBlockHeaderSize;
using attolog::kSummaryTrailer;
using attolog::SiteSummary;

namespace holds = attolog::holds;

namespace {

struct Block {
  explicit Block(const std::string& text)
      : header(BlockHeader::read(text.data()).value()),
        payload(text.substr(kBlockHeaderSize, header.payload_size)) {
    attolog::apply_mask(payload.data(), payload.size(), header.mask);
  }
  BlockSummary summary() { return BlockSummary::read(header, payload, definitions); }

  BlockHeader header;
  std::string payload;
  Definitions definitions;
};

// The summary with its checksum put right.
void repair(std::string& payload) {
  const std::size_t size = attolog::summary_size(payload.data() + payload.size() - kSummaryTrailer);
  const std::string_view bytes(payload.data() + payload.size() - size, size - kSummaryTrailer);
  const std::uint32_t checksum = attolog::crc32c(bytes);
  std::memcpy(payload.data() + payload.size() - 4, &checksum, sizeof checksum);
}

template <class Body>
bool is_refused(const Body& body) {
  try {
    body();
  } catch (const FormatError&) {
    return true;
  }
  return false;
}

void decode(Block& block) {
  BlockDecoder decoder(block.header, block.payload, block.definitions);
  while (decoder.next() != nullptr) {
  }
}

}  // namespace

static const check::Test counts{
    "a summary has the records, times, kinds and values of each site", [] {
      const Site gen = sampled(site(16, "GEN", {"model", "n"}), "every:2");
      const Site load = site(17, "LOAD", {"ms"});
      Journal journal;
      journal.add(gen, 50, {Value::of_str("A"), Value::of_int(1), of_float(2)});
      journal.add(load, 40, {of_float(1.5)});
      journal.add(gen, 60, {none(), of(Tag::uint8, 3), of_float(2)});
      journal.add(gen, 70, {Value::of_str("B"), Value::of_int(std::int64_t{1} << 60)});
      journal.add(load, 45, {none(), of_nested("[1]", "[1]")});
      Block block(journal.text());
      const BlockSummary summary = block.summary();
      check::that(!summary.is_sorted);
      check::equal(summary.sites.size(), 2u);
      const SiteSummary& first = summary.sites.at(0);
      check::equal(first.site->name, std::string("GEN"));
      check::equal(first.records, 3u);
      check::equal(first.first_ns, 50);
      check::equal(first.last_ns, 70);
      check::equal(first.weights, 2u);
      check::equal(first.columns.size(), 2u);
      check::equal(first.columns[0].kinds, holds::bit(Tag::str) | holds::bit(Tag::none));
      check::equal(first.columns[0].values, 2u);
      check::equal(first.columns[1].kinds,
                   holds::bit(Tag::int64) | holds::bit(Tag::uint8) | holds::kInexactInt);
      check::equal(first.columns[1].values, 3u);
      const SiteSummary& second = summary.sites.at(1);
      check::equal(second.records, 2u);
      check::equal(second.first_ns, 40);
      check::equal(second.last_ns, 45);
      check::equal(second.columns.size(), 2u);
      check::equal(second.columns[0].values, 1u);
      check::equal(second.columns[1].kinds, holds::kList);
    }};

static const check::Test any_records{
    "a summary is that of the records, whatever they are", [] {
      std::mt19937_64 random(4);
      std::deque<Site> sites;
      for (std::uint32_t i = 0; i < 40; ++i) {
        const Site plain = site(16 + i, "S" + std::to_string(i), {"a"});
        sites.push_back(i % 3 == 0 ? sampled(plain, "every:2") : plain);
      }
      Journal journal;
      for (int i = 0; i < 5000; ++i) {
        std::vector<Value> values;
        for (std::uint64_t n = random() % 6; n-- > 0;) {
          switch (random() % 4) {
            case 0: values.push_back(none()); break;
            case 1: values.push_back(of_float(1.5)); break;
            case 2: values.push_back(of(Tag::uint64, static_cast<std::int64_t>(random()))); break;
            default: values.push_back(of_nested("{}", "{}"));
          }
        }
        journal.add(sites[random() % 40], static_cast<std::int64_t>(random() % 9000), values);
      }
      Block block(journal.text());
      const BlockSummary summary = block.summary();
      std::vector<SiteSummary> counted(summary.sites.size());
      for (std::size_t i = 0; i < counted.size(); ++i) counted[i].reset(*summary.sites[i].site);
      BlockDecoder decoder(block.header, block.payload, block.definitions);
      while (const Record* const record = decoder.next()) {
        for (SiteSummary& each : counted) {
          if (each.site == record->site) each.add(*record);
        }
      }
      check::equal(summary.sites.size(), 40u);
      check::that(counted == summary.sites);
    }};

static const check::Test site_gone{
    "a site may be gone before its block ends", [] {
      Journal journal;
      {
        const auto gone = std::make_unique<Site>(  // and its memory is another's
            sampled(site(16, std::string(100, 'G'), {std::string(50, 'm')}), "every:2"));
        journal.add(*gone, 1, {Value::of_int(1), of_float(2)});
        gone->name.assign(100, '?');
      }
      Block block(journal.text());
      const BlockSummary summary = block.summary();
      check::equal(summary.sites.at(0).site->name, std::string(100, 'G'));
      check::equal(summary.sites.at(0).weights, 1u);
    }};

static const check::Test end_alone{
    "a summary is read from the end of a payload alone", [] {
      const Site gen = site(16, "GEN", {"n"});
      Journal journal;
      for (int i = 0; i < 1000; ++i) journal.add(gen, i, {Value::of_int(i * i)});
      Block block(journal.text());
      const std::size_t size =
          attolog::summary_size(block.payload.data() + block.payload.size() - kSummaryTrailer);
      check::that(size < 60);
      const std::string end = block.payload.substr(block.payload.size() - size);
      const BlockSummary summary = BlockSummary::read(block.header, end, block.definitions);
      check::equal(summary.sites.at(0).records, 1000u);
      check::that(summary.is_sorted);
    }};

static const check::Test damaged{
    "a summary that is cut or changed is refused, and nothing beyond it is read", [] {
      const Site gen = sampled(site(16, "GEN", {"n"}), "every:2");
      const Site load = site(17, "LOAD", {"ms"});
      Journal journal;
      for (int i = 0; i < 3; ++i) {
        journal.add(gen, 10 + i, {Value::of_int(i), of_float(2)});
        journal.add(load, 10 + i, {Value::of_int(i)});
      }
      const Block good(journal.text());
      const std::size_t size = attolog::summary_size(good.payload.data() + good.payload.size() - 8);
      for (std::size_t at = good.payload.size() - size; at < good.payload.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
          Block block(journal.text());
          block.payload[at] = static_cast<char>(block.payload[at] ^ (1 << bit));
          check::that(is_refused([&] { block.summary(); }));
          // With its checksum put right it may be a summary, but of other records.
          if (at >= good.payload.size() - kSummaryTrailer) continue;
          repair(block.payload);
          try {
            check::equal(block.summary().sites.size(), 2u);
          } catch (const FormatError&) {
            continue;
          }
          is_refused([&] { decode(block); });
        }
      }
      for (std::size_t cut = 1; cut <= good.payload.size(); ++cut) {
        Block block(journal.text());
        block.payload = good.payload.substr(0, good.payload.size() - cut);
        check::that(is_refused([&] { block.summary(); }));
      }
    }};

static const check::Test contradicted{
    "records that are not those of their summary are refused", [] {
      const Site gen = site(16, "GEN", {"n"});
      const Site load = site(17, "LOAD", {"n"});
      const auto journal_of = [&](const std::vector<std::pair<const Site*, int>>& records) {
        Journal journal;
        for (const auto& [where, time] : records) journal.add(*where, time, {Value::of_int(1)});
        return journal.text();
      };
      const Block said(journal_of({{&gen, 1}, {&load, 2}, {&load, 3}}));
      const std::size_t size = attolog::summary_size(said.payload.data() + said.payload.size() - 8);
      const std::string summary = said.payload.substr(said.payload.size() - size);
      for (const auto& records :
           std::vector<std::vector<std::pair<const Site*, int>>>{
               {{&gen, 1}, {&load, 2}, {&gen, 3}},    // of other sites
               {{&gen, 1}, {&load, 3}, {&load, 2}}})  // in another order
      {
        Block other(journal_of(records));
        const std::size_t its =
            attolog::summary_size(other.payload.data() + other.payload.size() - 8);
        other.payload.replace(other.payload.size() - its, its, summary);
        check::equal(other.summary().sites.size(), 2u);
        check::that(is_refused([&] { decode(other); }));
      }
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
