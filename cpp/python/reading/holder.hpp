// Objects of Python that own one object of C++.
#pragma once

#include "python/compat.hpp"

#include <memory>
#include <type_traits>

namespace attolog::python {

// The deallocator of T, whose `member` is a pointer to the object that it owns.
template <class T, auto member>
void free_holder(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  using Object =
      std::remove_pointer_t<std::remove_reference_t<decltype(reinterpret_cast<T*>(self)->*member)>>;
  std::unique_ptr<Object>(reinterpret_cast<T*>(self)->*member).reset();
  type->tp_free(self);
  Py_DECREF(type);
}

}  // namespace attolog::python
