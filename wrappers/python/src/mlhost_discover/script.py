"""One script. Each base class does one job; they reach each other through self, so that no module imports in a circle."""

import ast
import os
import time

from calls import Calls
from expressions import Expressions
from imports import Imports
from installed import Installed
from libraries import Libraries
from loops import Mutability
from output import Output
from statements import Statements
from style_absl import Absl
from style_argparse import Argparse
from style_assigned import Assigned
from style_classes import Classes
from style_click import Click
from style_commands import Commands
from style_config import Config
from style_constants import Constants
from style_declared import Declared
from style_docopt import Docopt
from style_draccus import Draccus
from style_fire import Fire
from style_gin import Gin
from style_held import Held
from style_lightning import Lightning
from ways import Ways

MAX_SECONDS = 10.0


class Script(
    Argparse, Classes, Commands, Docopt, Fire, Click, Absl, Declared, Config, Constants, Held, Assigned, Lightning, Gin, Draccus,
    Libraries, Installed, Calls, Expressions, Statements, Imports, Mutability, Ways, Output,
):
    """Follows one script's main path and gathers its parameters."""

    def __init__(self, tree, path, site=()):
        self.tree, self.path, self.site = tree, path, site
        self.looked_up, self.library_files, self.library_bytes, self.registries = {}, 0, 0, {}
        self.modules, self.reads, self.executed, self.sought = {}, {}, {}, {}
        self.problems, self.styles = [], []
        self.parsers, self.commands, self.found = [], [], []
        self.stored, self.overrides, self.header = {}, {}, ""
        self.namespaces, self.live_names = set(), None
        self.funcs = []
        self.following = 0  # more than 0: every function is followed, whatever it says
        self.steps, self.calls, self.stack, self.unsure = 0, {}, [], 0
        self.deadline = time.process_time() + MAX_SECONDS
        self.is_script, self.taken_at, self.avoids = False, 0, False
        self.handlers = {getattr(ast, name[3:]): getattr(self, name) for name in HANDLERS if hasattr(ast, name[3:])}
        self.roots = self.find_roots(os.path.dirname(path))


HANDLERS = [name for name in dir(Script) if name.startswith(("on_", "do_"))]
