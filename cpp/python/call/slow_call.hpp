// Log calls that the fast path does not take.
#pragma once

#include "python/compat.hpp"

#include "core/site.hpp"
#include "python/call/call.hpp"

namespace attolog::python {

// Each returns None, or null with an exception set that must pass.

// A call with an event's name, a template, or any object in the place of one.
[[gnu::noinline, gnu::cold]] PyObject* call_slowly(const Call& call);
// One whose first argument is no str: its str() is the text, and values, if any, are shown behind
// it.
[[gnu::noinline]] PyObject* call_with_object(const Call& call);
// A text of a kind that has a site of its own.
[[gnu::noinline, gnu::cold]] PyObject* call_with_text(Logger* logger, SiteKind kind,
                                                      PyObject* text);
// An event that has no name of its own, nor values.
PyObject* call_any_event(Logger* logger);

// Whether records are taken at all just now; counts a call after close.
[[gnu::noinline, gnu::cold]] bool is_taken(LoggerCore& core);
// Drops a record that there was no memory for, which is no reason to raise. None.
[[gnu::noinline, gnu::cold]] PyObject* drop(const Logger* logger);

}  // namespace attolog::python
