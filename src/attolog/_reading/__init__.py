"""Reading what was logged: journals and their tables, estimates from samples, CSV files."""
