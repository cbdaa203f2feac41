#include "python/values/encode.hpp"

#include <datetime.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

#include "core/clock.hpp"
#include "core/codec.hpp"
#include "python/values/nested.hpp"
#include "python/values/text.hpp"

namespace attolog::python {

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar (Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms", days_from_civil).
std::int64_t days_of(int year, int month, int day) {
  year -= month <= 2;
  const int era = (year >= 0 ? year : year - 399) / 400;
  const int year_of_era = year - era * 400;
  const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return std::int64_t{era} * 146097 + day_of_era - 719468;
}

void append_tagged(Buffer& out, Tag tag, std::int64_t payload) {
  char* to = out.room(9);
  *to = static_cast<char>(tag);
  store_as(to + 1, payload);
  out.advance(9);
}

void append_float(Buffer& out, Tag tag, double payload) {
  char* to = out.room(9);
  *to = static_cast<char>(tag);
  store_as(to + 1, payload);
  out.advance(9);
}

// The end of a value that was cut.
std::string cut_mark(std::size_t length) {
  return "... [cut; " + std::to_string(length) + " bytes]";
}

void append_bytes(Buffer& out, PyObject* object, std::size_t most) {
  const std::string_view bytes(PyBytes_AS_STRING(object),
                               static_cast<std::size_t>(PyBytes_GET_SIZE(object)));
  if (bytes.size() <= most) {
    encode_sized(out, Tag::bytes, bytes);
  } else {
    encode_sized(out, Tag::bytes, std::string(bytes.substr(0, most)) + cut_mark(bytes.size()));
  }
}

void append_cut(Buffer& out, std::string text, std::size_t most) {
  encode_str(out, cut_text(std::move(text), most));
}

// The note in place of a value whose own code raised. False: the exception must pass.
bool append_failure(Buffer& out, PyObject* object, const char* what, std::size_t most) {
  std::string text;
  if (!describe_failure(object, what, text)) return false;
  append_cut(out, std::move(text), most);
  return true;
}

bool append_int(Buffer& out, PyObject* object, std::size_t most) {
  int overflow = 0;
  const std::int64_t value = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow == 0) {
    append_tagged(out, Tag::int64, value);
    return true;
  }
  // Python refuses decimals of more than some thousand digits (sys.set_int_max_str_digits).
  PyObject* digits = PyNumber_ToBase(object, 10);
  if (digits == nullptr && clear_if_ordinary()) digits = PyNumber_ToBase(object, 16);
  if (digits == nullptr) return append_failure(out, object, "str()", most);
  encode_sized(out, Tag::bigint, steal_wtf8(digits));
  return true;
}

bool append_datetime(Buffer& out, PyObject* object, std::size_t most) {
  const std::int64_t days = days_of(PyDateTime_GET_YEAR(object), PyDateTime_GET_MONTH(object),
                                    PyDateTime_GET_DAY(object));
  const std::int64_t seconds = days * 86400 + PyDateTime_DATE_GET_HOUR(object) * 3600 +
                               PyDateTime_DATE_GET_MINUTE(object) * 60 +
                               PyDateTime_DATE_GET_SECOND(object);
  std::int64_t us = seconds * kSecondUs + PyDateTime_DATE_GET_MICROSECOND(object);
  if (PyDateTime_DATE_GET_TZINFO(object) == Py_None) {
    append_tagged(out, Tag::datetime, us);
    return true;
  }
  PyObject* offset = PyObject_CallMethod(object, "utcoffset", nullptr);
  if (offset == nullptr) return append_failure(out, object, "utcoffset()", most);
  if (!PyDelta_Check(offset)) {  // a tzinfo that knows no offset makes it naive, by Python's rules
    Py_DECREF(offset);
    append_tagged(out, Tag::datetime, us);
    return true;
  }
  const std::int64_t offset_seconds = std::int64_t{PyDateTime_DELTA_GET_DAYS(offset)} * 86400 +
                                      PyDateTime_DELTA_GET_SECONDS(offset);
  const int rest = PyDateTime_DELTA_GET_MICROSECONDS(offset);
  Py_DECREF(offset);
  if (rest != 0) return encode_str_of(out, object, most);  // no column has offsets of part seconds
  us -= offset_seconds * kSecondUs;
  append_tagged(out, Tag::datetime_utc, us);
  store_as(out.room(4), static_cast<std::int32_t>(offset_seconds));
  out.advance(4);
  return true;
}

bool append_time(Buffer& out, PyObject* object, std::size_t most) {
  if (PyDateTime_TIME_GET_TZINFO(object) != Py_None) return encode_str_of(out, object, most);
  const std::int64_t seconds = PyDateTime_TIME_GET_HOUR(object) * 3600 +
                               PyDateTime_TIME_GET_MINUTE(object) * 60 +
                               PyDateTime_TIME_GET_SECOND(object);
  append_tagged(out, Tag::time, seconds * kSecondUs + PyDateTime_TIME_GET_MICROSECOND(object));
  return true;
}

bool append_duration(Buffer& out, PyObject* object, std::size_t most) {
  // A timedelta reaches further than 64 bits of microseconds.
  if (std::abs(PyDateTime_DELTA_GET_DAYS(object)) > 106'751'990)
    return encode_str_of(out, object, most);
  const std::int64_t seconds = std::int64_t{PyDateTime_DELTA_GET_DAYS(object)} * 86400 +
                               PyDateTime_DELTA_GET_SECONDS(object);
  append_tagged(out, Tag::duration,
                seconds * kSecondUs + PyDateTime_DELTA_GET_MICROSECONDS(object));
  return true;
}

// A class of a module that the program has imported itself, as a new reference; null otherwise. (No
// import here: a log call must not load numpy.)
PyObject* class_if_loaded(const char* module, const char* name) {
  PyObject* modules = PyImport_GetModuleDict();
  PyObject* owner = PyDict_GetItemString(modules, module);
  if (owner == nullptr) return nullptr;
  PyObject* found = PyObject_GetAttrString(owner, name);
  if (found == nullptr) PyErr_Clear();
  return found;
}

bool is_instance(PyObject* object, const char* module, const char* name) {
  PyObject* type = class_if_loaded(module, name);
  const bool is_one = type != nullptr && PyType_Check(type) &&
                      PyType_IsSubtype(Py_TYPE(object), reinterpret_cast<PyTypeObject*>(type)) != 0;
  Py_XDECREF(type);
  return is_one;
}

// How values are recorded: by their exact type, numpy's scalars and enums aside.
enum class Row {
  text,
  integer,
  real,
  constant,  // None, True, False
  bytes,
  datetime,
  date,
  time,
  duration,
  numpy,
  enumeration,
  nested,
  other,
};

Row row_of(PyObject* object) {
  if (PyUnicode_CheckExact(object)) return Row::text;
  if (PyLong_CheckExact(object)) return Row::integer;
  if (PyFloat_CheckExact(object)) return Row::real;
  if (object == Py_None || object == Py_True || object == Py_False) return Row::constant;
  if (PyBytes_CheckExact(object)) return Row::bytes;
  if (PyDateTime_CheckExact(object)) return Row::datetime;
  if (PyDate_CheckExact(object)) return Row::date;
  if (PyTime_CheckExact(object)) return Row::time;
  if (PyDelta_CheckExact(object)) return Row::duration;
  if (is_nested(object)) return Row::nested;
  if (is_instance(object, "numpy", "generic")) return Row::numpy;
  if (is_instance(object, "enum", "Enum")) return Row::enumeration;
  return Row::other;
}

// The __format__ of object, str, int and float: without a spec they give the str(), in subclasses
// too.
PyObject* plain_formats[4];

struct Width {
  const char* type;
  Tag tag;
};
constexpr Width kWidths[] = {{"numpy.int8", Tag::int8},       {"numpy.int16", Tag::int16},
                             {"numpy.int32", Tag::int32},     {"numpy.int64", Tag::int64},
                             {"numpy.uint8", Tag::uint8},     {"numpy.uint16", Tag::uint16},
                             {"numpy.uint32", Tag::uint32},   {"numpy.uint64", Tag::uint64},
                             {"numpy.longlong", Tag::int64},  {"numpy.ulonglong", Tag::uint64},
                             {"numpy.float32", Tag::float32}, {"numpy.float16", Tag::float32},
                             {"numpy.float64", Tag::float64}};

// numpy.datetime64 and timedelta64 whose item() is a bare int: finer than microseconds (pandas'
// ns), or out of datetime's range. As a date where microseconds hold it exactly, else as its str().
bool append_numpy_ticks(Buffer& out, PyObject* object, const char* unit, std::size_t most) {
  PyObject* coarse = PyObject_CallMethod(object, "astype", "s", unit);
  if (coarse == nullptr) return append_failure(out, object, "astype()", most);
  const int is_exact = PyObject_RichCompareBool(coarse, object, Py_EQ);
  PyObject* item = is_exact > 0 ? PyObject_CallMethod(coarse, "item", nullptr) : nullptr;
  Py_DECREF(coarse);
  if (PyErr_Occurred() != nullptr && !clear_if_ordinary()) return false;
  const bool is_plain = item == nullptr || PyLong_CheckExact(item);
  const bool done = is_plain ? encode_str_of(out, object, most) : encode_any(out, item, most);
  Py_XDECREF(item);
  return done;
}

bool append_numpy(Buffer& out, PyObject* object, std::size_t most) {
  const std::string_view name = Py_TYPE(object)->tp_name;
  const auto* width = std::ranges::find(kWidths, name, &Width::type);
  PyObject* item = PyObject_CallMethod(object, "item", nullptr);
  if (item == nullptr) return append_failure(out, object, "item()", most);
  bool done = true;
  if (width != std::end(kWidths) && PyFloat_CheckExact(item)) {
    append_float(out, width->tag, PyFloat_AS_DOUBLE(item));
  } else if (width != std::end(kWidths) && PyLong_CheckExact(item)) {
    append_tagged(out, width->tag,
                  width->tag == Tag::uint64
                      ? static_cast<std::int64_t>(PyLong_AsUnsignedLongLong(item))
                      : PyLong_AsLongLong(item));
  } else if (PyLong_CheckExact(item) && name == "numpy.datetime64") {
    done = append_numpy_ticks(out, object, "M8[us]", most);
  } else if (PyLong_CheckExact(item) && name == "numpy.timedelta64") {
    done = append_numpy_ticks(out, object, "m8[us]", most);
  } else if (Py_TYPE(item) == Py_TYPE(object)) {
    done = encode_str_of(out, object, most);  // numpy.longdouble: it has no Python value
  } else {
    done = encode_any(out, item, most);
  }
  Py_DECREF(item);
  return done;
}

bool append_enum(Buffer& out, PyObject* object, std::size_t most) {
  PyObject* name = PyObject_GetAttrString(object, "name");
  if (name == nullptr) return append_failure(out, object, "name", most);
  if (PyUnicode_Check(name)) {
    steal_text(out, name, most);
    return true;
  }
  Py_DECREF(name);
  return encode_str_of(out, object, most);  // a composed Flag may have none
}

// Whether the zone is one of Python's own, whose offset runs no code of the program's.
bool is_known_zone(PyObject* zone) {
  if (zone == Py_None || Py_IS_TYPE(zone, Py_TYPE(PyDateTime_TimeZone_UTC))) return true;
  PyObject* type = class_if_loaded("zoneinfo", "ZoneInfo");
  Py_XDECREF(type);  // only compared
  return reinterpret_cast<PyObject*>(Py_TYPE(zone)) == type;
}

// Whether a scalar is of one of numpy's own classes, and has a value of Python's.
bool is_known_scalar(PyObject* object) {
  if ((Py_TYPE(object)->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0) return false;
  PyObject* item = PyObject_CallMethod(object, "item", nullptr);
  if (item == nullptr) {
    PyErr_Clear();
    return false;
  }
  const bool is_known = !Py_IS_TYPE(item, Py_TYPE(object)) && !goes_by_str(item);
  Py_DECREF(item);
  return is_known;
}

// The name of an enum's member as append_enum has it, read where the enum module keeps it. False
// where the program has a way of its own to a name.
bool append_kept_name(Buffer& out, PyObject* object, std::size_t most) {
  if (Py_TYPE(object)->tp_getattro != PyObject_GenericGetAttr) return false;
  PyObject* base = class_if_loaded("enum", "Enum");
  if (base == nullptr) return false;
  const bool is_own =
      has_same_attribute(Py_TYPE(object), reinterpret_cast<PyTypeObject*>(base), "name");
  Py_DECREF(base);
  PyObject* kept = is_own ? PyObject_GenericGetDict(object, nullptr) : nullptr;
  if (kept == nullptr) {
    PyErr_Clear();
    return false;
  }
  PyObject* name = Py_XNewRef(PyDict_GetItemString(kept, "_name_"));
  Py_DECREF(kept);
  const bool is_text = name != nullptr && PyUnicode_CheckExact(name);
  if (is_text) {
    steal_text(out, name, most);
  } else {
    Py_XDECREF(name);
  }
  return is_text;
}

}  // namespace

std::string cut_text(std::string text, std::size_t most) {
  const std::size_t length = text.size();
  if (length <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  text.resize(most);
  return text + cut_mark(length);
}

bool describe_failure(PyObject* object, const char* what, std::string& text) {
  if (!PyErr_ExceptionMatches(PyExc_Exception)) return false;
  PyObject* type = nullptr;
  PyObject* error = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &error, &traceback);
  PyErr_NormalizeException(&type, &error, &traceback);
  text = std::string("<") + what + " of " + Py_TYPE(object)->tp_name + " raised " +
         reinterpret_cast<PyTypeObject*>(type)->tp_name;
  PyObject* message = error == nullptr ? nullptr : PyObject_Str(error);
  Py_XDECREF(type);
  Py_XDECREF(error);
  Py_XDECREF(traceback);
  if (message == nullptr && !clear_if_ordinary()) return false;
  const std::string words = message == nullptr ? "" : steal_wtf8(message);
  if (!words.empty()) text += ": " + words;
  text += '>';
  return true;
}

constinit CallConstants call_constants;

bool prepare_encoding() {
  call_constants.are_ticks_tsc = kTicksAreTsc;
  PyDateTime_IMPORT;
  PyTypeObject* const types[] = {&PyBaseObject_Type, &PyUnicode_Type, &PyLong_Type, &PyFloat_Type};
  for (std::size_t i = 0; i < std::size(types); ++i) {
    plain_formats[i] = PyObject_GetAttrString(reinterpret_cast<PyObject*>(types[i]), "__format__");
    if (plain_formats[i] == nullptr) return false;
  }
  return PyDateTimeAPI != nullptr;
}

void encode_text(Buffer& out, PyObject* text, std::size_t most) {
  const auto n = static_cast<std::size_t>(PyUnicode_GET_LENGTH(text));
  const auto kind = static_cast<std::size_t>(PyUnicode_KIND(text));
  if (n * kind > most) {
    append_cut(out, to_wtf8(text), most);
    return;
  }
  const char* data = static_cast<const char*>(PyUnicode_DATA(text));
  const Tag tag = PyUnicode_IS_ASCII(text) ? Tag::long_ascii
                  : kind == 1              ? Tag::latin1
                  : kind == 2              ? Tag::ucs2
                                           : Tag::ucs4;
  encode_sized(out, tag, {data, n * kind});
}

void steal_text(Buffer& out, PyObject* text, std::size_t most) {
  try {
    encode_text(out, text, most);
  } catch (const std::exception&) {
    Py_DECREF(text);
    throw;
  }
  Py_DECREF(text);
}

bool encode_str_of(Buffer& out, PyObject* object, std::size_t most) {
  PyObject* text = PyObject_Str(object);
  if (text == nullptr) return append_failure(out, object, "str()", most);
  steal_text(out, text, most);
  return true;
}

Tag native_tag(PyObject* object, bool ascii_only) {
  if (PyUnicode_CheckExact(object)) {
    return ascii_only && !PyUnicode_IS_ASCII(object) ? Tag::end : Tag::str;
  }
  if (PyLong_CheckExact(object)) {
    int overflow = 0;
    PyLong_AsLongLongAndOverflow(object, &overflow);
    return overflow == 0 ? Tag::int64 : Tag::end;
  }
  if (PyFloat_CheckExact(object)) return Tag::float64;
  if (object == Py_None) return Tag::none;
  if (object == Py_True) return Tag::true_;
  if (object == Py_False) return Tag::false_;
  return Tag::end;
}

std::uint64_t fast_types_of(const Template& text, std::size_t values) {
  if (values > kFastTypeValues) return 0;
  std::uint64_t fast_types = kAllFastTypes;
  for (const Hole& hole : text.holes()) {
    if (hole.value >= values) continue;
    std::uint64_t kinds = 0;
    if (hole.native(Tag::str)) kinds |= kFastStr;
    if (hole.native(Tag::int64)) kinds |= kFastInt;
    if (hole.native(Tag::float64)) kinds |= kFastFloat;
    if (hole.native(Tag::true_)) kinds |= kFastBool;
    if (hole.native(Tag::none)) kinds |= kFastNone;
    fast_types &= ~(std::uint64_t{0xff} << (8 * hole.value)) | kinds << (8 * hole.value);
  }
  return fast_types;
}

bool goes_by_str(PyObject* object) {
  const Row row = row_of(object);
  return row == Row::other || row == Row::nested;
}

bool formats_as_str(PyObject* object) {
  PyObject* type = reinterpret_cast<PyObject*>(Py_TYPE(object));
  PyObject* format = PyObject_GetAttrString(type, "__format__");
  if (format == nullptr) {
    clear_if_ordinary();
    return false;
  }
  Py_DECREF(format);  // only compared
  return std::ranges::find(plain_formats, format) != std::end(plain_formats);
}

bool encode_any(Buffer& out, PyObject* object, std::size_t most) {
  switch (row_of(object)) {
    case Row::text: encode_text(out, object, most); return true;
    case Row::integer: return append_int(out, object, most);
    case Row::real: append_float(out, Tag::float64, PyFloat_AS_DOUBLE(object)); return true;
    case Row::constant:
      out.push(static_cast<char>(object == Py_None   ? Tag::none
                                 : object == Py_True ? Tag::true_
                                                     : Tag::false_));
      return true;
    case Row::bytes: append_bytes(out, object, most); return true;
    case Row::datetime: return append_datetime(out, object, most);
    case Row::date:
      append_tagged(out, Tag::date,
                    days_of(PyDateTime_GET_YEAR(object), PyDateTime_GET_MONTH(object),
                            PyDateTime_GET_DAY(object)));
      return true;
    case Row::time: return append_time(out, object, most);
    case Row::duration: return append_duration(out, object, most);
    case Row::numpy: return append_numpy(out, object, most);
    case Row::enumeration: return append_enum(out, object, most);
    case Row::nested: return encode_nested(out, object, most);
    case Row::other: break;
  }
  return encode_str_of(out, object, most);
}

bool encode_inert(Buffer& out, PyObject* object, std::size_t most) {
  switch (row_of(object)) {
    case Row::nested:
    case Row::other: return false;
    case Row::enumeration: return append_kept_name(out, object, most);
    case Row::datetime:
      if (!is_known_zone(PyDateTime_DATE_GET_TZINFO(object))) return false;
      break;
    case Row::time:
      if (!is_known_zone(PyDateTime_TIME_GET_TZINFO(object))) return false;
      break;
    case Row::numpy:
      if (!is_known_scalar(object)) return false;
      break;
    default: break;
  }
  return encode_any(out, object, most);
}

}  // namespace attolog::python
