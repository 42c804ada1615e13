"""What a real parser takes, in the words of discovery."""

import inspect

TYPES = {int: "int", float: "float", str: "string", bool: "bool", list: "list", tuple: "list", dict: "map", bytes: "string"}


def plain(value, depth=0):
    """Returns the value as JSON takes it; (None, True) where it cannot."""
    if value is None or isinstance(value, (bool, str)):
        return value, False
    if hasattr(value, "name") and hasattr(type(value), "__members__"):
        return plain(value.value, depth + 1) if depth < 8 else (None, True)
    if isinstance(value, int):
        return (int(value), False) if -(2**63) <= value < 2**64 else (float(value) if abs(value) < 10**300 else None, False)
    if isinstance(value, float):
        return (float(value) if value - value == 0 else "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"), False
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace"), False
    if depth < 8 and isinstance(value, (list, tuple, set, frozenset)) and len(value) <= 10_000:
        parts = [plain(v, depth + 1) for v in value]
        return [p for p, _ in parts], any(odd for _, odd in parts)
    if depth < 8 and isinstance(value, dict):
        parts = {str(k): plain(v, depth + 1) for k, v in value.items()}
        return {k: p for k, (p, _) in parts.items()}, any(odd for _, odd in parts.values())
    if hasattr(value, "__fspath__"):
        return str(value), False
    return None, True


def parameter(name, type, default=None, choices=None, required=False, doc="", min=None, max=None):
    value, odd = plain(default)
    listed = None if choices is None else plain(choices)[0]
    return {"name": name, "type": type, "default": value, "computed": odd, "choices": listed, "min": min, "max": max, "required": bool(required),
            "doc": " ".join(doc.split()) if isinstance(doc, str) else ""}


def style_of(parser):
    names = [c.__module__.split(".")[0] + "." + c.__name__ for c in type(parser).__mro__]
    for name in names:
        for known, style in (("transformers.HfArgumentParser", "HfArgumentParser"), ("simple_parsing.ArgumentParser", "simple_parsing"),
                             ("jsonargparse.ArgumentParser", "jsonargparse"), ("tap.Tap", "tap"), ("pyrallis.", "draccus"), ("draccus.", "draccus")):
            if name.startswith(known):
                return style
    return "argparse"


def argparse_parameters(parser, names_only=False):
    out, seen = {}, set()

    def add(parser):
        if id(parser) in seen:
            return
        seen.add(id(parser))
        for action in parser._actions:
            kind = type(action).__name__
            if kind == "_SubParsersAction" or hasattr(action, "_name_parser_map"):
                if action.dest != "==SUPPRESS==" and not names_only:
                    take(action, "string", list(action.choices or {}), parser)
                for child in (action.choices or {}).values():
                    add(child)
            elif kind not in ("_HelpAction", "_VersionAction") and action.dest not in ("==SUPPRESS==", "help", None) and "Help" not in kind and kind not in ("ActionParser", "ActionConfigFile", "_ActionPrintConfig", "_ActionConfigLoad"):
                take(action, type_of(action, kind), action.choices, parser)

    def take(action, type, choices, parser):
        default = parser._defaults.get(action.dest, action.default)
        if isinstance(default, str) and default == "==SUPPRESS==":
            default = None
        if isinstance(default, str) and action.type is not None:
            try:
                default = parser._get_value(action, default)
            except Exception:  # the script's own converter does not take its default
                pass
        choices = list(choices)[:1000] if choices is not None and hasattr(choices, "__iter__") else None
        if names_only:  # tyro's converters work on lists of texts, draccus sets defaults later: both are those of the source
            name = action.dest.replace("-", "_")
            out.setdefault(name, dict(parameter(name, "bool" if type == "bool" else "any", None, None, action.required, action.help), computed=True))
            return
        out.setdefault(action.dest, parameter(action.dest, type, default, choices, action.required, action.help))

    add(parser)
    return list(out.values())


