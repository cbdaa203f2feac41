"""Python API: what a program meets that logs, reads, or runs the command line."""
