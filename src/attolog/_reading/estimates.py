"""Estimates of a table: figures of all calls, from the records of a sample."""

from __future__ import annotations

from collections.abc import Iterator

from attolog import _core
from attolog._reading import estimate
from attolog._reading.estimate import Estimate


class Estimates:
    """What a table's records say about all calls that were made."""

    __slots__ = ()

    _reader: _core.Reader
    name: str
    kind: str
    sampling: str | None

    def estimate_count(self, *, level: float = 0.95) -> Estimate:
        """Estimate how many calls there were.

        Args:
            level: Of confidence of the interval.

        Returns:
            (value, low, high, records). The count is exact for `first` and `cap` up to the end of
            their last interval, and without sampling. For `every` the bounds are certain.

        Raises:
            ValueError: The level is not between 0 and 1, or the table is `*`.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     for ms in 70, 20, 30:
            ...         log("request", ms)
            >>> requests = attolog.read(path)["request"]
            >>> requests.estimate_count()
            Estimate(value=3.0, low=3.0, high=3.0, records=3)
        """
        samples = self._samples(None)
        return estimate.count(samples, estimate.left_out(self._reader, self.name), level)

    def estimate_sum(self, field: str, *, level: float = 0.95) -> Estimate:
        """Estimate the sum of a field over all calls.

        Args:
            field: Its name. Absent values, NaN and infinities are left out.
            level: Of confidence of the interval.

        Returns:
            (value, low, high, records). There is no interval, but None, for `first` and `cap`,
            whose sums are approximate, and for a single sampled record.

        Raises:
            KeyError: The table has no such field.
            TypeError: The field holds what is no number.
            ValueError: The level is not between 0 and 1, or the table is `*`.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     for ms in 70, 20, 30:
            ...         log("request", ms)
            >>> attolog.read(path)["request"].estimate_sum("ms")
            Estimate(value=120.0, low=120.0, high=120.0, records=3)
        """
        return estimate.total(self._samples(field), level)

    def estimate_mean(self, field: str, *, level: float = 0.95) -> Estimate:
        """Estimate the mean of a field over all calls that have it.

        Args:
            field: Its name. Absent values, NaN and infinities are left out.
            level: Of confidence of the interval.

        Returns:
            (value, low, high, records), as of `estimate_sum`; NaN if there is no value.

        Raises:
            KeyError: The table has no such field.
            TypeError: The field holds what is no number.
            ValueError: The level is not between 0 and 1, or the table is `*`.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     for ms in 70, 20, 30:
            ...         log("request", ms)
            >>> attolog.read(path)["request"].estimate_mean("ms").value
            40.0
        """
        return estimate.mean(self._samples(field), level)

    def estimate_quantile(self, field: str, q: float, *, level: float = 0.95) -> Estimate:
        """Estimate a quantile of a field over all calls that have it.

        Args:
            field: Its name. Absent values, NaN and infinities are left out.
            q: Which one: 0.5 is the median.
            level: Of confidence of the interval.

        Returns:
            (value, low, high, records). The value is one of the field's: the smallest that at least
            the share `q` of the calls does not exceed; NaN if there is none. A bound is None where
            the sample does not reach so far; both are where `estimate_sum` has none.

        Raises:
            KeyError: The table has no such field.
            TypeError: The field holds what is no number.
            ValueError: q or the level is out of range, or the table is `*`.

        Example:
            >>> import attolog, tempfile
            >>> path = tempfile.mkdtemp() + "/run.atto"
            >>> with attolog.AsyncFileLogger(path) as log:
            ...     for ms in 70, 20, 30:
            ...         log("request", ms)
            >>> attolog.read(path)["request"].estimate_quantile("ms", 0.5).value
            30.0
        """
        return estimate.quantile(self._samples(field), q, level)

    def _samples(self, field: str | None) -> Iterator[estimate.Sample]:
        if self.kind == "all":
            raise ValueError("an estimate is made from one table, not from all records")
        return estimate.samples_of(self._reader, self.name, self.sampling, field)
