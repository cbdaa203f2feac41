// Functions of Python modules that the native side calls.
#pragma once

#include "python/compat.hpp"

#include <atomic>

namespace attolog::python {

// A function of a module. The module is imported once, when a logger is opened or at the first use;
// log calls find it without an import. Another thread's import may be under way when a process
// forks, and its lock is then never free in the child.
class Helper {
 public:
  constexpr Helper(const char* module, const char* function)
      : module_(module), function_(function) {}
  // A new reference; null with an exception set.
  PyObject* find();
  // Whether the module is there from now on; false with an exception set.
  bool load();

 private:
  const char* module_;
  const char* function_;
  std::atomic<PyObject*> loaded_{nullptr};  // the module, for as long as there is a process
};

// Calls the helper with arguments built as by Py_BuildValue (a tuple).
PyObject* call_helper(Helper& helper, const char* format, ...);

// Those of log calls and declarations.
extern Helper name_values;       // attolog._native.argument_names.names
extern Helper join_print_line;   // attolog._native.print_text.text_of
extern Helper show_values;       // attolog._native.print_text.show
extern Helper format_exception;  // traceback.format_exc
extern Helper read_declaration;  // attolog._native.declared_events.describe
extern Helper read_template;     // attolog._native.template_strings.template_of
extern Helper fill_template;     // attolog._native.template_strings.text_of

// Loads all that calls of a logger can need; before there are any. False with an exception set:
// interrupted.
bool load_helpers();

}  // namespace attolog::python
