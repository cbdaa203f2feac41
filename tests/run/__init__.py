"""`attolog run`, against plain Python."""
