"""The ways in which a registry is driven: one module for each."""
