"""Hooks for libraries that ship none: one module for each library, loaded if the function imports the library."""
