// Everything that depends on CPython's version, and on how it lays out ints and frames.
#pragma once

#define PY_SSIZE_T_CLEAN
// One field of the interpreter's frame is read directly: the public way costs 4 ns more on each
// call.
#define Py_BUILD_CORE
#include <Python.h>
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_interpframe_structs.h>
#else
#undef HAVE_STD_ATOMIC  // 3.11's pycore_atomic.h would include <stdatomic.h>, which is no C++20
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <internal/pycore_frame.h>
#include <internal/pycore_pystate.h>
#pragma GCC diagnostic pop
#endif
#undef Py_BUILD_CORE

#include <cstdint>

namespace attolog::python {

#if defined(Py_GIL_DISABLED)
inline constexpr bool kHasGil = false;
#else
inline constexpr bool kHasGil = true;
#endif

// Comes back when every other thread has been where it could have given up a GIL, if there were
// one. False: that cannot be had.
inline bool quiesce_threads() {
#if defined(Py_GIL_DISABLED)
  // Python stops all threads to look at them, but has no function of its own for that.
  PyObject* error = PyErr_GetRaisedException();
  PyObject* look = PySys_GetObject("_current_exceptions");  // borrowed
  PyObject* seen = look == nullptr ? nullptr : PyObject_CallNoArgs(look);
  Py_XDECREF(seen);
  PyErr_SetRaisedException(error);  // in place of what an audit hook may have raised
  return seen != nullptr;
#else
  return true;
#endif
}

inline _PyInterpreterFrame* current_frame() {
#if PY_VERSION_HEX >= 0x030d0000
  return PyThreadState_GetUnchecked()->current_frame;
#elif PY_VERSION_HEX >= 0x030c0000
  return _PyThreadState_UncheckedGet()->cframe->current_frame;
#else
  return _PyThreadState_GET()->cframe->current_frame;  // read in place: no call
#endif
}

// Hides all calling frames of Python for as long as it lives. A function that is called then is the
// outermost frame of tracebacks and of the stack, and has the whole depth to itself.
class ScopedOutermostFrame {
 public:
  ScopedOutermostFrame() : frame_(frame()), depth_(limit() - remaining()) {
    frame() = bottom();
    remaining() += depth_;
  }
  ScopedOutermostFrame(const ScopedOutermostFrame&) = delete;
  ScopedOutermostFrame& operator=(const ScopedOutermostFrame&) = delete;
  ~ScopedOutermostFrame() {
    frame() = frame_;
    remaining() -= depth_;
  }

 private:
#if PY_VERSION_HEX >= 0x030f0000
  // Every stack ends with this frame. Profilers leave out a stack that ends otherwise.
  _PyInterpreterFrame* bottom() { return state_->base_frame; }
#else
  _PyInterpreterFrame* bottom() { return nullptr; }
#endif
#if PY_VERSION_HEX >= 0x030d0000
  _PyInterpreterFrame*& frame() { return state_->current_frame; }
#else
  _PyInterpreterFrame*& frame() { return state_->cframe->current_frame; }
#endif
#if PY_VERSION_HEX >= 0x030c0000
  int& remaining() { return state_->py_recursion_remaining; }
  int& limit() { return state_->py_recursion_limit; }
#else
  int& remaining() { return state_->recursion_remaining; }
  int& limit() { return state_->recursion_limit; }
#endif

