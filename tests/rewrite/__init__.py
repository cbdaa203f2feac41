"""`attolog rewrite`: what becomes of prints, and what they mean afterwards."""
