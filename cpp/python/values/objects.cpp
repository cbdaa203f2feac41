#include "python/values/objects.hpp"

#include <datetime.h>

#include <string>

#include "python/values/text.hpp"

namespace attolog::python {

namespace {

PyObject* time_delta(std::int64_t us) {
  return PyDelta_FromDSU(static_cast<int>(us / 86'400'000'000),
                         static_cast<int>(us % 86'400'000'000 / 1'000'000),
                         static_cast<int>(us % 1'000'000));
}

// epoch + us; datetimes beyond what Python has become their number of microseconds.
PyObject* date_time(std::int64_t us, PyObject* zone) {
  PyObject* epoch = PyDateTimeAPI->DateTime_FromDateAndTime(1970, 1, 1, 0, 0, 0, 0, zone,
                                                            PyDateTimeAPI->DateTimeType);
  PyObject* since = time_delta(us);
  PyObject* result = epoch == nullptr || since == nullptr ? nullptr : PyNumber_Add(epoch, since);
  Py_XDECREF(epoch);
  Py_XDECREF(since);
  if (result == nullptr && clear_if_ordinary()) result = PyLong_FromLongLong(us);
  return result;
}

PyObject* aware_date_time(const Value& value) {
  PyObject* offset = time_delta(std::int64_t{value.offset_seconds} * 1'000'000);
  PyObject* zone = offset == nullptr ? nullptr : PyTimeZone_FromOffset(offset);
  PyObject* utc = date_time(value.i, PyDateTime_TimeZone_UTC);
  PyObject* result = nullptr;
  if (zone != nullptr && utc != nullptr && PyDateTime_Check(utc)) {
    result = PyObject_CallMethod(utc, "astimezone", "O", zone);
  }
  Py_XDECREF(offset);
  Py_XDECREF(zone);
  if (result == nullptr && clear_if_ordinary()) return utc;
  Py_XDECREF(utc);
  return result;
}

// Days and times beyond what Python has become their numbers, like datetimes.
PyObject* date_of(std::int64_t days) {
  constexpr std::int64_t kMostDays = 4'000'000;  // the year 9999 ends before
  if (days < -kMostDays || days > kMostDays) return PyLong_FromLongLong(days);
  PyObject* whole = date_time(days * 86'400'000'000, Py_None);
  PyObject* date = whole != nullptr && PyDateTime_Check(whole)
                       ? PyObject_CallMethod(whole, "date", nullptr)
                       : nullptr;
  if (date == nullptr && clear_if_ordinary()) {
    Py_XDECREF(whole);
    return PyLong_FromLongLong(days);
  }
  Py_XDECREF(whole);
  return date;
}

PyObject* time_of(std::int64_t us) {
  if (us < 0 || us >= 86'400'000'000) return PyLong_FromLongLong(us);
  const auto seconds = static_cast<int>(us / 1'000'000);
  return PyTime_FromTime(seconds / 3600, seconds / 60 % 60, seconds % 60,
                         static_cast<int>(us % 1'000'000));
}

PyObject* bigint_of(std::string_view digits) {
  const std::string text(digits);
  PyObject* number = PyLong_FromString(text.c_str(), nullptr, 0);
  if (number == nullptr && clear_if_ordinary()) return from_wtf8(digits);
  return number;
}

// The text of a value, instead of an error of its JSON.
PyObject* text_instead(const Value& value) {
  return clear_if_ordinary() ? from_wtf8(value.text) : nullptr;
}

// The value that was logged. JSON has no tuples, and no keys but texts: of such a value there is
// its text.
PyObject* nested_of(const Value& value) {
  PyObject* module = PyImport_ImportModule("json");
  PyObject* json = module == nullptr ? nullptr : from_wtf8(value.json());
  PyObject* result = json == nullptr ? nullptr : PyObject_CallMethod(module, "loads", "O", json);
  Py_XDECREF(json);
  Py_XDECREF(module);
  PyObject* shown = result == nullptr ? nullptr : PyObject_Str(result);
  PyObject* text = shown == nullptr ? nullptr : from_wtf8(value.text);
  const bool is_same = text != nullptr && PyUnicode_Compare(shown, text) == 0;
  Py_XDECREF(shown);
  if (is_same) {
    Py_DECREF(text);
    return result;
  }
  Py_XDECREF(result);
  return text == nullptr ? text_instead(value) : text;
}

}  // namespace

bool prepare_objects() {
  PyDateTime_IMPORT;
  return PyDateTimeAPI != nullptr;
}

PyObject* to_object(const Value& value) {
  switch (value.tag) {
    case Tag::false_: Py_RETURN_FALSE;
    case Tag::true_: Py_RETURN_TRUE;
    case Tag::int64:
    case Tag::int8:
    case Tag::int16:
    case Tag::int32:
    case Tag::uint8:
    case Tag::uint16:
    case Tag::uint32: return PyLong_FromLongLong(value.i);
    case Tag::uint64: return PyLong_FromUnsignedLongLong(static_cast<std::uint64_t>(value.i));
    case Tag::float64:
    case Tag::float32: return PyFloat_FromDouble(value.f);
    case Tag::str: return value.is_nested ? nested_of(value) : from_wtf8(value.text);
    case Tag::bytes:
      return PyBytes_FromStringAndSize(value.text.data(),
                                       static_cast<Py_ssize_t>(value.text.size()));
    case Tag::bigint: return bigint_of(value.text);
    case Tag::datetime: return date_time(value.i, Py_None);
    case Tag::datetime_utc: return aware_date_time(value);
    case Tag::date: return date_of(value.i);
    case Tag::time: return time_of(value.i);
    case Tag::duration: return time_delta(value.i);
    default: Py_RETURN_NONE;
  }
}

}  // namespace attolog::python
