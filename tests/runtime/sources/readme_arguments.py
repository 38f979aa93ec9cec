"""Functions with arguments: the README of snapshot-restore-py 1.0.0, "Registering functions with arguments"."""

from snapstart_hooks import register_after_restore, register_before_snapshot


def lambda_handler(event, context):
    return "handled"


def say(word, *more, end):
    print(word, *more, end=end)


register_before_snapshot(say, "closed", "database", "cache", end="!\n")
register_after_restore(say, "opened", end="?\n")