def type_of(action, kind):
    if kind in ("_StoreTrueAction", "_StoreFalseAction", "BooleanOptionalAction"):
        return "bool"
    if kind == "_CountAction":
        return "int"
    if kind in ("_AppendAction", "_ExtendAction", "_AppendConstAction") or action.nargs is not None and action.nargs not in ("?", 0):
        return "list"
    if kind == "_StoreConstAction":
        return TYPES.get(type(action.const), "any")
    if kind == "ActionTypeHint":
        return TYPES.get(type(action.default), "any")
    if action.type is None:
        return "string" if action.default is None else TYPES.get(type(action.default), "any")
    if isinstance(action.type, type):
        return TYPES.get(action.type, "any")
    return "bool" if isinstance(action.default, bool) else "any"  # a converter of texts like yes and no


def optparse_parameters(parser):
    out = []
    groups = list(parser.option_list) + [o for g in parser.option_groups for o in g.option_list]
    for option in groups:
        if option.dest is None:
            continue
        default = parser.defaults.get(option.dest)
        if isinstance(default, str) and option.type is not None:
            default = option.check_value(option.dest, default)
        kind = "bool" if option.action in ("store_true", "store_false") else "int" if option.action == "count" else "list" if option.action == "append" or (option.nargs or 1) > 1 else \
            {"int": "int", "long": "int", "float": "float", "string": "string", "choice": "string"}.get(option.type, "any")
        out.append(parameter(option.dest, kind, None if default == ("NO", "DEFAULT") else default, option.choices, False, option.help))
    return list({p["name"]: p for p in out}.values())


def docopt_parameters(module, doc):
    options = module.parse_defaults(doc)
    usage = module.parse_section("usage:", doc)[0] if hasattr(module, "parse_section") else module.printable_usage(doc)
    pattern = module.parse_pattern(module.formal_usage(usage), options)
    out = {}
    for leaf in pattern.flat() + options:
        if leaf.name not in ("--help", "-h", "--version"):
            value = getattr(leaf, "value", None)
            out.setdefault(leaf.name, parameter(leaf.name, "bool" if isinstance(value, bool) else "list" if isinstance(value, list) else "string", value))
    return list(out.values())


def click_parameters(command):
    out, todo, seen = {}, [command], set()
    while todo:
        one = todo.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        for param in one.params:
            if param.name in ("help", "install_completion", "show_completion") or getattr(param, "is_eager", False) and not param.expose_value:
                continue
            out.setdefault(param.name, click_parameter(param))
        todo += list(getattr(one, "commands", {}).values())
    return list(out.values())


def typer_parameter(param):
    """Newer versions of typer have no types of click, but what the annotation says."""
    given, default = param.type_descriptor, param.default
    default = default() if callable(default) and not isinstance(default, type) else default
    if getattr(param, "is_flag", False) and default is None and not param.required:
        default = False
    kind = TYPES.get(given.annotation, "any")
    if given.is_list or given.is_tuple or param.nargs != 1:
        kind = "list"
    elif getattr(param, "count", False):
        kind, default = "int", default or 0
    elif given.is_choice or given.is_path or given.is_file or given.is_datetime:
        kind = "string"
    choices = None if given.choices is None else list(given.choices)
    return parameter(param.name, kind, default, choices, param.required, getattr(param, "help", "") or "", getattr(param, "min", None), getattr(param, "max", None))


