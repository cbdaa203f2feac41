// The logger as a Python object: what the program calls to log.
#pragma once

#include "python/compat.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "python/route/bound_fields.hpp"
#include "python/route/call_sites.hpp"
#include "python/route/logger_core.hpp"

namespace attolog::python {

// Loggers that bind equal names share their call sites, however many there are.
class SitesByNames {
 public:
  std::shared_ptr<CallSites> of(const std::vector<std::string>& names) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<CallSites>& sites = sites_[names];
    if (!sites) sites = std::make_shared<CallSites>(names);
    return sites;
  }

 private:
  std::mutex mutex_;
  std::map<std::vector<std::string>, std::shared_ptr<CallSites>> sites_;
};

// The objects that a logger keeps alive.
struct LoggerParts {
  std::shared_ptr<LoggerCore> core;
  std::shared_ptr<CallSites> sites;
  std::unique_ptr<BoundFields> bound;  // null: none
  std::shared_ptr<SitesByNames> sites_by_names;
};

struct Logger {
  PyObject_HEAD vectorcallfunc vectorcall;
  LoggerCore* core;    // of `parts`, at hand
  CallSites* sites;    // of `parts`, at hand
  BoundFields* bound;  // of `parts`, at hand
  PyObject* weakrefs;
  LoggerParts* parts;

  void set_parts(std::unique_ptr<LoggerParts> from, vectorcallfunc call) {
    vectorcall = call;
    core = from->core.get();
    sites = from->sites.get();
    bound = from->bound.get();
    parts = from.release();
  }
};

// The base of all loggers' types.
inline PyTypeObject* logger_type = nullptr;

inline Logger* as_logger(PyObject* object) {
  return reinterpret_cast<Logger*>(object);
}

}  // namespace attolog::python