  PyThreadState* const state_ = PyThreadState_Get();
  _PyInterpreterFrame* const frame_;
  const int depth_;
};

// Whether the dict has that very object under the key, a str.
inline bool dict_holds(PyObject* dict, PyObject* key, PyObject* value) {
#if defined(Py_GIL_DISABLED)
  PyObject* found = nullptr;
  if (PyDict_GetItemRef(dict, key, &found) < 0) PyErr_Clear();
  Py_XDECREF(found);  // only compared
  return found == value;
#else
  return PyDict_GetItemWithError(dict, key) == value;
#endif
}

// A number for the place in the program that is calling right now. Unique as long as its code
// object lives; 0 if nothing of Python is calling.
inline std::uintptr_t call_place() {
  _PyInterpreterFrame* frame = current_frame();
  if (frame == nullptr) return 0;
#if PY_VERSION_HEX >= 0x030e0000 && defined(Py_GIL_DISABLED)
  // Each thread may have a copy of the bytecode: its offset in the code object is asked for.
  PyObject* code = PyUnstable_InterpreterFrame_GetCode(frame);
  const auto place = reinterpret_cast<std::uintptr_t>(code);
  const bool is_python = PyCode_Check(code);  // None: C code, called by C code
  Py_DECREF(code);
  if (!is_python) return 0;
  return place + static_cast<std::uintptr_t>(PyUnstable_InterpreterFrame_GetLasti(frame));
#elif PY_VERSION_HEX >= 0x030d0000
  // Null in the frame below all others, which 3.15 has.
  return reinterpret_cast<std::uintptr_t>(frame->instr_ptr);
#else
  return reinterpret_cast<std::uintptr_t>(frame->prev_instr);
#endif
}

// The calling place in Python's own terms. New references; `code` is null if nothing of Python is
// calling.
struct CodePosition {
  PyCodeObject* code = nullptr;
  int lasti = 0;  // byte offset of the instruction
};

inline CodePosition code_position() {
#if PY_VERSION_HEX >= 0x030c0000
  _PyInterpreterFrame* frame = current_frame();
  if (frame == nullptr) return {};
  PyObject* code = PyUnstable_InterpreterFrame_GetCode(frame);
  if (!PyCode_Check(code)) {
    Py_DECREF(code);
    return {};
  }
  return {reinterpret_cast<PyCodeObject*>(code), PyUnstable_InterpreterFrame_GetLasti(frame)};
#else
  _PyInterpreterFrame* frame = current_frame();
  if (frame == nullptr) return {};
  Py_INCREF(frame->f_code);
  return {frame->f_code, _PyInterpreterFrame_LASTI(frame) * static_cast<int>(sizeof(_Py_CODEUNIT))};
#endif
}

// The place of the call instruction that belongs to the one at `lasti`. 3.11 calls by two
// instructions. The one that is under way depends on what 3.11 has learnt of the place.
inline int call_instruction([[maybe_unused]] PyCodeObject* code, int lasti) {
#if PY_VERSION_HEX < 0x030c0000
  PyObject* bytes = PyCode_GetCode(code);  // as compiled
  if (bytes == nullptr) {
    PyErr_Clear();
    return lasti;
  }
  constexpr char kPrecall = static_cast<char>(166);
  constexpr int kPrecallSize = 4;  // with its cache
  const bool is_first = PyBytes_AS_STRING(bytes)[lasti] == kPrecall;
  Py_DECREF(bytes);
  return is_first ? lasti + kPrecallSize : lasti;
#else
  return lasti;
#endif
}

// An int of one digit, which most are.
inline bool small_int(PyObject* object, std::int64_t& value) {
  const auto* number = reinterpret_cast<const PyLongObject*>(object);
#if PY_VERSION_HEX >= 0x030c0000
  if (!PyUnstable_Long_IsCompact(number)) return false;
  value = PyUnstable_Long_CompactValue(number);
  return true;
#else
  const Py_ssize_t size = Py_SIZE(number);
  if (size < -1 || size > 1) return false;
  value = size * static_cast<std::int64_t>(number->ob_digit[0]);
  return true;
#endif
}

// Any other int within 62 bits, without a call; one of 30 bits a digit, which all 64-bit builds
// have.
inline bool word_int(PyObject* object, std::int64_t& value) {
  static_assert(PyLong_SHIFT == 30);
  const auto* number = reinterpret_cast<const PyLongObject*>(object);
#if PY_VERSION_HEX >= 0x030c0000
  const std::size_t n = number->long_value.lv_tag >> 3;
  const bool is_negative = (number->long_value.lv_tag & 3) == 2;
  const digit* digits = number->long_value.ob_digit;
#else
  const Py_ssize_t size = Py_SIZE(number);
  const auto n = static_cast<std::size_t>(size < 0 ? -size : size);
  const bool is_negative = size < 0;
  const digit* digits = number->ob_digit;
#endif
  if (n > 3 || (n == 3 && digits[2] > 3)) return false;
  std::uint64_t sum = digits[0] | std::uint64_t{digits[1]} << 30;
  if (n == 3) sum |= std::uint64_t{digits[2]} << 60;
  value = is_negative ? -static_cast<std::int64_t>(sum) : static_cast<std::int64_t>(sum);
  return true;
}

// Whether two classes have the attribute `name` from one place. Runs no code of theirs.
inline bool has_same_attribute(PyTypeObject* a, PyTypeObject* b, const char* name) {
  PyObject* key = PyUnicode_InternFromString(name);
  if (key == nullptr) return false;
  const bool is_same = _PyType_Lookup(a, key) == _PyType_Lookup(b, key);
  Py_DECREF(key);
  return is_same;
}

}  // namespace attolog::python
