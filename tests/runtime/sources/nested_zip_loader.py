"""The loader of "nested_zip_loader.py": it becomes the ``__init__.py`` of a function's package.

Unpacks the real package and all its dependencies from a zip beside it to the folder for
temporary files, puts that first on the path, and loads the real package in its own place.
"""


def load_nested_zip():
    import fcntl
    import importlib
    import sys
    import tempfile
    import zipfile
    from pathlib import Path

    temporary = Path(tempfile.gettempdir())
    target = temporary / "package-python-function"
    with (temporary / ".package-python-function.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            staging = temporary / ".stage.package-python-function"
            with zipfile.ZipFile(Path(__file__).parent / ".dependencies.zip") as nested:
                nested.extractall(staging)
            staging.rename(target)  # all of it is there, or nothing
    sys.path[0] = str(target)
    importlib.reload(sys.modules[__name__])


load_nested_zip()
