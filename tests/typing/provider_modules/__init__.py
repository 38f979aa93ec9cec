"""Modules as a library would ship them: none imports snapstart_hooks."""
