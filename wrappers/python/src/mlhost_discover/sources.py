"""Files, and what is wrong with them."""

import ast
import gc
import hashlib
import os
import re
import sys

from loops import Facts

MAX_BYTES = 5_000_000
MAX_KEPT = 8_000_000  # bytes of source whose syntax trees are kept
SPEAKS = re.compile(r"add_argument|arse_(?:known_)?(?:arg|opt|flag|config)|Parser|get_\w*arg|make_\w*arg|_args\(|argv|DEFINE_|\b(?:click|typer|fire|Fire|hydra|tyro|docopt|draccus|pyrallis|optparse|OmegaConf)\b|"
                    r"register_parameter|mlhost|\bcli\b|\b(?:args|opt|opts|config|cfg)\s*=\s*\w*(?:arg|opt|parse|config)\w*\(")
PYTHON2 = re.compile(r"^\s*(print\s+[^(=\s]|print\s*$|exec\s+['\"]|raise\s+\w+\s*,|except\s+[\w.]+\s*,\s*\w+\s*:)", re.M)


class Unreadable(Exception):
    def __init__(self, message, line=0):
        super().__init__(message)
        self.line = line


class Source:
    """One file, parsed once for all scripts that need it."""

    def __init__(self, path):
        self.path, self.sha256, self.problem, self.tree, self.text = path, "", None, None, ""
        self._facts, self._words, self.size = None, None, 0
        try:
            if not os.path.isfile(path):
                raise Unreadable("the file cannot be read: it is no regular file" if os.path.exists(path) else "the file cannot be read: it is not there")
            with open(path, "rb") as f:
                data = f.read(MAX_BYTES + 1)
        except OSError as e:
            self.problem = Unreadable("the file cannot be read: %s" % e.strerror)
            return
        except Unreadable as e:
            self.problem = e
            return
        self.sha256, self.size, self.data = hashlib.sha256(data).hexdigest(), len(data), data
        self.text = data.decode("utf-8", "replace")

    def ready(self):
        """Parses the file, once; returns whether it can be read."""
        if self.problem is None and self.tree is None:
            try:
                self.tree = self.parse(self.data)
            except Unreadable as e:
                self.problem = e
            self.data = b""
        return self.problem is None

    @property
    def speaks(self):
        """Tells whether the file says anything of arguments or configurations."""
        if self._words is None:
            self._words = bool(SPEAKS.search(self.text))
        return self._words

    def parse(self, data):
        if len(data) > MAX_BYTES:
            raise Unreadable("the file has more than %d MB; larger ones are not read" % (MAX_BYTES // 1_000_000))
        if b"\0" in data:
            raise Unreadable("the file is binary")
        try:
            tree = ast.parse(data, self.path)
        except SyntaxError as e:
            text = data.decode("utf-8", "replace")
            if PYTHON2.search(text):
                raise Unreadable("this is Python 2: %s" % e.msg, e.lineno or 0) from None
            raise Unreadable("syntax error for Python %d.%d: %s" % (sys.version_info[:2] + (e.msg,)), e.lineno or 0) from None
        except (RecursionError, MemoryError):
            raise Unreadable("the file nests too deeply") from None
        except (ValueError, LookupError, OverflowError) as e:
            raise Unreadable("the file cannot be read: %s" % e) from None
        self.lines = self.text.splitlines()
        return tree

    def facts(self):
        if self._facts is None and self.ready():
            self._facts = Facts(self.tree)
        return self._facts


class Tree:
    """The files, across scripts; those that were read last are kept."""

    def __init__(self):
        self.sources, self.size, self.folders = {}, 0, {}
        # A syntax tree is a great many objects that live on: the collector would look at
        # them again and again, at the price of half of all time.
        gc.set_threshold(500_000, 20, 100)

    def is_file(self, path):
        """Tells whether there is such a file, by one look at its folder."""
        folder, _, name = path.rpartition(os.sep)
        names = self.folders.get(folder)
        if names is None:
            try:
                names = set(os.listdir(folder or os.sep))
            except OSError:
                names = set()
            self.folders[folder] = names
        return name in names and os.path.isfile(path)

    def source(self, path):
        found = self.sources.pop(path, None)
        if found is None:
            found = Source(path)
            self.size += found.size
        self.sources[path] = found
        while self.size > MAX_KEPT and len(self.sources) > 1:
            self.size -= self.sources.pop(next(iter(self.sources))).size
        return found
