"""A library that ships hooks."""
