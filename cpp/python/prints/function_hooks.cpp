// A function object finds its C function in a PyMethodDef, with each call. There a function of ours
// takes its place, with its calling convention, and calls it in turn. Nothing that a
// program can see of the function object is another.
#include "python/prints/function_hooks.hpp"

#include <unistd.h>

#include <csignal>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/file.hpp"
#include "python/prints/echo_errors.hpp"
#include "python/screen_order.hpp"
#include "python/types/lifetime.hpp"
#include "writer/last_signal.hpp"

namespace attolog::python {

namespace {

// What is done around a call.
enum class Rule : std::uint8_t {
  always,        // waits
  related,       // waits where there are relatives
  descriptor,    // waits if the argument is a descriptor that others see
  file,          // waits if the object, a FileIO, has such a descriptor
  closing_file,  // so, too; its number is free afterwards
  second,        // waits for a second: the process, or another, may be ended
  last,          // the process ends here: waits, and ends the loggers
  redirecting,   // as descriptor; afterwards that stream leads elsewhere
  closing,       // as descriptor; a file of ours stays open
  closing_all,   // waits; files of ours stay open
  signal,        // afterwards the signal may have another action
  crashes,       // afterwards Python's faulthandler may be on, or off
};
constexpr std::array<std::pair<std::string_view, Rule>, 12> kRules = {{
    {"always", Rule::always},
    {"related", Rule::related},
    {"descriptor", Rule::descriptor},
    {"file", Rule::file},
    {"closing_file", Rule::closing_file},
    {"second", Rule::second},
    {"last", Rule::last},
    {"redirecting", Rule::redirecting},
    {"closing", Rule::closing},
    {"closing_all", Rule::closing_all},
    {"signal", Rule::signal},
    {"crashes", Rule::crashes},
}};

struct Hook {
  PyMethodDef* method = nullptr;
  PyCFunction original = nullptr;  // as METH_NOARGS; its flags say how it is to be called
  Rule rule = Rule::always;
  Py_ssize_t argument = 0;
  PyObject* keyword = nullptr;  // the argument's name, where it can be given by that
  // Whether it is done even if a signal's handler raises while it waits: what it gives back or
  // takes away must not stay.
  bool is_done_anyway = false;
};

constexpr std::size_t kHooks = 160;
std::array<Hook, kHooks> hooks;
std::size_t n_hooks = 0;

struct Arguments {
  PyObject* self;
  PyObject* const* values;
  Py_ssize_t n;               // by place
  PyObject* names = nullptr;  // of the values behind those; may be null
};

// The number that is passed, if it is one for a C int.
std::optional<int> number_of(PyObject* value) {
  if (PyLong_Check(value) == 0) return std::nullopt;
  int is_beyond = 0;
  const long number = PyLong_AsLongAndOverflow(value, &is_beyond);
  if (is_beyond != 0 || !std::in_range<int>(number)) return std::nullopt;
  return static_cast<int>(number);
}

std::optional<int> number_at(const Arguments& arguments, Py_ssize_t place) {
  return place < arguments.n ? number_of(arguments.values[place]) : std::nullopt;
}

std::optional<int> number_by(const Arguments& arguments, PyObject* keyword) {
  const Py_ssize_t n = arguments.names == nullptr ? 0 : PyTuple_GET_SIZE(arguments.names);
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (PyUnicode_Compare(PyTuple_GET_ITEM(arguments.names, i), keyword) == 0)
      return number_of(arguments.values[arguments.n + i]);
  }
  return std::nullopt;
}

// The descriptor that is passed; negative where that cannot be told.
int descriptor_of(const Hook& hook, const Arguments& arguments) {
  const auto number = hook.keyword == nullptr || hook.argument < arguments.n
                          ? number_at(arguments, hook.argument)
                          : number_by(arguments, hook.keyword);
  return number.value_or(-1);
}

// That of a FileIO; -1: it is closed.
int descriptor_of(PyObject* file) {
  PyObject* number = PyObject_CallMethod(file, "fileno", nullptr);
  const long value = number == nullptr ? -1 : PyLong_AsLong(number);
  Py_XDECREF(number);
  PyErr_Clear();
  return static_cast<int>(value);
}

bool is_to_wait(const Hook& hook, const Arguments& arguments) {
  switch (hook.rule) {
    case Rule::related: return has_relatives.load(std::memory_order_relaxed) && has_unmirrored();
    case Rule::descriptor:
    case Rule::closing:
    case Rule::redirecting: {
      if (!has_unmirrored()) return false;
      const int fd = descriptor_of(hook, arguments);
      return fd < 0 || is_observed(fd);
    }
    case Rule::closing_file:
    case Rule::file: {
      if (!has_unmirrored()) return false;
      const int fd = descriptor_of(arguments.self);
      return fd >= 0 && is_observed(fd);
    }
    case Rule::signal:
    case Rule::crashes: return false;
    default: return has_unmirrored();
  }
}

// False with an exception set: interrupted.
bool wait_before(const Hook& hook, const Arguments& arguments) {
  if (hook.rule == Rule::last) return end_process();
  if (!is_to_wait(hook, arguments)) return true;
  return hook.rule == Rule::second ? wait_for_screen(last_second()) : wait_for_screen();
}

// One call: what comes before it, and behind.
class CallGuard {
 public:
  CallGuard(const Hook& hook, const Arguments& arguments) : hook_(hook), arguments_(arguments) {
    try {
      if (wait_before(hook, arguments)) return;
    } catch (const std::exception&) {
      return;  // no memory to wait with: the program goes on
    }
    const bool is_end = hook.rule == Rule::second || hook.rule == Rule::last;
    is_refused_ = !is_end && !hook.is_done_anyway;
    if (is_refused_) return;
    if (is_end) {
      PyErr_Clear();
    } else if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0) {  // it comes right behind
      PyErr_Clear();
      PyErr_SetInterruptEx(SIGINT);
    } else {
      PyErr_Fetch(&type_, &error_, &traceback_);
    }
  }
  CallGuard(const CallGuard&) = delete;
  CallGuard& operator=(const CallGuard&) = delete;
  ~CallGuard() = default;

