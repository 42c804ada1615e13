"""What the script's real parser has, told to the host: names, types, choices,
defaults, help and the values in use. Names that reading the script had found,
and no parser has, are taken back."""

from __future__ import annotations

from ._live import Field, later
from ._session import current
from ._settings import Parameter
from ._spec import LIVE, RESTART, Spec, type_of
from ._typing import Any, Callable, Dict, List, Optional
from ._values import plain

__all__ = ["Found", "after", "fields", "offer_globals", "report", "type_of"]

SETTLED = 1.0  # seconds after the last parse until names are taken back

_seen: Dict[str, bool] = {}  # names that some parser has
_styles: Dict[str, bool] = {}  # styles of which a parser has run
#: What the script reads only when it starts: specs and values in use, by name.
at_start: Dict[str, Any] = {}
_told: Dict[str, Any] = {}  # what was found first of each name
_scheduled = [False]


class Found:
    """One parameter of a parser."""

    def __init__(
        self,
        dest: str,
        type: str,
        default: Any,
        value: Any,
        doc: str = "",
        choices: Optional[List[Any]] = None,
        convert: Optional[Callable[[Any, Any], Any]] = None,
        path: Optional[List[str]] = None,
        in_use: bool = True,
        bounds: Any = (None, None),
    ) -> None:
        self.dest, self.type, self.default, self.value = dest, type, default, value
        self.doc, self.choices, self.convert, self.path = doc, choices, convert, path
        self.bounds = bounds  # (least, most)
        self.in_use = in_use  # False: of a subcommand that does not run


def report(style: str, found: List[Found], target: Any = None, what: str = "", covers: Optional[List[str]] = None) -> None:
    """Tells the host what a parser has. target is the object that the script reads
    the values from, if any; covers lists further styles that this parser serves."""
    session = current()
    if not session.connected:
        return
    session.wait_for_start()
    catalogue = session.catalogue
    by_dest: Dict[str, Dict[str, Any]] = {}
    for entry in catalogue:
        by_dest.setdefault(entry.get("dest") or entry["name"], entry)
        by_dest.setdefault(entry["name"], entry)
    for one in found:
        entry = by_dest.get(one.dest) or {}
        name = entry.get("name") or one.dest
        _seen[name] = True
        if isinstance(session.settings.known.get(name), Parameter):
            continue  # the script has declared it itself, which goes before
        _declare(session, style, name, one, entry, target, what)
    for covered in [style] + list(covers or []):
        _styles[covered] = True
    _schedule()


def fields(value: Any, prefix: str = "", path: Optional[List[str]] = None) -> List[Found]:
    """Returns what a dataclass's instance, or a namespace of such, holds, nested
    ones with their own names behind a point."""
    import dataclasses

    found: List[Found] = []
    path = path or []
    if dataclasses.is_dataclass(value):
        items: List[Any] = [(f.name, f) for f in dataclasses.fields(value)]
    else:
        items = [(name, None) for name in list(vars(value))]
    for name, field in items:
        held = getattr(value, name, None)
        if dataclasses.is_dataclass(held) and not isinstance(held, type) or type(held) is type(value):
            found += fields(held, prefix + name + ".", path + [name])
            continue
        kind = _KINDS.get(field.type, "") if field is not None and isinstance(field.type, (str, type)) else ""
        default = field.default if field is not None and field.default is not dataclasses.MISSING else None
        found.append(Found(prefix + name, kind or ("any" if held is None else type_of(held)), default, held, path=path + [name]))
    return found


_KINDS: Dict[Any, str] = {int: "int", float: "float", bool: "bool", str: "string", "int": "int", "float": "float", "bool": "bool", "str": "string"}


def after(owner: Any, name: str, tell: Callable[..., None]) -> None:
    """Makes owner's function of that name call tell(result, arguments…) when it has
    returned. A failure of tell becomes a warning."""
    import functools

    original = getattr(owner, name)

    @functools.wraps(original)
    def told(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        try:
            tell(result, *args, **kwargs)
        except Exception as problem:
            current().warn("mlhost does not see what %s returned: %s: %s" % (name, type(problem).__name__, problem))
        return result

    # The shim leaves frames of this file out when it prints an exception.
    told.__code__ = told.__code__.replace(co_filename=HOOK_FILE)  # type: ignore[attr-defined]
    setattr(owner, name, told)


HOOK_FILE = "<mlhost hook>"


def _declare(session: Any, style: str, name: str, one: Found, entry: Dict[str, Any], target: Any, what: str) -> None:
    kind = one.type if one.type != "any" else entry.get("type") or "any"
    before = _told.setdefault(name, one)  # of a parser that another one is made of
    one.doc, one.choices = one.doc or before.doc, one.choices or before.choices
    live = entry.get("mutability") == LIVE and target is not None and one.in_use
    spec = Spec(name, plain(one.default), type=kind, choices=one.choices, min=one.bounds[0], max=one.bounds[1], doc=one.doc, mutability=LIVE if live else RESTART, style=style)
    if live:
        try:
            handler = Field(name, target, one.path or one.dest.split("."), what, one.convert)  # type: ignore[arg-type]
            session.settings.offer(spec, handler, configured=False)
            return
        except TypeError:
            spec.mutability = RESTART  # the target cannot be held weakly
    if one.in_use:
        at_start[name] = (spec, one.value)
    session.put(spec.declaration(one.value if one.in_use else one.default))


def _schedule() -> None:
    if not _scheduled[0]:
        _scheduled[0] = True
        later(SETTLED, _take_back)


def _take_back() -> None:
    _scheduled[0] = False
    session = current()
    names = [e["name"] for e in session.catalogue if e.get("style") in _styles and e["name"] not in _seen]
    if names:
        for name in names:
            _seen[name] = True  # said once
        session.put({"op": "forget", "names": names, "reason": "the script's parser does not have it"})


def offer_globals(module: Any) -> None:
    """Offers the script's module-level constants that are read again while it runs."""
    session = current()
    for entry in session.catalogue:
        if entry.get("style") != "constants" or entry.get("mutability") != LIVE:
            continue
        name = entry["name"]
        spec = Spec(name, None, type=entry.get("type") or "any", mutability=LIVE, style="constants", line=entry.get("line") or 0)
        session.settings.offer_later(spec, Field(name, module, where(entry), "the script"))


def where(entry: "Dict[str, Any]") -> "List[str]":
    """Returns the names by which the script comes to a constant of the catalogue."""
    return str(entry.get("dest") or entry.get("constant") or entry["name"]).split(".")
