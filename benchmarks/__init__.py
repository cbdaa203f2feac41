"""The numbers that attolog promises, measured: `python -m benchmarks` (docs/benchmarks.md)."""
