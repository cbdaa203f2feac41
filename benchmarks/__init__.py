"""The numbers that attolog promises: `python -m benchmarks` (docs/explanation/benchmarks.md)."""
