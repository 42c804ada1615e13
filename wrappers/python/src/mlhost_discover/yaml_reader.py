"""YAML, as far as configurations need it."""

import json
import re

from sources import Unreadable


class Yaml:
    """Reads maps, lists and scalars; anything else is Unreadable."""

    KEY = re.compile(r"""^("[^"]*"|'[^']*'|[^\s#'"\[\]{}&*!|>%@`,?-][^#:]*?|-[^\s:#][^#:]*?|[^#:\s]+ [^#:]+?)\s*:(?:\s+(.*))?$""")

    def __init__(self, text):
        self.rows, self.lines, self.at = [], {}, 0
        for number, raw in enumerate(text.split("\n"), 1):
            line = self.strip(raw.rstrip("\r"), number)
            if line.strip() in ("", "---") and not (line.strip() == "---" and self.rows):
                continue
            if line.startswith(("---", "...", "%")):
                raise Unreadable("several documents or a directive, which are not understood", number)
            body = line.lstrip(" ")
            if body.startswith("\t"):
                raise Unreadable("a tab in the indentation", number)
            self.rows.append((len(line) - len(body), body.rstrip(), number))

    def strip(self, line, number):
        """Takes a comment off."""
        quote = ""
        for i, c in enumerate(line):
            if quote:
                quote = "" if c == quote and not (quote == '"' and line[i - 1] == "\\") else quote
            elif c in "'\"" and (i == 0 or line[i - 1] in " [{,:"):
                quote = c
            elif c == "#" and (i == 0 or line[i - 1] in " \t"):
                return line[:i]
        return line

    def read(self):
        if not self.rows:
            return None
        value = self.block(self.rows[0][0], ())
        if self.at < len(self.rows):
            raise Unreadable("the indentation is not understood", self.rows[self.at][2])
        return value

    def block(self, indent, where):
        return self.items(indent, where) if self.rows[self.at][1].startswith("- ") or self.rows[self.at][1] == "-" else self.map(indent, where)

    def map(self, indent, where):
        out = {}
        while self.at < len(self.rows) and self.rows[self.at][0] == indent:
            _, body, number = self.rows[self.at]
            match = self.KEY.match(body)
            if not match:
                if not out and not where and len(self.rows) == 1:
                    self.at += 1
                    return self.scalar(body, number)
                raise Unreadable("this line is not understood", number)
            key = match.group(1).strip("'\"")
            if key in out:
                raise Unreadable("the key %s stands there twice" % key, number)
            if key == "<<":
                raise Unreadable("merge keys are not understood", number)
            self.lines[where + (key,)] = number
            self.at += 1
            rest = (match.group(2) or "").strip()
            if rest:
                out[key] = self.scalar(rest, number)
            elif self.at < len(self.rows) and (self.rows[self.at][0] > indent or self.rows[self.at][0] == indent and self.rows[self.at][1].startswith("-")):
                out[key] = self.block(self.rows[self.at][0], where + (key,))
            else:
                out[key] = None
        return out

    def items(self, indent, where):
        out = []
        while self.at < len(self.rows) and self.rows[self.at][0] == indent and (self.rows[self.at][1].startswith("- ") or self.rows[self.at][1] == "-"):
            _, body, number = self.rows[self.at]
            rest = body[1:].lstrip()
            if not rest:
                self.at += 1
                if self.at < len(self.rows) and self.rows[self.at][0] > indent:
                    out.append(self.block(self.rows[self.at][0], where + (len(out),)))
                else:
                    out.append(None)
            elif self.KEY.match(rest) and rest[0] not in "'\"[{" or rest.startswith("- "):
                inner = indent + len(body) - len(rest)
                self.rows[self.at] = (inner, rest, number)
                out.append(self.block(inner, where + (len(out),)))
            else:
                self.at += 1
                out.append(self.scalar(rest, number))
        return out

    def scalar(self, text, number):
        if text[0] in "&*!|>@`%":
            raise Unreadable("anchors, tags and texts of several lines are not understood", number)
        if text[0] in "[{":
            value, rest = self.flow(text, number)
            if rest.strip():
                raise Unreadable("what stands behind a list or map is not understood", number)
            return value
        return self.plain(text, number)

    def plain(self, text, number):
        text = text.strip()
        if text[:1] in ("'", '"'):
            if len(text) < 2 or text[-1] != text[0]:
                raise Unreadable("a text without its closing quote", number)
            if text[0] == "'":
                return text[1:-1].replace("''", "'")
            try:
                return json.loads(text)
            except ValueError:
                raise Unreadable("this text's escapes are not understood", number) from None
        low = text.lower()
        if low in ("", "~", "null"):
            return None
        if low in ("true", "yes", "on", "false", "no", "off"):
            return low in ("true", "yes", "on")
        if re.match(r"^[-+]?(0|[1-9][0-9_]*)$", text):
            return int(text.replace("_", ""))
        if re.match(r"^[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?$", text):
            return float(text.replace("_", ""))
        if re.match(r"^0x[0-9a-fA-F]+$", text):
            return int(text, 16)
        if low.lstrip("+-") in (".inf", ".nan"):
            return float(low.replace(".", ""))
        return text

    def flow(self, text, number):
        """Reads [a, b] and {a: b}; returns the value and what is left."""
        close, out = ("]", []) if text[0] == "[" else ("}", {})
        rest = text[1:].lstrip()
        while True:
            if not rest:
                raise Unreadable("a list or map over several lines is not understood", number)
            if rest[0] == close:
                return out, rest[1:]
            key = None
            if close == "}":
                match = re.match(r"""("[^"]*"|'[^']*'|[^\s:,{}\[\]]+)\s*:\s*""", rest)
                if not match:
                    raise Unreadable("this map is not understood", number)
                key, rest = match.group(1).strip("'\""), rest[match.end():]
            if rest[:1] in ("[", "{") and rest:
                value, rest = self.flow(rest, number)
            else:
                match = re.match(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|\$\{[^}]*\}|[^,\[\]{}]*)""", rest)
                value, rest = self.plain(match.group(1), number), rest[match.end():]
            if key is None:
                out.append(value)
            else:
                out[key] = value
            rest = rest.lstrip()
            if rest[:1] == ",":
                rest = rest[1:].lstrip()
            elif rest[:1] != close:
                raise Unreadable("this list or map is not understood", number)
