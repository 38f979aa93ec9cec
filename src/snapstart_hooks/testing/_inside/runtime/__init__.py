"""What happens inside one process: the Lambda runtime, and who watches it."""
