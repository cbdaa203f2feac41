#include <string>
#include <vector>

#include "check.hpp"
#include "core/site_table.hpp"

using namespace attolog;

namespace {

Site site_of(std::string name, std::vector<std::string> fields = {}) {
  Site site;
  site.kind = SiteKind::message;
  site.level = kWarning;
  site.bound = 1;
  site.line = 42;
  site.name = std::move(name);
  site.fields = std::move(fields);
  site.file = "app.py";
  site.function = "main";
  return site;
}

class Mirror final : public SiteMirror {
 public:
  explicit Mirror(std::size_t room = 1 << 20) : room_(room) {}
  bool append_sites(std::string_view encoded) override {
    if (bytes.size() + encoded.size() > room_) return false;
    bytes += encoded;
    return true;
  }
  std::string bytes;

 private:
  std::size_t room_;
};

std::string encoded(const Site& site) {
  Buffer out;
  encode_site(out, site);
  return std::string(out.view());
}

std::string name_of(const SiteReader& reader, std::uint32_t id) {
  const Site* site = reader.find(id);
  return site == nullptr ? "none" : site->name;
}

}  // namespace

static const check::Test round_trip{"a site is decoded as it was encoded", [] {
                                      Site site = site_of("{a} of {b}", {"a", "b", "request"});
                                      site.id = 99;
                                      const std::string bytes = encoded(site) + "rest";
                                      std::string_view left = bytes;
                                      const auto decoded = decode_site(left);
                                      check::that(decoded.has_value());
                                      check::equal(left, "rest");
                                      check::equal(encoded(*decoded), encoded(site));
                                      check::equal(decoded->id, 99u);
                                      check::that(decoded->kind == SiteKind::message);
                                      check::equal(decoded->fields.at(2), "request");
                                      check::equal(decoded->line, 42u);
                                      check::equal(decoded->function, "main");
                                    }};

static const check::Test cut{
    "a site that is cut short anywhere is none", [] {
      const std::string whole = encoded(site_of("GEN", {"model", "task_id"}));
      for (std::size_t length = 0; length < whole.size(); ++length) {
        const std::vector<char> exact(whole.begin(),
                                      whole.begin() + static_cast<std::ptrdiff_t>(length));
        std::string_view left(exact.data(), exact.size());
        check::that(!decode_site(left).has_value());
      }
    }};

static const check::Test hostile{
    "numbers of fields and lengths that cannot be are damage", [] {
      std::string bytes = encoded(site_of("GEN", {"model"}));
      for (const std::size_t at : {14u, 18u}) {  // fields; length of the name
        std::string damaged = bytes;
        damaged.replace(at, 4, "\xff\xff\xff\xff");
        std::string_view left = damaged;
        check::that(!decode_site(left).has_value());
      }
    }};

static const check::Test mirrors{
    "every mirror has every site, those from before it came included", [] {
      SiteRegistry registry;
      Mirror early;
      Mirror late;
      check::that(registry.attach(early));
      check::equal(registry.add(site_of("one")).value(), kFirstSite);
      check::that(registry.attach(late));
      check::equal(registry.add(site_of("two")).value(), kFirstSite + 1);
      check::equal(early.bytes, late.bytes);
      registry.detach(early);
      check::equal(registry.add(site_of("three")).value(), kFirstSite + 2);
      check::that(early.bytes.size() < late.bytes.size());
      SiteReader reader;
      reader.read(late.bytes);
      check::equal(name_of(reader, kFirstSite), "one");
      check::equal(name_of(reader, kFirstSite + 2), "three");
      check::equal(name_of(reader, kFirstSite + 3), "none");
    }};

static const check::Test no_room{
    "a site for which a mirror has no room is refused, and its number is not given again", [] {
      SiteRegistry registry;
      Mirror wide;
      Mirror narrow(100);
      check::that(registry.attach(wide));
      check::that(registry.attach(narrow));
      check::that(registry.add(site_of("GEN")).has_value());
      check::that(!registry.add(site_of(std::string(200, 'x'))).has_value());
      registry.detach(narrow);
      check::equal(registry.add(site_of("SCHED")).value(), kFirstSite + 2);
      // What comes later sees only what may be used.
      Mirror later;
      check::that(registry.attach(later));
      SiteReader reader;
      reader.read(later.bytes);
      check::equal(name_of(reader, kFirstSite), "GEN");
      check::equal(name_of(reader, kFirstSite + 1), "none");
      check::equal(name_of(reader, kFirstSite + 2), "SCHED");
      Mirror tiny(10);
      check::that(!registry.attach(tiny));
    }};

static const check::Test full{
    "a process has 65,536 sites and not one more, their variants aside", [] {
      SiteRegistry registry;
      for (std::uint32_t i = 0; i < kMaxSites; ++i) {
        check::equal(registry.add(Site{}).value(), kFirstSite + i);
      }
      check::that(registry.is_full());
      check::that(!registry.add(Site{}).has_value());
      check::that(
          registry.variant(kFirstSite, attolog::Destination::buffer, false, "last:1").has_value());
    }};

