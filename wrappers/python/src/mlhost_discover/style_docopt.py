"""docopt."""

import re

from values import Namespace


class Docopt:
    """Options and arguments of a usage text."""

    def docopt(self, args, kwargs, node, scope):
        text = self.text(args[0] if args else kwargs.get("doc"))
        if text is None:
            self.problem(node.lineno, "the usage text of docopt is computed: its parameters are not seen", scope.module)
            return Namespace()
        self.style("docopt")
        usage = re.search(r"(?im)^[^\n]*usage:[^\n]*\n?(?:[ \t].*(?:\n|$))*", text)
        described = {}
        for line in re.split(r"\n[ \t]*(?=-\S)", "\n" + text):
            if line.startswith("-"):
                self.docopt_option(line, described)
        used = usage.group(0) if usage else ""
        for flag, value in re.findall(r"(?<![\w-])(--?[A-Za-z][\w-]*)(?:[= ](<[^>]+>|[A-Z][A-Z_]+\b))?", used):
            if flag not in described and not any(flag in o["flags"] for o in described.values()):
                described[flag] = {"flags": [flag], "value": bool(value) and "=" in used[used.find(flag):][len(flag):len(flag) + 1], "default": None, "doc": ""}
        for name, option in described.items():
            if name in ("--help", "-h", "--version"):
                continue
            param = self.param(name, node.lineno, scope, "docopt")
            param.type, param.default = ("string", option["default"]) if option["value"] else ("bool", False)
            param.doc, param.passed = option["doc"], name + "=" if option["value"] and name.startswith("--") else "" if option["value"] else name
            self.found.append(param)
        for name in dict.fromkeys(re.findall(r"<[^>\s]+>", re.sub(r"--?[\w-]+[= ]<[^>]+>", " ", used))):
            param = self.param(name, node.lineno, scope, "docopt")
            param.type = "list" if re.search(re.escape(name) + r"\]?\)?\s*\.\.\.", used) else "string"
            self.found.append(param)
        return Namespace()

    def docopt_option(self, text, described):
        head, _, doc = text.partition("  ")
        flags = [w for w in re.split(r"[\s,=]+", head.strip()) if w.startswith("-")]
        value = any(w and not w.startswith("-") for w in re.split(r"[\s,=]+", head.strip()))
        default = re.search(r"(?i)\[default: (.*?)\]", doc)
        name = next((f for f in flags if f.startswith("--")), flags[0])
        described[name] = {"flags": flags, "value": value, "default": default.group(1) if default and value else None, "doc": " ".join(doc.split())}
