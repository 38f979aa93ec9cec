"""What happens inside one process: the Lambda runtime, and the instruments that watch it."""
