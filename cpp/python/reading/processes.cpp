#include "python/reading/processes.hpp"

#include <exception>
#include <vector>

#include "python/values/text.hpp"
#include "python/without_gil.hpp"
#include "reader/columns.hpp"
#include "reader/processes.hpp"

namespace attolog::python {

PyObject* make_processes(std::shared_ptr<JournalReader> journal) {
  std::vector<ProcessInfo> found;
  try {
    outside_gil([&] { found = find_processes(*journal->records()); });
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
  PyObject* list = PyList_New(0);
  for (const ProcessInfo& each : found) {
    if (list == nullptr) break;
    PyObject* const threads = list_of(each.threads);
    PyObject* const item =
        threads == nullptr ? nullptr
                           : Py_BuildValue("(IsLLKN)", each.pid, run_name(each.run_id).c_str(),
                                           static_cast<long long>(each.first_ns),
                                           static_cast<long long>(each.last_ns),
                                           static_cast<unsigned long long>(each.records), threads);
    if (item == nullptr || PyList_Append(list, item) != 0) Py_CLEAR(list);
    Py_XDECREF(item);
  }
  return list;
}

}  // namespace attolog::python