def click_parameter(param):
    if hasattr(param, "type_descriptor"):
        return typer_parameter(param)
    kind = type(param.type).__name__
    default = param.default() if callable(param.default) and not isinstance(param.default, type) else param.default
    if "UNSET" in repr(default) or "Sentinel" in type(default).__name__:
        default = None
    if getattr(param, "is_flag", False) and default is None and not param.required and isinstance(getattr(param, "flag_value", None), bool):
        default = False
    if getattr(param, "is_flag", False) and default is None and not param.required and kind == "BoolParamType":
        default = False  # what the command gets
    several = param.multiple if hasattr(param, "multiple") else False
    name = {"IntParamType": "int", "IntRange": "int", "FloatParamType": "float", "FloatRange": "float", "BoolParamType": "bool", "StringParamType": "string",
            "Choice": "string", "Path": "string", "File": "string", "TyperPath": "string", "DateTime": "string", "UUIDParameterType": "string", "TyperChoice": "string"}.get(kind, "any")
    if several or param.nargs != 1:
        name = "list"
    elif isinstance(default, str) and name in ("int", "float"):
        default = (int if name == "int" else float)(default)
    elif getattr(param, "count", False):
        name, default = "int", default or 0
    choices = getattr(param.type, "choices", None)
    return parameter(param.name, name, default, list(choices) if choices is not None else None, param.required, getattr(param, "help", "") or "",
                     getattr(param.type, "min", None), getattr(param.type, "max", None))


def absl_parameters(values):
    out = []
    for module, flags in values.flags_by_module_dict().items():
        if module.split(".")[0] == "absl":
            continue
        for flag in flags:
            kind = {"int": "int", "float": "float", "string": "string", "bool": "bool"}.get(flag.flag_type(), "list" if "list" in flag.flag_type() or "multi" in flag.flag_type() else "string" if "enum" in flag.flag_type() else "any")
            parser = flag.parser
            if hasattr(flag.default, "to_dict"):  # of config_flags: the file's values are flags too
                out.append(parameter(flag.name, "string", None, doc=flag.help))
                out[-1]["computed"] = True
                out += config_values(flag.default.to_dict(), flag.name)
                continue
            out.append(parameter(flag.name, kind, flag.default, getattr(parser, "enum_values", None), False, flag.help, getattr(parser, "lower_bound", None), getattr(parser, "upper_bound", None)))
    return out


def config_values(table, prefix):
    out = []
    for key, value in table.items():
        name = "%s.%s" % (prefix, key)
        if isinstance(value, dict) and value:
            out += config_values(value, name)
        else:
            out.append(parameter(name, TYPES.get(type(value), "any"), value))
    return out


def fire_parameters(component):
    """Fire makes commands of what it is given: a function's arguments, or those of a class and its methods."""
    out = {}

    def take(function, skip=0):
        try:
            params = list(inspect.signature(function).parameters.values())[skip:]
        except (TypeError, ValueError):
            return
        for p in params:
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) or p.name in ("self", "cls"):
                continue
            default = None if p.default is p.empty else p.default
            out.setdefault(p.name, parameter(p.name, TYPES.get(p.annotation) or TYPES.get(type(default), "any"), default, None, p.default is p.empty))

    def each(value, depth=0):
        if inspect.isclass(value):
            take(value.__init__, 1)
            for name, member in inspect.getmembers(value):
                if not name.startswith("_") and inspect.isroutine(member):
                    take(member, 1 if inspect.isfunction(member) else 0)
        elif inspect.isroutine(value):
            take(value)
        elif isinstance(value, dict):
            for name, member in list(value.items()):
                if depth < 3 and not str(name).startswith("_") and (inspect.isfunction(member) or inspect.isclass(member) or isinstance(member, dict)):
                    each(member, depth + 1)
        elif not inspect.ismodule(value):
            for name, member in inspect.getmembers(type(value)):
                if not name.startswith("_") and inspect.isroutine(member):
                    take(member, 1)

    each(component)
    return list(out.values())


def omegaconf_parameters(cfg):
    from omegaconf import DictConfig, OmegaConf

    out = []

    def walk(node, prefix):
        for key in node.keys():
            name = "%s.%s" % (prefix, key) if prefix else str(key)
            if name == "hydra":
                continue
            missing, computed = OmegaConf.is_missing(node, key), OmegaConf.is_interpolation(node, key)
            value = None if missing or computed else node[key]
            if isinstance(value, DictConfig) and len(value):
                walk(value, name)
                continue
            value = OmegaConf.to_container(value, resolve=False) if OmegaConf.is_config(value) else value
            out.append(dict(parameter(name, TYPES.get(type(value), "any"), value, None, missing), computed=computed))

    walk(cfg, "")
    return out
