#include "python/call/template_string.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>

#include "python/helpers.hpp"

namespace attolog::python {

#if PY_VERSION_HEX >= 0x030e0000

namespace {

// Both types are built in, and without subtypes. Where they keep their members they say by
// themselves.
template <std::size_t n>
class Layout {
 public:
  constexpr Layout(const char* type, const std::array<const char*, n>& members)
      : type_(type), members_(members) {}

  bool has(PyObject* object) {
    PyTypeObject* const type = Py_TYPE(object);
    // acquire: pairs with learn. The offsets are there, whichever thread has found them.
    const PyTypeObject* const known = known_.load(std::memory_order_acquire);
    return known != nullptr ? type == known : read_layout(type);
  }
  // A borrowed reference. `object` is one of these.
  PyObject* member(PyObject* object, std::size_t i) const {
    return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object) +
                                         offsets_[i].load(std::memory_order_relaxed));
  }

 private:
  [[gnu::noinline, gnu::cold]] bool read_layout(PyTypeObject* type) {
    if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 || std::strcmp(type->tp_name, type_) != 0)
      return false;
    for (std::size_t i = 0; i < n; ++i) {
      const PyMemberDef* member = type->tp_members;
      while (member != nullptr && member->name != nullptr &&
             std::strcmp(member->name, members_[i]) != 0) {
        ++member;
      }
      if (member == nullptr || member->name == nullptr) return false;
      offsets_[i].store(member->offset, std::memory_order_relaxed);
    }
    known_.store(type, std::memory_order_release);
    return true;
  }

  const char* const type_;
  const std::array<const char*, n> members_;
  std::array<std::atomic<Py_ssize_t>, n> offsets_{};
  std::atomic<PyTypeObject*> known_{nullptr};
};

constinit Layout<2> templates{"string.templatelib.Template", {"strings", "interpolations"}};
enum : std::size_t { kStrings, kInterpolations };
constinit Layout<4> interpolations{"string.templatelib.Interpolation",
                                   {"expression", "conversion", "format_spec", "value"}};
enum : std::size_t { kExpression, kConversion, kSpec, kValue };
constexpr std::size_t kParts = 3;  // that say what the template is

// The facts about the template strings of one place in the program. It holds what it knows them by.
struct CachedTemplate {
  PyObject* strings = nullptr;
  std::vector<PyObject*> parts;
  PyObject* text = nullptr;
  std::vector<std::size_t> order;  // of the values

  CachedTemplate() = default;
  CachedTemplate(const CachedTemplate&) = delete;
  CachedTemplate& operator=(const CachedTemplate&) = delete;
  ~CachedTemplate() {
    Py_XDECREF(strings);
    for (PyObject* part : parts) Py_DECREF(part);
    Py_XDECREF(text);
  }
};

bool is_same(PyObject* a, PyObject* b) {
  if (a == b) return true;
  return PyUnicode_CheckExact(a) && PyUnicode_CheckExact(b) && equal_text(a, b);
}

// A later one takes the slot of an earlier one: a program can make templates without an end. Those
// that are left are not destroyed: at the end of the process there is no Python any more.
constexpr std::size_t kSlots = 1024;
constinit std::array<CachedTemplate*, kSlots> slots{};
std::mutex slots_mutex;  // where there is no GIL; never held while Python code runs, nor waited for

std::unique_lock<std::mutex> try_slots() {
  std::unique_lock lock(slots_mutex, std::defer_lock);
  if constexpr (!kHasGil) static_cast<void>(lock.try_lock());
  return lock;
}
bool may_use(const std::unique_lock<std::mutex>& lock) {
  return kHasGil || lock.owns_lock();
}

class TemplateView {
 public:
  explicit TemplateView(PyObject* string)
      : strings_(templates.member(string, kStrings)),
        interpolations_(templates.member(string, kInterpolations)) {}

