// The options of a logger, as Python passes them.
#pragma once

#include "python/compat.hpp"

#include <string>

#include "python/route/rules.hpp"
#include "python/values/text.hpp"
#include "strategies/policy.hpp"
#include "writer/channel.hpp"

namespace attolog::python {

// Reads path and options; false with a TypeError, ValueError or OSError set that says what is
// allowed.
bool parse_options(PyObject* args, PyObject* kwargs, ChannelOptions& options);
// Reads the options of a file that is written once, of what is in memory already: nothing to echo.
bool parse_copy_options(PyObject* args, PyObject* kwargs, ChannelOptions& options);

// The arguments of CircularLogger(). Borrowed pointers live as long as the call's own arguments.
struct CircularArguments {
  ChannelOptions channel;
  PyRef ring_options;           // a dict, as parse_options reads it
  PyObject* watcher = nullptr;  // borrowed: `when`, if that is a callable; null otherwise
  PyObject* signals = nullptr;  // borrowed; null: none
  PyObject* rules = nullptr;    // borrowed; null: none
};
// Reads them; false with a TypeError or ValueError set. The ring options are only checked by name.
bool parse_circular(PyObject* args, PyObject* kwargs, CircularArguments& result);

// The steps of an expression, as native code reads them (query/expression_tree.hpp). False with an
// exception set.
bool encode_steps(PyObject* expression, std::string& steps);

// `strategy=`, which may be null or None: all. False with an exception set.
bool take_strategy(PyObject* given, Policy& policy);
// `rules=`, which may be null or None. False with an exception set.
bool take_rules(PyObject* given, Rules& rules);

}  // namespace attolog::python