  bool is_refused() const { return is_refused_; }
  PyObject* end(PyObject* result) {
    if (result != nullptr) apply_effects();
    if (type_ == nullptr) return result;
    Py_XDECREF(result);
    PyErr_Restore(type_, error_, traceback_);
    return nullptr;
  }

 private:
  void apply_effects() const;

  const Hook& hook_;
  const Arguments arguments_;
  bool is_refused_ = false;
  PyObject* type_ = nullptr;
  PyObject* error_ = nullptr;
  PyObject* traceback_ = nullptr;
};

}  // namespace

bool is_faulthandler_on() {
  PyObject* name = PyUnicode_FromString("faulthandler");
  PyObject* module = name == nullptr ? nullptr : PyImport_GetModule(name);
  PyObject* is_on =
      module == nullptr ? nullptr : PyObject_CallMethod(module, "is_enabled", nullptr);
  Py_XDECREF(module);
  Py_XDECREF(name);
  const bool result = is_on == Py_True;
  Py_XDECREF(is_on);
  PyErr_Clear();
  return result;
}

namespace {

void CallGuard::apply_effects() const {
  if (hook_.rule == Rule::redirecting) {
    const int fd = descriptor_of(hook_, arguments_);
    if (fd == 1 || fd == 2) forget_screen_error(fd);
  } else if (hook_.rule == Rule::signal) {
    last_signal::renew(descriptor_of(hook_, arguments_));
  } else if (hook_.rule == Rule::crashes) {
    last_signal::renew_crashes(is_faulthandler_on());
  }
}

// The conventions by which Python calls functions of C.
template <class Function>
Function original(const Hook& hook) {
  return reinterpret_cast<Function>(reinterpret_cast<void*>(hook.original));
}

using Fast = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t);

// os.closerange, less the files of ours: Python closes what is behind the last of them.
PyObject* close_range(const Hook& hook, const Arguments& arguments) {
  const auto first = number_at(arguments, 0);
  const auto end = number_at(arguments, 1);
  const auto by_python = original<Fast>(hook);
  if (!first || !end) return by_python(arguments.self, arguments.values, arguments.n);
  PyObject* const rest = PyLong_FromLong(close_others(std::max(*first, 0), *end));
  if (rest == nullptr) return nullptr;
  PyObject* const values[] = {rest, arguments.values[1]};
  PyObject* const result = by_python(arguments.self, values, 2);
  Py_DECREF(rest);
  return result;
}

// Whose number gets another meaning by this call: a standard stream's, which is to be the next
// file's that the program opens, or one that the program chooses. -1: none.
int taken_number(const Hook& hook, const Arguments& arguments) {
  const auto if_stream = [](int fd) { return fd <= STDERR_FILENO ? fd : -1; };
  switch (hook.rule) {
    case Rule::closing: return if_stream(descriptor_of(hook, arguments));
    case Rule::closing_all: return if_stream(std::max(descriptor_of(hook, arguments), 0));
    case Rule::closing_file: return if_stream(descriptor_of(arguments.self));
    case Rule::redirecting: {
      const int fd = descriptor_of(hook, arguments);
      return fd > STDERR_FILENO ? fd : -1;
    }
    default: return -1;
  }
}

template <class Function, class... Rest>
PyObject* call(const Hook& hook, const Arguments& arguments, Rest... rest) {
  CallGuard around(hook, arguments);
  if (around.is_refused()) return nullptr;
  std::optional<ScopedNumberTransfer> taking;
  if (const int number = taken_number(hook, arguments); number >= 0) taking.emplace(number);
  if (hook.rule == Rule::closing && File::owns(descriptor_of(hook, arguments)))
    return around.end(Py_NewRef(Py_None));
  if constexpr (std::is_same_v<Function, Fast>) {
    if (hook.rule == Rule::closing_all) return around.end(close_range(hook, arguments));
  }
  return around.end(original<Function>(hook)(arguments.self, rest...));
}

