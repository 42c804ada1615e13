"""What is told of a piece of syntax by itself."""

import ast
import re


def dotted(node):
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id] + parts[::-1])


def hyphenated(name):
    """Returns a name as command lines have it: DefaultStrategy is default-strategy."""
    return re.sub(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))", r"-\1", name).lower().replace("_", "-")


def text_of(node):
    """Returns an expression's source, shortened."""
    try:
        text = ast.unparse(node)
    except (AttributeError, RecursionError, ValueError):  # before 3.9 there is no unparse
        text = dotted(node) or (dotted(node.func) or "a call") + "(...)" if isinstance(node, ast.Call) else dotted(node) or "an expression"
    return text if len(text) <= 60 else text[:57] + "..."


def index_of(node):
    index = node.slice
    return index.value if type(index).__name__ == "Index" else index


def index_chain(name):
    """Returns a dotted name as what is read by keys: config.optim.lr is config[optim][lr]."""
    first, *rest = name.split(".")
    return first + "".join("[%s]" % part for part in rest)


def indexed(node):
    """Returns the chain of what is read by keys that are texts, None for anything else."""
    keys = []
    while isinstance(node, ast.Subscript):
        key = index_of(node)
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        keys.append("[%s]" % key.value)
        node = node.value
    return node.id + "".join(keys[::-1]) if isinstance(node, ast.Name) else None


def is_static(node):
    return any(dotted(d) == "staticmethod" for d in node.decorator_list)


def is_main_guard(test):
    """Returns whether the test is true in a script: None where it is no such test."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        sides = [test.left, test.comparators[0]]
        if any(isinstance(s, ast.Name) and s.id == "__name__" for s in sides) and any(isinstance(s, ast.Constant) and s.value == "__main__" for s in sides):
            return isinstance(test.ops[0], ast.Eq)
    return None


def sets_up(call):
    """Tells a call that modules make too when they are imported."""
    name = dotted(call.func) or ""
    return name.split(".")[0] in ("sys", "warnings", "logging", "logger", "matplotlib", "os") or name.endswith((".register", "filterwarnings", "setLevel", "manual_seed"))


def is_dataclass(cls):
    names = {dotted(d.func if isinstance(d, ast.Call) else d) or "" for d in cls.node.decorator_list}
    return any(n.split(".")[-1] in ("dataclass", "define", "s", "attrs", "frozen") for n in names)


def docstring_arguments(node):
    """Returns what a function's docstring says of its arguments (Google's form, and :param x:)."""
    out = {}
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        for match in re.finditer(r"^\s*(?::param\s+)?(\w+)\s*(?:\([^)\n]*\))?:[ \t]+(\S.*)$", first.value.value[:20_000], re.M):
            out.setdefault(match.group(1), match.group(2).strip())
    return out
