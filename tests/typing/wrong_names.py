"""Names that are misspelt or not public: each is an error for every type checker.

The statement below a line `# wrong: why` is the wrong use. `test_typing.py` compares.
"""

from __future__ import annotations

import snapstart_hooks

# wrong: there is no such decorator
from snapstart_hooks import after_snapshot

# wrong: there is no such error
from snapstart_hooks.errors import HookFailed

# wrong: that is AWS's getter, and not ours
from snapstart_hooks import get_after_restore

# wrong: there is no such function
snapstart_hooks.register_after_snapshot

# wrong: nor such a class
snapstart_hooks.Priorities

# wrong: there is no such module
import snapstart_hooks.registry