static const check::Test variants{
    "a variant is its site under a policy, with a number of its own, the same each time", [] {
      SiteRegistry registry;
      Mirror mirror;
      registry.attach(mirror);
      const std::uint32_t gen = registry.add(site_of("GEN", {"model"})).value();
      const auto sampled =
          registry.variant(gen, attolog::Destination::file, true, "sample:0.01").value();
      const auto counted =
          registry.variant(gen, attolog::Destination::stats, false, "stats:1s").value();
      const auto text =
          registry.variant(kTextSite, attolog::Destination::buffer, false, "last:10").value();
      check::equal(registry.variant(gen, attolog::Destination::file, true, "sample:0.01").value(),
                   sampled);
      check::that(sampled != counted && counted != text && text != gen);
      check::equal(registry.size(), std::size_t{1});
      check::that(!registry.variant(text + 1, attolog::Destination::buffer, false, "").has_value());
      SiteReader reader;
      reader.read(mirror.bytes);
      check::equal(reader.find(sampled)->fields.back(), "weight");
      check::equal(reader.find(sampled)->policy, "sample:0.01");
      check::that(reader.find(sampled)->is_weighted && !reader.find(gen)->is_weighted);
      check::that(reader.find(counted)->destination == attolog::Destination::stats);
      check::equal(name_of(reader, text), "LOG");
      check::equal(registry.find(gen)->fields.size(), std::size_t{1});
      const std::map<std::uint32_t, std::uint32_t> bases{
          {sampled, gen}, {counted, gen}, {text, kTextSite}};
      check::that(registry.bases() == bases);
      check::that(!registry.find(text + 1).has_value());
      check::equal(registry.variant(gen, attolog::Destination::file, true, "sample:0.01").value(),
                   sampled);
    }};

static const check::Test forgotten_mirrors{
    "a forked child's table goes on where its parent's was, without the parent's mirrors", [] {
      SiteRegistry registry;
      Mirror parents;
      check::that(registry.attach(parents));
      registry.add(site_of("one"));
      const std::string before = parents.bytes;
      registry.forget_mirrors();
      check::equal(registry.add(site_of("two")).value(), kFirstSite + 1);
      check::that(parents.bytes == before);
      Mirror mirror;
      check::that(registry.attach(mirror));
      SiteReader reader;
      reader.read(mirror.bytes);
      check::equal(name_of(reader, kFirstSite), "one");
      check::equal(name_of(reader, kFirstSite + 1), "two");
    }};

static const check::Test growing{
    "a reader takes in a table as it grows, and a site stays where it is", [] {
      SiteRegistry registry;
      Mirror mirror;
      registry.attach(mirror);
      registry.add(site_of("one", {"a"}));
      SiteReader reader;
      reader.read(mirror.bytes);
      const Site* one = reader.find(kFirstSite);
      for (int i = 0; i < 1000; ++i) registry.add(site_of("more"));
      // A table that is half there, as after a kill.
      reader.read(std::string_view(mirror.bytes).substr(0, mirror.bytes.size() - 1));
      check::equal(name_of(reader, kFirstSite + 999), "more");
      check::equal(name_of(reader, kFirstSite + 1000), "none");
      reader.read(mirror.bytes);
      check::equal(name_of(reader, kFirstSite + 1000), "more");
      check::that(reader.find(kFirstSite) == one);
      check::equal(one->fields.at(0), "a");
      reader.read("");  // shorter than before, which only damage makes
      check::that(reader.find(kFirstSite) == one);
    }};

static const check::Test fixed{
    "every program has the fixed sites, and nothing replaces them", [] {
      SiteReader reader;
      check::that(reader.find(kThreadSite)->kind == SiteKind::thread);
      check::that(reader.find(kTextSite)->kind == SiteKind::text);
      check::that(reader.find(kPrintSite)->kind == SiteKind::print);
      check::that(reader.find(kErrorPrintSite)->kind == SiteKind::print);
      check::equal(reader.find(kErrorPrintSite)->name, reader.find(kPrintSite)->name);
      check::equal(reader.find(kErrorPrintSite)->level, kWarning);
      check::equal(reader.find(kPrintSite)->level, kNone);
      check::that(reader.find(kDroppedSite)->kind == SiteKind::dropped);
      check::that(reader.find(kClockSite)->kind == SiteKind::clock);
      check::that(reader.find(kInlineEventSite)->kind == SiteKind::inline_event);
      check::equal(name_of(reader, attolog::kSkippedSite), "SKIPPED");
      check::equal(name_of(reader, attolog::kTriggerSite), "TRIGGER");
      for (const Level level : {kNone, kDebug, kInfo, kWarning, kError, kCritical}) {
        const Site* site = reader.find(kInlineMessageSite + level / 10U);
        check::that(site->kind == SiteKind::inline_message && site->level == level);
      }
      Site forged = site_of("forged");
      forged.id = kTextSite;
      Site beyond = site_of("beyond");
      beyond.id = 0xffff'ffff;
      reader.read(encoded(forged) + encoded(beyond));
      check::equal(name_of(reader, kTextSite), "LOG");
      check::equal(name_of(reader, 0xffff'ffff), "none");
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
