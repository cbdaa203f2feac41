"""Modules that the native side calls: `cpp/python` names each function in a text.

`attolog._imports` loads them while a logger is opened, so that no log call imports anything.
"""
