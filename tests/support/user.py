# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a passer becomes that was started as root, as src/control/privileges.c chooses; nobody."""
import contextlib
import os
import pwd


def _find():
    for name in ("passer", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return pwd.getpwuid(os.geteuid())


USER_NAME, _, USER_ID, *_ = _find()

NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def give(*paths):
    """Makes files or folders that user's own."""
    for path in paths:
        os.chown(path, USER_ID, -1)
