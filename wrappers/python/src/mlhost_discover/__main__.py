"""Finds the parameters of Python scripts by reading them; nothing of them is executed.

    python3 -I -S -B mlhost_discover < {"paths": [ABSOLUTE PATH, ...], "site": {PATH: [FOLDER, ...]}}

writes one line of JSON for each path, in order; site are the folders with the libraries that the
script would import, whose source is read too. A script's main path is followed as far as
its source tells: statements in order, calls of functions of the same tree with their
arguments, both sides of a condition. What a value is where that cannot be told is Unknown.
"""

import json
import sys

from script import Script
from sources import Tree


def main():
    import warnings

    warnings.simplefilter("ignore")  # the scripts' own escapes and comparisons
    sys.setrecursionlimit(3000)
    tree = Tree()
    asked = json.load(sys.stdin)
    for path in asked["paths"]:
        scan = Script(tree, path, asked.get("site", {}).get(path, ()))
        try:
            found = scan.run()
        except Exception as failure:  # a mistake of this program must cost one script, not all of them
            found = {"path": path, "style": "none", "parameters": [], "script": True, "reads": scan.reads,
                     "problems": scan.problems + [{"line": 0, "message": "mlhost could not read this script: %s: %s" % (type(failure).__name__, failure)}]}
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
