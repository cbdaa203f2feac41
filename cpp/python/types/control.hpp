// The requests of `attolog ctl` to this process, and the functions that ask other processes.
#pragma once

#include "python/compat.hpp"

#include <string>

namespace attolog::python {

// Answers a request, in the writer's thread: without Python, and holding no more than one of the
// loggers' mutexes at a time.
//
//   list                     `ok`, then lines of cells separated by tabs:
//                              logger  path level enabled on|off calls written waiting dropped
//                                      sampled_out aggregated overwritten
//                              site    name kind where strategy written left_out
//                              rule    name strategy (those that `set` has made)
//   set NAME=STRATEGY        a rule of the whole process, before all others
//   set NAME=, unset NAME    takes it back
//   level LEVEL              of all loggers
//   enabled true|false       of all loggers
//
// When the answer comes, the request is carried out: `ok ...`. Or nothing was changed: `error ...`.
std::string answer_request(const std::string& request);

PyObject* check_strategy(PyObject*, PyObject* text);
PyObject* control_list(PyObject*, PyObject*);
PyObject* control_ask(PyObject*, PyObject* args, PyObject* kwargs);

}  // namespace attolog::python