  std::size_t size() const { return static_cast<std::size_t>(PyTuple_GET_SIZE(interpolations_)); }
  PyObject* strings() const { return strings_; }
  PyObject* all() const { return interpolations_; }
  PyObject* at(std::size_t i, std::size_t member) const {
    return interpolations.member(PyTuple_GET_ITEM(interpolations_, static_cast<Py_ssize_t>(i)),
                                 member);
  }
  bool is_understood() const {
    for (std::size_t i = 0; i < size(); ++i) {
      if (!interpolations.has(PyTuple_GET_ITEM(interpolations_, static_cast<Py_ssize_t>(i))))
        return false;
    }
    return true;
  }
  std::size_t slot() const {
    const auto bits = reinterpret_cast<std::uintptr_t>(strings_) +
                      (size() == 0 ? 0 : reinterpret_cast<std::uintptr_t>(at(0, kExpression)));
    return (bits >> 4) % kSlots;
  }
  bool is(const CachedTemplate& known) const {
    if (known.strings != strings_ || known.parts.size() != size() * kParts) return false;
    for (std::size_t i = 0; i < known.parts.size(); ++i) {
      if (!is_same(known.parts[i], at(i / kParts, i % kParts))) return false;
    }
    return true;
  }

 private:
  PyObject* strings_;
  PyObject* interpolations_;
};

PyRef take_values(const TemplateView& given, const CachedTemplate& known,
                  std::vector<PyObject*>& values) {
  for (const std::size_t i : known.order) values.push_back(given.at(i, kValue));
  return PyRef(Py_NewRef(known.text));
}

// Null where no template can say it, or with an exception set.
std::unique_ptr<CachedTemplate> read(const TemplateView& given) {
  const PyRef read(call_helper(read_template, "(OO)", given.strings(), given.all()));
  if (read == nullptr || read.get() == Py_None) return nullptr;
  auto known = std::make_unique<CachedTemplate>();
  // The interned text is one object for all templates that are equal: by it a call is known.
  known->text = Py_NewRef(PyTuple_GET_ITEM(read.get(), 0));
  PyUnicode_InternInPlace(&known->text);
  PyObject* const order = PyTuple_GET_ITEM(read.get(), 1);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(order); ++i)
    known->order.push_back(PyLong_AsSize_t(PyTuple_GET_ITEM(order, i)));
  known->strings = Py_NewRef(given.strings());
  for (std::size_t i = 0; i < given.size() * kParts; ++i)
    known->parts.push_back(Py_NewRef(given.at(i / kParts, i % kParts)));
  return known;
}

}  // namespace

bool is_template_string(PyObject* object) {
  return !PyUnicode_CheckExact(object) && templates.has(object) &&
         TemplateView(object).is_understood();
}

PyRef split_template(PyObject* string, std::vector<PyObject*>& values) {
  const TemplateView given(string);
  CachedTemplate*& slot = slots[given.slot()];
  {
    const auto lock = try_slots();
    if (may_use(lock) && slot != nullptr && given.is(*slot))
      return take_values(given, *slot, values);
  }
  std::unique_ptr<CachedTemplate> known = read(given);
  if (known == nullptr) return PyErr_Occurred() != nullptr ? nullptr : filled(string, true);
  PyRef text = take_values(given, *known, values);
  const auto lock = try_slots();
  if (may_use(lock)) known.reset(std::exchange(slot, known.release()));
  return text;
}

PyRef filled(PyObject* string, bool doubles_braces) {
  const TemplateView given(string);
  return PyRef(call_helper(fill_template, "(OOO)", given.strings(), given.all(),
                           doubles_braces ? Py_True : Py_False));
}

#else

bool is_template_string(PyObject*) {
  return false;
}
PyRef split_template(PyObject*, std::vector<PyObject*>&) {
  return nullptr;
}
PyRef filled(PyObject*, bool) {
  return nullptr;
}

#endif

}  // namespace attolog::python
