"""Hooks for libraries that ship none: a module for each, loaded where the library is imported."""
