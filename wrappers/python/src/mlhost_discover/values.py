"""What an expression of a script may be, and what is known of a parameter."""

from syntax import text_of


class Budget(Exception):
    """The script asks for more work than one script may."""


class Unknown:
    """A value that the source does not tell."""

    def __init__(self, source=""):
        self.source = source  # its text, or the piece of syntax

    @property
    def text(self):
        return self.source if isinstance(self.source, str) else text_of(self.source)


class Deferred(Unknown):
    """A call that is not followed, unless its value turns out to matter."""

    def __init__(self, node, scope):
        super().__init__(node)
        self.scope = scope


class Const:
    def __init__(self, value):
        self.value = value


class Seq:
    attrs = {}  # of a named tuple

    def __init__(self, items, kind=list):
        self.items, self.kind = items, kind


class Table:
    """A dictionary with known string keys."""

    def __init__(self, items):
        self.items = items


class Ext:
    """Something of a library or of the language, by its dotted name."""

    def __init__(self, name):
        self.name = name


class ModuleValue:
    def __init__(self, module):
        self.module = module


class Lazy:
    """A name imported from a module of the tree, looked up when it is used."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Func:
    def __init__(self, node, module, closure=None, owner=None):
        self.node, self.module, self.closure, self.owner = node, module, closure, owner
        self.click = []  # options and arguments, as decorators put them
        self.command = None  # a Command


class Bound:
    def __init__(self, func, receiver):
        self.func, self.receiver = func, receiver


class Method:
    """A method of something that is no class of the tree."""

    def __init__(self, receiver, name):
        self.receiver, self.name = receiver, name


class Class:
    def __init__(self, node, module, bases, closure=None):
        self.node, self.module, self.bases, self.closure = node, module, bases, closure
        self.draccus = False


class Instance:
    def __init__(self, cls):
        self.cls, self.attrs = cls, {}
        self.lines = {}  # of attributes that are assigned: line and module
        self.given = {}  # what it was made with, by name


class Namespace:
    """What a parser hands out: its attributes are the parameters."""


class Deco:
    """A decorator of a library, with its arguments."""

    def __init__(self, name, args, kwargs, line):
        self.name, self.args, self.kwargs, self.line = name, args, kwargs, line


class Command:
    """A click command or group, or a typer application."""

    def __init__(self, func=None, style="click"):
        self.func, self.style, self.children, self.listed = func, style, [], False  # children: each with its style and its word
        self.name = None


class Parser:
    def __init__(self, style, line, module):
        self.style, self.line, self.module = style, line, module
        self.params, self.children, self.defaults = [], [], {}
        self.prefix, self.parsed, self.cls, self.attrs, self.nested = "-", False, None, {}, False
        self.unsure = 0
        self.merges, self.merged, self.counts = False, {}, {}
        self.paths, self.words, self.abbreviates = [], [], True  # of a subcommand: its words, each way; the words of its own subcommands


class Group:
    def __init__(self, parser):
        self.parser = parser


class Subparsers:
    def __init__(self, parser, param):
        self.parser, self.param = parser, param


class Super:
    def __init__(self, receiver, cls):
        self.receiver, self.cls = receiver, cls


class Partial:
    def __init__(self, target, args, kwargs):
        self.target, self.args, self.kwargs = target, list(args), kwargs


class Wrapped:
    """A function that a library's decorator gives its configuration."""

    def __init__(self, func, deco):
        self.func, self.deco = func, deco


THERE = (Func, Bound, Class, Instance, Namespace, Parser, Group, Subparsers, Command)  # never None, never false


class YamlFile:
    def __init__(self, path):
        self.path = path


class Alternatives:
    """A type that is one of several."""

    def __init__(self, items):
        self.items = items


class NotPlain(Exception):
    pass


def plain(value):
    """Returns the Python value, or raises NotPlain."""
    if isinstance(value, Const):
        return value.value
    if isinstance(value, Seq):
        return value.kind([plain(v) for v in value.items])
    if isinstance(value, Table):
        return {k: plain(v) for k, v in value.items.items()}
    raise NotPlain


def wrap(value):
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return Seq([wrap(v) for v in value], tuple if isinstance(value, tuple) else list)
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return Table({k: wrap(v) for k, v in value.items()})
    return Const(value)


def jsonable(value):
    """Returns the value as JSON takes it; what JSON cannot say is None."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else float(value) if abs(value) < 10**300 else None
    if isinstance(value, float):
        return value if value - value == 0 else "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, (list, tuple)):
        return [jsonable(v) for v in value]
    if isinstance(value, dict):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return None


def type_of(value):
    for python, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "string"), (bytes, "string"), ((list, tuple), "list"), (dict, "map")):
        if isinstance(value, python):
            return name
    return "any"


TYPES = {
    "int": "int", "float": "float", "str": "string", "bool": "bool", "list": "list", "tuple": "list", "dict": "map", "set": "list", "bytes": "string",
    "pathlib.Path": "string", "pathlib.PurePath": "string", "os.path.abspath": "string", "os.path.expanduser": "string", "os.path.realpath": "string",
    "argparse.FileType": "string", "typing.List": "list", "typing.Sequence": "list", "typing.Tuple": "list", "typing.Dict": "map", "typing.Any": "any",
    "typing.Set": "list", "typing.Iterable": "list", "typing.Mapping": "map", "typing.Text": "string", "json.loads": "any", "os.PathLike": "string",
    "click.INT": "int", "click.FLOAT": "float", "click.STRING": "string", "click.BOOL": "bool", "click.Path": "string", "click.File": "string",
    "click.IntRange": "int", "click.FloatRange": "float", "click.Choice": "string", "click.UUID": "string", "click.DateTime": "string",
    "float64": "float", "collections.abc.Sequence": "list", "collections.abc.Mapping": "map", "typing.MutableMapping": "map", "complex": "any",
    "ast.literal_eval": "any", "eval": "any", "datetime.timedelta": "string", "decimal.Decimal": "float",
}


class Param:
    def __init__(self, name, line, module, style):
        self.name, self.line, self.module, self.style = name, line, module, style
        self.type, self.default, self.choices, self.min, self.max = "any", None, None, None, None
        self.required, self.doc, self.confidence, self.mutability, self.passed = False, "", "sure", "", ""
        self.read = name  # by which dotted name the script reads it
        # What ways.py needs: how the option was declared.
        self.form, self.flags, self.off, self.verb, self.nargs, self.converter = "", [], "", "", None, None
        self.positional, self.position, self.nested = False, 0, False
        self.commands, self.before, self.abbreviates = [], [], False  # the subcommands that it belongs to, and those that come behind it
        self.extra, self.enum, self.several = [], "", []
        self.mixed = False  # of several types, whatever its default is of
        self.target = ""  # of a literal: where the running script reads it, if that is not its own place
        self.why = ""  # why no value can be passed

    def set_default(self, value):
        self.default = value
        if self.type == "any" and value is not None and not self.mixed:
            self.type = type_of(value)

    def copy(self):
        other = Param(self.name, self.line, self.module, self.style)
        other.__dict__.update(self.__dict__)
        other.commands, other.before = list(self.commands), list(self.before)
        return other

    def alike(self, other):
        """Tells whether the same words pass a value to both."""
        return all(getattr(self, n) == getattr(other, n) for n in ("form", "flags", "off", "verb", "positional", "position")) and type(self.nargs) is type(other.nargs)

    def join(self, other):
        """Takes up another subcommand's parameter of this name."""
        if self.nested and other.nested and self.alike(other):
            self.commands += [path for path in other.commands if path not in self.commands]
