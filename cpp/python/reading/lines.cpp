#include "python/reading/lines.hpp"

#include <chrono>
#include <exception>
#include <utility>

#include "python/reading/holder.hpp"
#include "python/without_gil.hpp"

namespace attolog::python {

namespace {

// How long handlers of signals, such as Ctrl-C's, are kept waiting.
constexpr std::chrono::milliseconds kPatience{50};

struct Lines {
  PyObject_HEAD LineStream* stream;
};

// A holder whose threads are joined, which takes as long as a stretch of time takes them.
void free_lines(PyObject* self) {
  auto* const lines = reinterpret_cast<Lines*>(self);
  std::unique_ptr<LineStream> stream(std::exchange(lines->stream, nullptr));
  PyThreadState* const thread = PyEval_SaveThread();
  stream.reset();
  PyEval_RestoreThread(thread);
  free_holder<Lines, &Lines::stream>(self);
}

PyObject* next_lines(PyObject* self) {
  using Next = LineStream::Next;
  LineStream& stream = *reinterpret_cast<Lines*>(self)->stream;
  try {
    Buffer lines;
    Next next = Next::not_yet;
    while (next == Next::not_yet) {
      if (PyErr_CheckSignals() != 0) return nullptr;
      outside_gil([&] { next = stream.next(lines, kPatience); });
    }
    if (next == Next::end) return nullptr;
    return PyBytes_FromStringAndSize(lines.data(), static_cast<Py_ssize_t>(lines.size()));
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
}

PyType_Slot lines_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(free_lines)},
                             {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                             {Py_tp_iternext, reinterpret_cast<void*>(next_lines)},
                             {0, nullptr}};
PyType_Spec lines_spec = {"attolog._core.Lines", sizeof(Lines), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, lines_slots};
PyTypeObject* lines_type = nullptr;

}  // namespace

PyObject* make_lines(std::unique_ptr<LineStream> stream) {
  auto* lines = reinterpret_cast<Lines*>(lines_type->tp_alloc(lines_type, 0));
  if (lines != nullptr) lines->stream = stream.release();
  return reinterpret_cast<PyObject*>(lines);
}

bool add_lines_type(PyObject* module) {
  lines_type =
      reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &lines_spec, nullptr));
  return lines_type != nullptr;
}

}  // namespace attolog::python