template <std::size_t i>
PyObject* call_simple(PyObject* self, PyObject* argument) {
  const Hook& hook = hooks[i];
  const Py_ssize_t n = (hook.method->ml_flags & METH_O) != 0 ? 1 : 0;
  return call<PyCFunction>(hook, {self, &argument, n}, argument);
}

Arguments of_tuple(PyObject* self, PyObject* args) {
  return {self, reinterpret_cast<PyTupleObject*>(args)->ob_item, PyTuple_GET_SIZE(args)};
}

template <std::size_t i>
PyObject* call_tuple(PyObject* self, PyObject* args) {
  return call<PyCFunction>(hooks[i], of_tuple(self, args), args);
}

template <std::size_t i>
PyObject* call_tuple_and_dict(PyObject* self, PyObject* args, PyObject* kwargs) {
  return call<PyCFunctionWithKeywords>(hooks[i], of_tuple(self, args), args, kwargs);
}

using FastAndNames = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);
using OfClass = PyObject* (*)(PyObject*, PyTypeObject*, PyObject* const*, Py_ssize_t, PyObject*);

template <std::size_t i>
PyObject* call_fast(PyObject* self, PyObject* const* args, Py_ssize_t n) {
  return call<Fast>(hooks[i], {self, args, n}, args, n);
}

template <std::size_t i>
PyObject* call_fast_and_names(PyObject* self, PyObject* const* args, Py_ssize_t n,
                              PyObject* names) {
  return call<FastAndNames>(hooks[i], {self, args, n, names}, args, n, names);
}

template <std::size_t i>
PyObject* call_of_class(PyObject* self, PyTypeObject* type, PyObject* const* args, Py_ssize_t n,
                        PyObject* names) {
  return call<OfClass>(hooks[i], {self, args, n, names}, type, args, n, names);
}

template <class Function>
PyCFunction as_function(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

// What stands in the place of hook i's function, by its convention.
template <std::size_t i>
PyCFunction stand_in(int flags) {
  switch (flags & ~(METH_CLASS | METH_STATIC | METH_COEXIST)) {
    case METH_NOARGS:
    case METH_O: return call_simple<i>;
    case METH_VARARGS: return call_tuple<i>;
    case METH_VARARGS | METH_KEYWORDS: return as_function(call_tuple_and_dict<i>);
    case METH_FASTCALL: return as_function(call_fast<i>);
    case METH_FASTCALL | METH_KEYWORDS: return as_function(call_fast_and_names<i>);
    case METH_METHOD | METH_FASTCALL | METH_KEYWORDS: return as_function(call_of_class<i>);
    default: return nullptr;
  }
}

template <std::size_t... i>
constexpr auto make_stand_ins(std::index_sequence<i...>) {
  return std::array{stand_in<i>...};
}
constexpr auto kStandIns = make_stand_ins(std::make_index_sequence<kHooks>());

// Null: it is no function of C, nor a method of a type of C.
PyMethodDef* method_of(PyObject* function) {
  if (PyCFunction_Check(function)) return reinterpret_cast<PyCFunctionObject*>(function)->m_ml;
  if (Py_IS_TYPE(function, &PyMethodDescr_Type) != 0)
    return reinterpret_cast<PyMethodDescrObject*>(function)->d_method;
  return nullptr;
}

bool put_in_place(PyMethodDef* method, Hook hook) {
  const bool is_known = std::any_of(hooks.begin(), hooks.begin() + n_hooks,
                                    [&](const Hook& each) { return each.method == method; });
  if (is_known || n_hooks == kHooks) return is_known;
  const PyCFunction ours = kStandIns[n_hooks](method->ml_flags);
  if (ours == nullptr) return false;
  hook.method = method;
  hook.original = method->ml_meth;
  hooks[n_hooks++] = hook;
  // release: a thread that calls the function finds the hook complete.
  std::atomic_ref(method->ml_meth).store(ours, std::memory_order_release);
  return true;
}

}  // namespace

PyObject* hook_function(PyObject*, PyObject* args) {
  PyObject* function = nullptr;
  const char* name = nullptr;
  Hook hook;
  const char* keyword = "";
  int is_done_anyway = 0;
  if (!PyArg_ParseTuple(args, "Os|nsp:hook_function", &function, &name, &hook.argument, &keyword,
                        &is_done_anyway)) {
    return nullptr;
  }
  const auto* rule = std::ranges::find(kRules, std::string_view(name),
                                       [](const auto& each) { return each.first; });
  PyMethodDef* const method = method_of(function);
  if (rule == kRules.end()) return PyErr_Format(PyExc_ValueError, "no such rule: %s", name);
  if (method == nullptr) return PyErr_Format(PyExc_TypeError, "%R is no function of C", function);
  if (*keyword != '\0' && (hook.keyword = PyUnicode_FromString(keyword)) == nullptr) return nullptr;
  hook.rule = rule->second;
  hook.is_done_anyway = is_done_anyway != 0;
  return PyBool_FromLong(put_in_place(method, hook) ? 1 : 0);
}

}  // namespace attolog::python
