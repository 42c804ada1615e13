"""Connects a script that cannot be modified: create_wrapper_for_script.

    wrapper = create_wrapper_for_script(Path("legacy_script.py"))
    wrapper.run_with_connector()

The script's parameters are found by reading its source, which is not executed
for that: what it gives to add_argument as literals or, where it has no such
call, its module-level literal constants. Values that were set before run() get
in on the command line, or in place of the constant's first assignment; from
then on a set counts for the next run. The variables exit_code and state tell
how the script fares.
"""

from __future__ import annotations

import ast
import os
import sys
import threading
import types
from pathlib import Path

from mlhost._legacy import Argument, Constant, discover, replace_constants
from mlhost._spec import RESTART
from mlhost._typing import Any, Dict, List, Union
from script_interface import ScriptInterface

__all__ = ["LegacyScript", "create_wrapper_for_script"]


def create_wrapper_for_script(script_path: Union[str, Path]) -> "LegacyScript":
    """Returns a ScriptInterface whose run() executes the script at the path.

    Raises FileNotFoundError for a path that is no file, and SyntaxError for a
    file that is no Python.
    """
    return LegacyScript(script_path)


class LegacyScript(ScriptInterface):
    """A script that knows nothing of mlhost."""

    def __init__(self, script_path: Union[str, Path]) -> None:
        self.script_path = Path(script_path)
        source = self.script_path.read_bytes()
        self._tree = ast.parse(source, str(self.script_path))
        super().__init__(self.script_path.stem, (ast.get_docstring(self._tree) or "").split("\n")[0])
        #: Arguments that run() passes besides those of the parameters.
        self.arguments: List[str] = []
        self._found: Dict[str, Union[Argument, Constant]] = {}
        self._executing = 0  # the thread that executes the script
        for found in discover(self._tree):
            self._found[found.name] = found
            self.register_parameter(found.name, found.default, found.choices)
        self.register_variable("state", "ready", read_only=True)
        self.register_variable("exit_code", None, read_only=True)

    def run(self) -> None:
        """Executes the script as the main module and returns when it ends. Its
        exit code becomes the variable exit_code; a failure raises as in the
        script itself."""
        code = self._compile()
        self._freeze()
        self.set_variable("state", "running")
        self._executing = threading.get_ident()
        try:
            self._execute(code)
        except SystemExit as leaving:
            self._ended(_exit_code(leaving.code))
            if self.variables["exit_code"]["value"]:
                raise
        except KeyboardInterrupt:
            self._ended(0 if not self._running else 130)
            if self._running:
                raise
        except BaseException:
            self._ended(1)
            raise
        else:
            self._ended(0)

    def stop(self) -> None:
        """Interrupts the script, as ctrl-C would."""
        super().stop()
        if self._executing:
            import ctypes

            interrupt = ctypes.py_object(KeyboardInterrupt)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._executing), interrupt)

    def _compile(self) -> types.CodeType:
        constants = {
            name: self.get_parameter(name)
            for name, found in self._found.items()
            if isinstance(found, Constant) and self._is_set(name)
        }
        tree = replace_constants(self._tree, constants)
        return compile(tree, str(self.script_path), "exec", dont_inherit=True)

    def _command_line(self) -> List[str]:
        """Returns sys.argv for the script: positionals first, since an option may take several words."""
        options: List[str] = []
        positionals: List[str] = []
        for name, found in self._found.items():
            if isinstance(found, Argument) and (self._is_set(name) or (found.required and self.get_parameter(name) is not None)):
                (positionals if found.positional else options).extend(found.words(self.get_parameter(name)))
        return [str(self.script_path)] + positionals + options + self.arguments

    def _is_set(self, name: str) -> bool:
        entry = self.parameters[name]
        return bool(entry["value"] != entry["default"])

    def _freeze(self) -> None:
        """From now on a set counts for the next run."""
        for name in self._found:
            parameter = self._declared[name]
            parameter.spec.mutability = RESTART
            self._session.put(parameter.spec.declaration(parameter.get()))

    def _execute(self, code: types.CodeType) -> None:
        main = types.ModuleType("__main__")
        main.__dict__.update(__file__=str(self.script_path), __builtins__=__builtins__, __annotations__={}, __cached__=None)
        before = sys.modules["__main__"], sys.argv, list(sys.path)
        sys.modules["__main__"], sys.argv = main, self._command_line()
        sys.path.insert(0, os.path.dirname(os.path.abspath(str(self.script_path))))
        try:
            exec(code, main.__dict__)
        finally:
            self._executing = 0
            sys.modules["__main__"], sys.argv, sys.path[:] = before

    def _ended(self, code: int) -> None:
        self.set_variable("exit_code", code)
        self.set_variable("state", "failed" if code else "finished")


def _exit_code(code: Any) -> int:
    if code is None:
        return 0
    return code if isinstance(code, int) else 1
