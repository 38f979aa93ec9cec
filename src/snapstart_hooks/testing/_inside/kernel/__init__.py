"""What is asked of the kernel: what a process has, and how a clone gets its own of it."""
