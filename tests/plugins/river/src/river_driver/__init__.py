"""A library that ships hooks and depends on nothing."""
