"""Programs that nobody here wrote, under plain Python and under `attolog run`."""
