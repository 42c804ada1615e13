"""JSON by the C functions behind the module json, which itself imports re and
enum: 4 to 8 ms of the start of every script. Where they are not what is known
here, it is the module json after all.
"""

from __future__ import annotations

from ._typing import Any


def _fast() -> Any:
    import _json

    encode_string = _json.encode_basestring_ascii
    # The arguments of json.JSONEncoder.iterencode: no check for cycles, no
    # default, no indent, and NaN is an error.
    to_parts = _json.make_encoder(None, _refuse, encode_string, None, ":", ",", False, False, False)
    scan = _json.make_scanner(_Scanning)  # type: ignore[arg-type]

    def encode(value: Any) -> str:
        return "".join(to_parts(value, 0))

    def decode(line: Any) -> Any:
        text = line if type(line) is str else str(line, "utf-8", "surrogatepass")
        text = text.strip()
        try:
            value, end = scan(text, 0)
        except StopIteration:
            end = -1
        if end != len(text):
            raise ValueError("this is not JSON: %r" % text[:100])
        return value

    return encode, decode


def _refuse(value: Any) -> Any:
    raise TypeError("%s has no form in JSON" % type(value).__name__)


class _Scanning:
    """What json.JSONDecoder gives to its scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo: Any = {}


def _slow() -> Any:
    import json

    return json.JSONEncoder(allow_nan=False, check_circular=False, separators=(",", ":")).encode, json.loads


try:
    encode, decode = _fast()
    _works = encode({"a": [1, 2.5, "\u00e4", None, True]}) == '{"a":[1,2.5,"\\u00e4",null,true]}' and decode(b'{"a":[1,-2.5e3,"\\u00e4"]}') == {"a": [1, -2500.0, "\u00e4"]}
except Exception:
    _works = False
if not _works:
    encode, decode = _slow()
