#include "python/helpers.hpp"

#include <cstdarg>

#include "python/values/text.hpp"

namespace attolog::python {

Helper name_values{"attolog._native.argument_names", "names"};
Helper join_print_line{"attolog._native.print_text", "text_of"};
Helper show_values{"attolog._native.print_text", "show"};
Helper format_exception{"traceback", "format_exc"};
Helper read_declaration{"attolog._native.declared_events", "describe"};
Helper read_template{"attolog._native.template_strings", "template_of"};
Helper fill_template{"attolog._native.template_strings", "text_of"};

bool Helper::load() {
  if (loaded_.load(std::memory_order_acquire) != nullptr) return true;
  PyObject* imports = PyImport_ImportModule("attolog._imports");
  PyObject* module =
      imports == nullptr ? nullptr : PyObject_CallMethod(imports, "load", "s", module_);
  Py_XDECREF(imports);
  if (module == nullptr) return false;
  // acq_rel: pairs with the loads. Another thread may have been quicker.
  PyObject* nothing = nullptr;
  if (!loaded_.compare_exchange_strong(nothing, module, std::memory_order_acq_rel))
    Py_DECREF(module);
  return true;
}

PyObject* Helper::find() {
  if (!load()) return nullptr;
  return PyObject_GetAttrString(loaded_.load(std::memory_order_acquire), function_);
}

PyObject* call_helper(Helper& helper, const char* format, ...) {
  PyObject* callable = helper.find();
  if (callable == nullptr) return nullptr;
  va_list values;
  va_start(values, format);
  PyObject* arguments = Py_VaBuildValue(format, values);
  va_end(values);
  PyObject* result = arguments == nullptr ? nullptr : PyObject_CallObject(callable, arguments);
  Py_XDECREF(arguments);
  Py_DECREF(callable);
  return result;
}

bool load_helpers() {
  static Helper load{"attolog._imports", "load_all"};
  PyObject* done = call_helper(load, "()");
  Py_XDECREF(done);
  if (done == nullptr && !clear_if_ordinary()) return false;
  for (Helper* helper : {&name_values, &join_print_line, &show_values, &format_exception,
                         &read_declaration, &read_template, &fill_template}) {
    // A program that may not read its own library logs nevertheless, without names of values.
    if (!helper->load() && !clear_if_ordinary()) return false;
  }
  return true;
}

}  // namespace attolog::python
