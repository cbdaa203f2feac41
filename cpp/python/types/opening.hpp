// Opening a logger: its channel, its file, or the loggers that it passes records to.
#pragma once

#include "python/compat.hpp"

#include "python/route/logger_object.hpp"
#include "python/route/rules.hpp"
#include "writer/channel.hpp"

namespace attolog::python {

// Opens a channel and attaches it. False with an exception set.
bool open_channel(LoggerCore& core, const ChannelOptions& options);
// Reads the path and options of a logger with a file of its own. `kwargs` may be null. False with
// an exception set.
bool take_file(PyObject* args, PyObject* kwargs, ChannelOptions& options, Rules& rules);
// Lets the logger write to `target`: another logger, or a path with options, or None. False with an
// exception set.
bool attach_target(Logger* logger, PyObject* target, PyObject* options, ChannelOptions& channel);

PyObject* make_default_logger();  // off, until it is opened

// The method open(path, **options) of loggers.
PyObject* open_file(PyObject* self, PyObject* args, PyObject* kwargs);
// The module's open(logger, path, **options), which no environment keeps from it.
PyObject* open_logger(PyObject*, PyObject* args, PyObject* kwargs);

}  // namespace attolog::python
