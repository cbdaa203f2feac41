// The extension module attolog._core.
#include <pthread.h>

#include <exception>
#include <string>
#include <vector>

#include "core/arena.hpp"
#include "core/clock.hpp"
#include "core/codec.hpp"
#include "format/spec.hpp"
#include "python/call/event.hpp"
#include "python/compat.hpp"
#include "python/docstrings.hpp"
#include "python/prints/as_main.hpp"
#include "python/prints/compiled_print.hpp"
#include "python/prints/echo_errors.hpp"
#include "python/prints/function_hooks.hpp"
#include "python/prints/printing_logger.hpp"
#include "python/prints/prints.hpp"
#include "python/prints/streams.hpp"
#include "python/reading/follower.hpp"
#include "python/reading/lines.hpp"
#include "python/reading/reader.hpp"
#include "python/reading/records.hpp"
#include "python/reading/recover.hpp"
#include "python/reading/samples.hpp"
#include "python/refusal.hpp"
#include "python/route/logger_core.hpp"
#include "python/screen_order.hpp"
#include "python/types/control.hpp"
#include "python/types/logger.hpp"
#include "python/types/opening.hpp"
#include "python/types/strategies.hpp"
#include "python/values/encode.hpp"
#include "python/values/objects.hpp"
#include "python/values/text.hpp"
#include "python/without_gil.hpp"
#include "writer/last_signal.hpp"
#include "writer/thread_rings.hpp"
#include "writer/writer_thread.hpp"

namespace attolog::python {

namespace {

// For the tests that compare our formatting with Python's own.
PyObject* format_value(PyObject*, PyObject* args) {
  PyObject* spec_text = nullptr;
  PyObject* object = nullptr;
  if (!PyArg_ParseTuple(args, "UO:_format", &spec_text, &object)) return nullptr;
  const Spec spec(to_wtf8(spec_text));
  const Tag tag = native_tag(object, false);
  if (tag == Tag::end || !spec.native(tag)) Py_RETURN_NONE;
  Buffer encoded;
  if (!encode_any(encoded, object, std::size_t{1} << 30)) return nullptr;
  Arena arena;
  std::vector<Value> values;
  decode_values(encoded.view(), arena, values);
  Buffer out;
  spec.format(out, values.at(0));
  return from_wtf8(out.view());
}

PyObject* show_before_signals(PyObject*, PyObject*) {
  last_signal::wait_for_screen();
  thread_rings::reserve();
  last_signal::renew_crashes(is_faulthandler_on());
  Py_RETURN_NONE;
}

int around_fork(void (WriterThread::*action)()) {
  try {
    outside_gil([action] { (WriterThread::get().*action)(); });
  } catch (const std::exception&) {  // no memory: Python may warn
  }
  return 0;
}

PyObject* stop_threads(PyObject*, PyObject*) {
  around_fork(&WriterThread::pause_for_fork);
  Py_RETURN_NONE;
}

int wake_now(void*) {
  return around_fork(&WriterThread::resume_after_fork);
}

// Python 3.13 counts the threads only when all hooks of the fork have been called. What is pending
// is done when os.fork() returns. It is the main thread's to do: the fork of another one is warned
// of in any case.
PyObject* restart_threads(PyObject*, PyObject*) {
  if (!is_first_thread() || Py_AddPendingCall(wake_now, nullptr) != 0) wake_now(nullptr);
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"open", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(guarded<open_logger>)),
     METH_VARARGS | METH_KEYWORDS, docs::open},
    {"tee", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(guarded<make_tee>)),
     METH_VARARGS | METH_KEYWORDS, docs::tee},
    {"set_environment", set_environment, METH_VARARGS, docs::set_environment},
    {"printing_logger", guarded_simple<make_printing_logger>, METH_O, docs::printing_logger},
    {"check_strategy", check_strategy, METH_O, docs::check_strategy},
    {"control_list", guarded_simple<control_list>, METH_NOARGS, docs::control_list},
    {"control_ask", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(guarded<control_ask>)),
     METH_VARARGS | METH_KEYWORDS, docs::control_ask},
    {"recover", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(guarded<recover_log>)),
     METH_VARARGS | METH_KEYWORDS, docs::recover},
    {"recover_place", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(recover_place)),
     METH_VARARGS | METH_KEYWORDS, docs::recover_place},
    {"places", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(places_of_log)),
     METH_VARARGS | METH_KEYWORDS, docs::places},
    {"rescue", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(guarded<rescue_log>)),
     METH_VARARGS | METH_KEYWORDS, docs::rescue},
    {"drain_echo", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(guarded<drain_echo>)),
     METH_VARARGS | METH_KEYWORDS, docs::drain_echo},
    {"echo_error", echo_error, METH_VARARGS, docs::echo_error},
    {"has_raised_echo_error", has_raised_echo_error, METH_VARARGS, docs::has_raised_echo_error},
    {"redirect_prints", guarded_simple<redirect_prints>, METH_VARARGS, docs::redirect_prints},
    {"compile_print",
     reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(guarded<compile_print>)),
     METH_VARARGS | METH_KEYWORDS, docs::compile_print},
    {"write_to", guarded_simple<write_to>, METH_VARARGS, docs::write_to},
    {"attach_stream", guarded_simple<attach_stream>, METH_VARARGS, docs::attach_stream},
    {"close_stream", close_stream, METH_O, docs::close_stream},
    {"count_prints", count_prints, METH_NOARGS, docs::count_prints},
    {"call_as_main", call_as_main, METH_VARARGS, docs::call_as_main},
    {"show_before_signals", show_before_signals, METH_NOARGS, docs::show_before_signals},
    {"hook_function", hook_function, METH_VARARGS, docs::hook_function},
    {"stop_threads", stop_threads, METH_NOARGS, docs::stop_threads},
    {"restart_threads", restart_threads, METH_NOARGS, docs::restart_threads},
    {"expect_relatives", expect_relatives, METH_NOARGS, docs::expect_relatives},
    {"_format", format_value, METH_VARARGS, docs::_format},
    {nullptr, nullptr, 0, nullptr}};

int fill_module(PyObject* module) {
  try {
    WriterThread::get().set_control(answer_request);  // get() registers the exit and fork handlers
    ::pthread_atfork(nullptr, nullptr, change_routes);  // the child gets samplers of its own
    // Ctrl-C ends Python by the signal itself, past C's atexit.
    Py_AtExit([] { WriterThread::get().shut_down(); });
    if (!prepare_encoding() || !add_logger_type(module) || !add_strategy_types(module) ||
        !add_shown_type(module) || !add_event_type(module) || !add_compiled_print_type(module) ||
        !add_stream_types(module) || !prepare_objects() || !add_records_type(module) ||
        !add_lines_type(module) || !add_samples_type(module) || !add_reader_type(module) ||
        !add_follower_type(module)) {
      return -1;
    }
    PyObject* log = make_default_logger();
    const bool is_added =
        log != nullptr && PyModule_AddObjectRef(module, "log", log) == 0 &&
        PyModule_AddObjectRef(module, "is_tsc", kTicksAreTsc ? Py_True : Py_False) == 0;
    Py_XDECREF(log);
    return is_added ? 0 : -1;
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_ImportError, error.what());
    return -1;
  }
}

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(fill_module)},
#if PY_VERSION_HEX >= 0x030c0000
    // One writer, one site table, one set of rings in a process.
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030d0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, nullptr}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "_core",
                          "The native part of attolog.",
                          0,
                          methods,
                          slots,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

}  // namespace attolog::python

PyMODINIT_FUNC PyInit__core() {
  return PyModuleDef_Init(&attolog::python::definition);
}
