#include "format/template.hpp"

#include <string>
#include <vector>

#include "check.hpp"
#include "format/inline_record.hpp"

using namespace attolog;

namespace {

using Names = std::vector<std::string>;

Value of_float(double f) {
  Value value;
  value.tag = Tag::float64;
  value.f = f;
  return value;
}
Value with_text(Value value, std::string_view text) {
  value.is_formatted = true;
  value.formatted = text;
  return value;
}

// What each hole is bound to: "1 0 1", or why it is not.
std::string bound(std::string_view text, std::size_t n_positional, const Names& keywords = {}) {
  const Template parsed = Template::parse(text, n_positional, keywords);
  if (!parsed.ok()) return "not ok";
  std::string result;
  for (const Hole& hole : parsed.holes())
    result += (result.empty() ? "" : " ") + std::to_string(hole.value);
  return parsed.whole_at_call() ? result + " whole" : result;
}

std::string rendered(const Template& parsed, const Names& fields, std::vector<Value> values) {
  Buffer out;
  parsed.render(out, fields, values);
  return std::string(out.view());
}

Site site_of(std::string name, Names fields, std::uint16_t bound_fields = 0) {
  Site site;
  site.kind = SiteKind::message;
  site.name = std::move(name);
  site.fields = std::move(fields);
  site.bound = bound_fields;
  return site;
}

const check::Test binding{
    "holes are bound to keywords by name, then to positional values in order", [] {
      check::equal(bound("{} {}", 2), "0 1");
      check::equal(bound("{model} took {dt:.3f}s", 2), "0 1");
      check::equal(bound("{a} {b} {a}", 2), "0 1 0");
      check::equal(bound("{k} {x} {}", 2, {"k"}), "2 0 1");
      check::equal(bound("{x} {k2} {k1}", 1, {"k1", "k2"}), "0 2 1");
      check::equal(bound("{0} {1} {0}", 2), "0 1 0");
      check::equal(bound("{0} took {dt}", 2), "0 1");
      check::equal(bound("{time}", 0, {"time_"}), "0");
      check::equal(bound("no holes", 1), "");
      check::equal(bound("{k} {time}", 0, {"k", "time_", "k", "time_"}), "0 3");
    }};

const check::Test many_holes{
    "as many holes as there may be find their values, by name and in order", [] {
      Names keywords;
      std::string by_keyword;
      std::string by_name;
      std::string in_order;
      for (std::size_t i = 0; i < Template::kMostHoles; ++i) {
        keywords.push_back("k" + std::to_string(Template::kMostHoles - 1 - i));
        by_keyword += "{k" + std::to_string(i) + "}";
        by_name += "{n" + std::to_string(i) + "}";
        in_order += "{}";
      }
      const Template of_keywords = Template::parse(by_keyword, 0, keywords);
      const Template of_names = Template::parse(by_name, Template::kMostHoles, {});
      const Template of_order = Template::parse(in_order, Template::kMostHoles, {});
      check::that(of_keywords.ok() && of_names.ok() && of_order.ok());
      for (std::size_t i = 0; i < Template::kMostHoles; ++i) {
        check::equal(of_keywords.holes()[i].value, Template::kMostHoles - 1 - i);
        check::equal(of_names.holes()[i].value, i);
        check::equal(of_order.holes()[i].value, i);
      }
    }};

const check::Test unfillable{
    "templates that cannot be filled are not ok", [] {
      for (const char* text :
           {"{} {}", "{a} {b}", "{1}", "{0} {}", "{", "}", "a } b", "{a", "{a!}", "{a!x}", "{a!r",
            "{a[0}", "{\"a\": 1}", "{a b}", "{a{b}}", "{99999999999999999999999}", "{:{:{}}}"})
        check::equal(bound(text, 1), "not ok");
      std::string many;
      for (std::size_t i = 0; i < Template::kMostHoles; ++i) many += "{0}";
      check::that(Template::parse(many, 1, {}).ok());
      check::that(!Template::parse(many + "{0}", 1, {}).ok());
    }};

const check::Test python{"what needs Python is said", [] {
                           const auto native = [](std::string_view text, Tag tag) {
                             return Template::parse(text, 1, {}).holes()[0].native(tag);
                           };
                           check::that(native("{}", Tag::str));
                           check::that(native("{a:.2f}", Tag::float64));
                           check::that(!native("{a:.2f}", Tag::str));
                           check::that(!native("{a.b}", Tag::int64));
                           check::that(!native("{a[0]}", Tag::int64));
                           check::that(native("{a!r:>5}", Tag::int64));
                           check::that(native("{a!s}", Tag::str));
                           check::that(!native("{a!r}", Tag::str));
                           check::that(!native("{}", Tag::datetime));
                           check::equal(bound("{x} {x:.2f}", 1), "0 0 whole");
                           check::equal(bound("{x:.2f} {x:.2f}", 1), "0 0");
                           check::equal(bound("{x.a} {x.b}", 1), "0 0 whole");
                           check::equal(bound("{:{width}}", 2), "0 1 whole");
                           check::equal(bound("{:{w}}", 1, {"w"}), "0 1 whole");
                         }};

const check::Test rendering{
    "rendering fills natively, and with the texts that Python left", [] {
      const Template plain = Template::parse("{{{model}}} took {dt:.3f}s", 2, {});
      check::equal(rendered(plain, {"model", "dt"}, {Value::of_str("ResNet50"), of_float(0.0125)}),
                   "{ResNet50} took 0.013s");
      const Template date = Template::parse("at {}!", 1, {});
      Value day;
      day.tag = Tag::date;
      check::equal(rendered(date, {"day"}, {with_text(day, "1970-01-01")}), "at 1970-01-01!");
      const Template r = Template::parse("{a!r:>6}|{b!s:.2}|{c!r}", 3, {});
      check::equal(rendered(r, {"a", "b", "c"}, {Value::of_int(7), Value::of_str("xyz"), Value()}),
                   "     7|xy|None");
    }};

const check::Test fallback{
    "what cannot be filled shows the template and every value", [] {
      const Template wrong = Template::parse("{} and {}", 1, {});
      check::equal(rendered(wrong, {"a"}, {Value::of_int(1)}), "{} and {} a=1");
      const Template good = Template::parse("x {a:.2f} y", 1, {});
      check::equal(rendered(good, {"a"}, {Value::of_str("no float")}),
                   "x {a:.2f} y a=\"no float\"");
      check::equal(rendered(good, {"a"}, {}), "x {a:.2f} y");
      Buffer out;
      out.append("before ");
      check::that(good.render(out, Names{"a"}, std::vector{Value::of_int(1), Value::of_int(2)}));
      check::equal(out.view(), "before x 1.00 y");
    }};

const check::Test sites{
    "a site's template is bound as it was at the call", [] {
      const std::vector<Value> values{Value::of_int(1), Value::of_int(2), Value::of_int(3)};
      const auto text = [&](const Site& site) {
        Buffer out;
        Template::of(site).render(out, site.fields, values);
        return std::string(out.view());
      };
      // Positional values have taken the names of their holes.
      check::equal(text(site_of("{} {a} {k}", {"x", "a", "k"})), "1 2 3");
      check::equal(text(site_of("{k} {a} {}", {"a", "x", "k"})), "3 1 2");
      check::equal(text(site_of("{time} {}", {"time_", "x", "k"})), "1 2");
      // Bound fields take no part in the counting, but can be named.
      check::equal(text(site_of("{} {request}", {"x", "y", "request"}, 1)), "1 3");
      check::equal(text(site_of("{} {} {}", {"x", "y", "request"}, 1)),
                   "{} {} {} x=1 y=2 request=3");
      const Template shown = Template::of(site_of("{} {request}", {"x", "y", "request"}, 1));
      check::that(shown.shows(0) && !shown.shows(1) && shown.shows(2));
      check::that(shown.beside() == std::vector<std::size_t>{1, 2});
      const Site raised = site_of("{} of", {"x", "y", "exception", "message", "request"}, 1);
      check::that(Template::of(raised).beside() == std::vector<std::size_t>{1, 4});
    }};

const check::Test whole{
    "a message made at the call is shown as it is", [] {
      const Site site = site_of("{x} {x:.2f}", {"x", "request", "message"}, 1);
      const Template parsed = Template::of(site);
      check::that(parsed.message_field() == std::size_t{2});
      check::that(parsed.beside() == std::vector<std::size_t>{1});
      check::equal(rendered(parsed, site.fields,
                            {Value::of_int(1), Value::of_int(2), Value::of_str("1 1.00")}),
                   "1 1.00");
      check::equal(rendered(parsed, site.fields, {Value::of_int(1), Value::of_int(2), Value()}),
                   "{x} {x:.2f} x=1 request=2");
    }};

const check::Test inlined{
    "templates that travel in the record are rendered too", [] {
      Site site;
      site.kind = SiteKind::inline_message;
      Templates templates;
      const auto text = [&](std::vector<Value> values) {
        Record record;
        record.site = &site;
        record.values = values;
        const InlineRecord ordinary(record);
        const Record& own = ordinary.record();
        Buffer out;
        templates.of(own, true).render(out, own.site->fields, own.values);
        return std::string(out.view());
      };
      check::equal(text({Value::of_str("{} of {n}"), Value::of_int(1), Value::of_int(2)}),
                   "1 of 2");
      check::equal(text({Value::of_str("{} of {n}"), Value::of_int(1)}), "{} of {n} v1=1");
      check::equal(text({with_text(Value::of_str("{:{}}"), "whole"), Value::of_int(1)}), "whole");
      for (int i = 0; i < 1000; ++i) {
        const std::string name = "t" + std::to_string(i) + " {}";
        check::equal(text({Value::of_str(name), Value::of_int(i)}),
                     "t" + std::to_string(i) + " " + std::to_string(i));
      }
    }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
