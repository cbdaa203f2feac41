#include "python/types/control.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "core/folder.hpp"
#include "format/value_text.hpp"
#include "python/refusal.hpp"
#include "python/route/logger_core.hpp"
#include "python/route/rules.hpp"
#include "python/values/text.hpp"
#include "writer/control.hpp"
#include "writer/writer_thread.hpp"

namespace attolog::python {

namespace {

constexpr const char* kRequests =
    "list, set NAME=STRATEGY, unset NAME, level LEVEL, enabled true|false";

// ---- list ---------------------------------------------------------------------------------------

// Tabs and ends of lines are the table's own.
void add_cell(std::string& line, std::string_view text) {
  line += '\t';
  for (const char c : text.empty() ? "-" : text) {
    switch (c) {
      case '\\': line += "\\\\"; break;
      case '\t': line += "\\t"; break;
      case '\n': line += "\\n"; break;
      case '\r': line += "\\r"; break;
      default: line += c;
    }
  }
}

void add_cell(std::string& line, std::uint64_t n) {
  add_cell(line, std::to_string(n));
}

const char* kind_name(SiteKind kind) {
  switch (kind) {
    case SiteKind::message:
    case SiteKind::inline_message: return "message";
    case SiteKind::text: return "text";
    case SiteKind::print: return "print";
    default: return "event";
  }
}

void add_logger(std::string& lines, LoggerCore& core) {
  const RecordCounts counts = core.counts();
  lines += "logger";
  add_cell(lines, core.path());
  add_cell(lines, level_name(static_cast<std::uint8_t>(core.level())));
  add_cell(lines, core.is_enabled() ? "true" : "false");
  add_cell(lines, core.mode() == Mode::off ? "off" : "on");
  add_cell(lines, counts.written + counts.waiting + counts.dropped + counts.sampled_out +
                      counts.aggregated + counts.overwritten);
  for (const std::uint64_t n : {counts.written, counts.waiting, counts.dropped, counts.sampled_out,
                                counts.aggregated, counts.overwritten}) {
    add_cell(lines, n);
  }
  lines += '\n';
}

struct SiteSummary {
  std::uint64_t written = 0;
  std::uint64_t left_out = 0;
  std::vector<const LoggerCore*> first;   // loggers that its calls come to first
  std::vector<const LoggerCore*> others;  // which have met it
};

std::map<std::uint32_t, SiteSummary> list_sites(
    const std::vector<std::shared_ptr<LoggerCore>>& cores) {
  const auto bases = site_registry().bases();
  std::map<std::uint32_t, SiteSummary> sites;
  for (const auto& core : cores) {
    for (const auto& [number, of] : core->by_site()) {
      const auto base = bases.find(number);
      SiteSummary& site = sites[base == bases.end() ? number : base->second];
      site.written += of.written;
      site.left_out += of.left_out;
      (of.is_first ? site.first : site.others).push_back(core.get());
    }
  }
  return sites;
}

// The strategies of the logger and of those behind it for a site, `all` left out.
void add_strategies(const LoggerCore& core, const SiteFacts& facts, bool is_first,
                    std::vector<std::string>& found) {
  const Policy policy = core.policy_for(facts, is_first);
  const std::string text = to_text(policy);
  const bool is_news = std::ranges::find(found, text) == found.end();
  if (policy.kind != Policy::Kind::all && is_news) found.push_back(text);
  if (policy.kind == Policy::Kind::off) return;
  for (const auto& target : core.targets()) add_strategies(*target, facts, false, found);
}

void add_site(std::string& lines, const Site& site, const SiteSummary& listed) {
  const bool is_plain = site.kind == SiteKind::text || site.kind == SiteKind::print;
  const std::string_view name = is_plain ? std::string_view() : site.name;
  const SiteFacts facts{site.id, site.kind, site.level, name, &site.fields, site.bound, nullptr};
  std::vector<std::string> strategies;
  for (const LoggerCore* core : listed.first.empty() ? listed.others : listed.first) {
    add_strategies(*core, facts, true, strategies);
  }
  std::string strategy;
  for (const std::string& each : strategies) strategy += (strategy.empty() ? "" : " ") + each;
  lines += "site";
  add_cell(lines, site.name);
  add_cell(lines, kind_name(site.kind));
  add_cell(lines, site.file.empty() ? "" : site.file + ":" + std::to_string(site.line));
  add_cell(lines, strategy.empty() ? "all" : strategy);
  add_cell(lines, listed.written);
  add_cell(lines, listed.left_out);
  lines += '\n';
}

std::string list() {
  const auto cores = living_loggers();
  std::string lines = "ok\n";
  for (const auto& core : cores) add_logger(lines, *core);
  for (const auto& [number, listed] : list_sites(cores)) {
    if (const auto site = site_registry().find(number)) add_site(lines, *site, listed);
  }
  const Rules overrides = overrides_now();
  for (const auto& [name, policy] : overrides.entries()) {
    lines += "rule";
    add_cell(lines, name);
    add_cell(lines, to_text(policy));
    lines += '\n';
  }
  return lines;
}

// ---- changes ------------------------------------------------------------------------------------

// One line, whatever is quoted in it.
std::string one_line(std::string_view word, const std::string& text) {
  std::string line;
  add_cell(line, text);
  line.replace(0, 1, " ");
  return std::string(word) + line;
}

std::string error_answer(const std::string& complaint) {
  return one_line("error", complaint);
}

void invalidate_routes() {
  for (const auto& core : living_loggers()) core->invalidate_routes();
}

std::string unset(const std::string& name) {
  if (!remove_override(name)) return error_answer("no rule was set for '" + name + "'");
  invalidate_routes();
  return one_line("ok", name);
}

std::string set(const std::string& setting) {
  const std::size_t at = setting.rfind('=');  // names may have one, strategies have none
  if (at == std::string::npos || at == 0)
    return error_answer("'" + setting + "': NAME=STRATEGY is wanted");
  const std::string name = setting.substr(0, at);
  const std::string text = setting.substr(at + 1);
  if (text.empty()) return unset(name);
  std::string complaint;
  const auto policy = parse_policy(text, complaint);
  if (!policy) return error_answer("'" + text + "': " + complaint);
  set_override(name, *policy);
  invalidate_routes();
  return one_line("ok", name + "=" + to_text(*policy));
}

std::string set_level(const std::string& text) {
  const auto level = level_of(text);
  if (!level)
    return error_answer("'" + text + "' is none of DEBUG, INFO, WARNING, ERROR and CRITICAL");
  for (const auto& core : living_loggers()) core->set_level(*level);
  return "ok level " + text;
}

std::string set_enabled(const std::string& text) {
  if (text != "true" && text != "false")
    return error_answer("'" + text + "' is neither true nor false");
  for (const auto& core : living_loggers()) core->set_enabled(text == "true");
  return "ok enabled " + text;
}

}  // namespace

std::string answer_request(const std::string& request) {
  const std::size_t space = request.find(' ');
  const std::string verb = request.substr(0, space);
  const std::string rest = space == std::string::npos ? "" : request.substr(space + 1);
  if (request == "list") return list();
  if (verb == "set") return set(rest);
  if (verb == "unset") return unset(rest);
  if (verb == "level") return set_level(rest);
  if (verb == "enabled") return set_enabled(rest);
  return error_answer("'" + verb + "' is no request; allowed are " + kRequests);
}

// ---- functions of the module --------------------------------------------------------------------

PyObject* check_strategy(PyObject*, PyObject* text) {
  if (!PyUnicode_Check(text)) {
    refuse_type("strategy", "a str", text);
    return nullptr;
  }
  Policy policy;
  try {
    if (!take_policy("strategy", to_wtf8(text), policy)) return nullptr;
    return from_wtf8(to_text(policy));
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

PyObject* control_list(PyObject*, PyObject*) {
  std::vector<ControlEntry> entries;
  std::string failure;
  PyThreadState* state = PyEval_SaveThread();
  try {
    entries = list_processes(default_ring_root());
  } catch (const std::exception& error) {
    failure = error.what();
  }
  PyEval_RestoreThread(state);
  if (!failure.empty()) {
    PyErr_SetString(PyExc_OSError, failure.c_str());
    return nullptr;
  }
  PyObject* list = PyList_New(0);
  for (const ControlEntry& entry : entries) {
    if (!entry.is_alive || list == nullptr) continue;
    PyObject* command = PyUnicode_DecodeFSDefaultAndSize(
        entry.command.data(), static_cast<Py_ssize_t>(entry.command.size()));
    PyObject* item = command == nullptr ? nullptr
                                        : Py_BuildValue("(INL)", entry.pid, command,
                                                        static_cast<long long>(entry.started_ns));
    if (item == nullptr || PyList_Append(list, item) != 0) Py_CLEAR(list);
    Py_XDECREF(item);
  }
  return list;
}

PyObject* control_ask(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"pid", "request", "timeout", nullptr};
  unsigned int pid = 0;
  PyObject* request = nullptr;
  double timeout = 2.0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "IU|d:control_ask", const_cast<char**>(names),
                                   &pid, &request, &timeout)) {
    return nullptr;
  }
  const auto patience_ms = static_cast<int>(std::clamp(timeout, 0.0, 1e6) * 1000);
  const std::string text = to_wtf8(request);
  Reply reply;
  std::string failure;
  bool is_too_long = false;
  PyThreadState* state = PyEval_SaveThread();
  try {
    reply = ask(default_ring_root(), pid, text, patience_ms);
  } catch (const std::invalid_argument& error) {
    is_too_long = true;
    failure = error.what();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  PyEval_RestoreThread(state);
  if (!failure.empty()) {
    PyErr_SetString(is_too_long ? PyExc_ValueError : PyExc_OSError, failure.c_str());
    return nullptr;
  }
  if (reply.state == Reply::State::not_accepted) Py_RETURN_NONE;
  if (reply.state == Reply::State::accepted) {
    PyErr_Format(PyExc_TimeoutError,
                 "process %u has taken the request and does it, but has not answered yet", pid);
    return nullptr;
  }
  return PyUnicode_DecodeUTF8(reply.text.data(), static_cast<Py_ssize_t>(reply.text.size()),
                              "backslashreplace");
}

}  // namespace attolog::python
