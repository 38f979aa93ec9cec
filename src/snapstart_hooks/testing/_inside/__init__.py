"""What runs in the process of the function that is cloned, beside it.

Importing `snapstart_hooks` under SnapStart activates it.  A function that does not use
it must find its process as Lambda would give it, so this package never imports from
outside itself but the standard library and `awslambdaric`, and is loaded there under the
name ``_snapstart_inside`` (see `snapstart_hooks.testing._process`).  The test process
imports the same modules under their ordinary name.

``processes``: the ``keeper`` makes the PID namespace and ends everything in it; the ``zygote`` runs the
function up to the snapshot and makes the clones, or, with ``criu``, is dumped and restored;
the ``supervisor`` watches the clones.
"""
