#include "python/reading/recover.hpp"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/folder.hpp"
#include "python/types/options.hpp"
#include "python/values/text.hpp"
#include "python/without_gil.hpp"
#include "reader/pending.hpp"
#include "writer/capture.hpp"
#include "writer/recovery.hpp"

namespace attolog::python {

namespace {

PyObject* dict_of(std::uint64_t records, std::uint64_t sessions, std::uint64_t living,
                  const std::vector<std::string>& messages) {
  PyObject* list = list_of(messages);
  if (list == nullptr) return nullptr;
  return Py_BuildValue("{s:K,s:K,s:K,s:N}", "records", static_cast<unsigned long long>(records),
                       "sessions", static_cast<unsigned long long>(sessions), "living",
                       static_cast<unsigned long long>(living), "messages", list);
}

// Pairs of a process and its number of records.
PyObject* list_of(const std::vector<CircularLeftover>& leftovers) {
  PyRef list(PyList_New(0));
  if (list.get() == nullptr) return nullptr;
  for (const CircularLeftover& each : leftovers) {
    const PyRef pair(
        Py_BuildValue("(IK)", each.pid, static_cast<unsigned long long>(each.records)));
    if (pair.get() == nullptr || PyList_Append(list.get(), pair.get()) != 0) return nullptr;
  }
  return list.release();
}

}  // namespace

PyObject* recover_log(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"path", "check", "ring_dir", nullptr};
  const char* path = nullptr;
  int check = 0;
  const char* ring_dir = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|pz:recover", const_cast<char**>(names), &path,
                                   &check, &ring_dir)) {
    return nullptr;
  }
  Recovery result;
  if (!without_gil(path, [&] {
        const std::string real = real_log_path(path);
        if (std::filesystem::is_symlink(real))
          throw std::runtime_error(real + ": is a symbolic link; give the path it points to");
        for (const std::string& folder : folders_of(ring_dir == nullptr ? "" : ring_dir, real)) {
          result.add(check != 0 ? inspect(folder, real) : recover(folder, real));
          if (check == 0) tidy(folder);
        }
        if (!std::filesystem::exists(real)) {
          throw std::system_error(ENOENT, std::generic_category());
        }
      })) {
    return nullptr;
  }
  return dict_of(result.records, result.sessions, result.living, result.messages);
}

PyObject* recover_place(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"home", "check", "forget", nullptr};
  const char* home = nullptr;
  int check = 0;
  int forget = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|pp:recover_place", const_cast<char**>(names),
                                   &home, &check, &forget)) {
    return nullptr;
  }
  Recovery result;
  std::uint64_t forgotten = 0;
  std::vector<CircularLeftover> circular;
  if (!without_gil(home, [&] {
        const RingPlace place = place_of(std::string(home) + "/.");
        result = check != 0 ? inspect_all(place) : recover_all(place);
        if (forget != 0) forgotten = forget_gone(place, 0);
        circular = list_circular_leftovers(place, result.messages);
      })) {
    return nullptr;
  }
  PyRef dict(dict_of(result.records, result.sessions, result.living, result.messages));
  const PyRef more(dict.get() == nullptr
                       ? nullptr
                       : Py_BuildValue("{s:K,s:K,s:N}", "gone",
                                       static_cast<unsigned long long>(result.gone), "forgotten",
                                       static_cast<unsigned long long>(forgotten), "circular",
                                       list_of(circular)));
  if (more.get() == nullptr || PyDict_Update(dict.get(), more.get()) != 0) return nullptr;
  return dict.release();
}

PyObject* places_of_log(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"path", "ring_dir", nullptr};
  const char* path = nullptr;
  const char* ring_dir = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|z:places", const_cast<char**>(names), &path,
                                   &ring_dir)) {
    return nullptr;
  }
  const std::string given = ring_dir == nullptr ? "" : ring_dir;
  Shm shm = Shm::none;
  std::vector<std::string> homes;
  std::vector<std::string> ends;
  std::vector<std::string> folders;
  if (!without_gil(path, [&] {
        const std::string real = real_log_path(path);
        shm = inspect_shm();
        const auto id = file_id(real);
        for (const RingPlace& place : places_of(real, given)) {
          homes.push_back(place.home);
          if (id) ends.push_back(folder_end(place, *id));
        }
        folders = folders_of(given, real);
      })) {
    return nullptr;
  }
  PyObject* lists[3] = {};
  const std::vector<std::string>* const texts[] = {&homes, &ends, &folders};
  for (int i = 0; i < 3; ++i) {
    lists[i] = list_of(*texts[i]);
    if (lists[i] != nullptr) continue;
    while (i > 0) Py_DECREF(lists[--i]);
    return nullptr;
  }
  return Py_BuildValue("{s:s,s:N,s:N,s:N}", "shm", std::string(describe(shm)).c_str(), "homes",
                       lists[0], "ends", lists[1], "folders", lists[2]);
}

PyObject* rescue_log(PyObject*, PyObject* args, PyObject* kwargs) {
  PyObject* own = kwargs == nullptr ? PyDict_New() : PyDict_Copy(kwargs);
  PyObject* check = own == nullptr ? nullptr : PyDict_GetItemString(own, "check");  // borrowed
  const bool checks = check != nullptr && PyObject_IsTrue(check) == 1;
  unsigned int pid = 0;
  PyObject* rest = nullptr;
  ChannelOptions options;
  bool is_read = own != nullptr && (check == nullptr || PyDict_DelItemString(own, "check") == 0) &&
                 PyTuple_GET_SIZE(args) == 2;
  if (own != nullptr && PyTuple_GET_SIZE(args) != 2) {
    PyErr_SetString(PyExc_TypeError, "rescue() takes a process id, a path and options");
  }
  if (is_read) {
    pid = static_cast<unsigned int>(PyLong_AsUnsignedLong(PyTuple_GET_ITEM(args, 0)));
    rest = PyTuple_GetSlice(args, 1, 2);
    is_read =
        PyErr_Occurred() == nullptr && rest != nullptr && parse_copy_options(rest, own, options);
  }
  Py_XDECREF(rest);
  Py_XDECREF(own);
  if (!is_read) return nullptr;
  Rescue result;
  const std::string root = options.ring_dir.empty() ? default_ring_root() : options.ring_dir;
  const bool is_done = without_gil(options.path.c_str(), [&] {
    result = rescue({user_folder(root)}, pid, target_of(options, options.path), checks);
  });
  if (!is_done) return nullptr;
  return dict_of(result.records, result.sessions, result.is_alive ? 1 : 0, result.messages);
}

}  // namespace attolog::python
