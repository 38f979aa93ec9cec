"""A library that ships hooks and depends on snapstart_hooks."""
