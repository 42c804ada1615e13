"""Starts the connector: a host of mlhost that knows the scripts of this folder.

    python hivemind_connector.py &

It answers on the ports 10117 and 10118 until `mlhost down`, or ctrl-C. The
scripts are those of the folder ml-models, where there is one beside this file,
else those beside it; a configuration (*.hcl) there is used.
"""

# Written by `mlhost sdk python`.

import os
import shutil
import sys

MLHOST = ""  # the program that has written this file


def program():
    """Returns the path of mlhost, or ends with what to do."""
    for found in (os.environ.get("MLHOST"), shutil.which("mlhost"), MLHOST):
        if found and os.access(found, os.X_OK):
            return found
    sys.exit("mlhost is not installed: put it on PATH, or name it in $MLHOST")


def folder():
    """Returns the folder of the scripts."""
    here = os.path.dirname(os.path.abspath(__file__))
    inner = os.path.join(here, "ml-models")
    return inner if os.path.isdir(inner) else here


if __name__ == "__main__":
    path = program()
    os.execv(path, [path, "run", folder()] + sys.argv[1:])
