#include "python/reading/follower.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "core/folder.hpp"
#include "journal/parts.hpp"
#include "python/docstrings.hpp"
#include "python/reading/holder.hpp"
#include "python/reading/reader.hpp"
#include "python/without_gil.hpp"
#include "reader/follower.hpp"
#include "reader/journal_reader.hpp"
#include "reader/pending.hpp"

namespace attolog::python {

namespace {

struct Follower {
  PyObject_HEAD struct FollowerState* following;
};

struct FollowerState {
  std::string path;  // as given; for messages
  std::string real;
  std::string ring_dir;
  std::optional<JournalFollower> journal;
  std::mutex mutex;  // of the journal
};

PyObject* new_follower(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"path", "ring_dir", nullptr};
  const char* path = nullptr;
  const char* ring_dir = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|z:Follower", const_cast<char**>(names), &path,
                                   &ring_dir)) {
    return nullptr;
  }
  auto following = std::make_unique<FollowerState>();
  if (!without_gil(path, [&] {
        following->path = path;
        following->real = real_log_path(path);
        following->ring_dir = ring_dir == nullptr ? "" : ring_dir;
        following->journal.emplace(following->ring_dir, following->real);
      })) {
    return nullptr;
  }
  auto* follower = reinterpret_cast<Follower*>(type->tp_alloc(type, 0));
  if (follower != nullptr) follower->following = following.release();
  return reinterpret_cast<PyObject*>(follower);
}

PyObject* poll(PyObject* self, PyObject*) {
  FollowerState& following = *reinterpret_cast<Follower*>(self)->following;
  auto state = std::make_unique<ReaderState>();
  if (!without_gil(following.path.c_str(), [&] {
        const std::lock_guard lock(following.mutex);
        state->journal = following.journal->poll();
      })) {
    return nullptr;
  }
  if (state->journal == nullptr) Py_RETURN_NONE;
  return make_reader(std::move(state));
}

PyObject* rings(PyObject* self, PyObject*) {
  FollowerState& following = *reinterpret_cast<Follower*>(self)->following;
  auto state = std::make_unique<ReaderState>();
  if (!without_gil(following.path.c_str(), [&] {
        const Pending& pending = state->pending.emplace_back(
            find_pending(following.ring_dir, following.real, journal_files(following.real).paths));
        state->problems = pending.problems;
        state->journal = JournalReader::open(pending.rings);
      })) {
    return nullptr;
  }
  return make_reader(std::move(state));
}

PyMethodDef follower_methods[] = {{"poll", poll, METH_NOARGS, docs::Follower_poll},
                                  {"rings", rings, METH_NOARGS, docs::Follower_rings},
                                  {nullptr, nullptr, 0, nullptr}};
PyType_Slot follower_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(new_follower)},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_holder<Follower, &Follower::following>)},
    {Py_tp_methods, follower_methods},
    {Py_tp_doc, const_cast<char*>(docs::Follower)},
    {0, nullptr}};
PyType_Spec follower_spec = {"attolog._core.Follower", sizeof(Follower), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, follower_slots};

}  // namespace

bool add_follower_type(PyObject* module) {
  PyObject* type = PyType_FromModuleAndSpec(module, &follower_spec, nullptr);
  const bool is_added = type != nullptr && PyModule_AddObjectRef(module, "Follower", type) == 0;
  Py_XDECREF(type);
  return is_added;
}

}  // namespace attolog::python
