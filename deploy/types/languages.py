"""The generators: json-schema-to-typescript (npm) and datamodel-code-generator (PyPI), each in a process of its own."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from deploy.types.document import Schema

_HERE: Final = Path(__file__).parent
_MODULES: Final = _HERE / "node_modules"
#: A module that only has types, whatever the application does with them.
_PYTHON: Final = (
    "--input-file-type", "jsonschema", "--output-model-type", "typing.TypedDict", "--enum-field-as-literal", "all",
    "--target-python-version", "3.11", "--use-union-operator", "--use-title-as-name", "--disable-timestamp",
    "--formatters", "builtin",
)  # fmt: skip


class GeneratorError(Exception):
    """The message says what is in the way, and the remedy."""


def typescript(schema: Schema) -> str:
    """The types for TypeScript. Raises `GeneratorError`."""
    node = shutil.which("node")
    if not node:
        raise GeneratorError("node is not there, which writes TypeScript: install nodejs (18 or later) and npm")
    if not _MODULES.exists():
        raise GeneratorError(f"{_MODULES} is not there: run `make types`, or `npm ci --prefix {_HERE}`")
    return _run([node, str(_HERE / "typescript.mjs")], json.dumps(schema))


def python(schema: Schema) -> str:
    """The types for Python. Raises `GeneratorError`."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "schema.json"), Path(folder, "types.py")
        source.write_text(json.dumps(_open(schema)), encoding="utf-8")
        module = [sys.executable, "-m", "datamodel_code_generator", *_PYTHON]
        _run([*module, "--input", str(source), "--output", str(target)], "")
        lines = target.read_text(encoding="utf-8").splitlines(keepends=True)
    # The generator's own two lines name the temporary file.
    return "".join(line for line in lines if not line.startswith("#")).lstrip()


def _open(part: Any) -> Any:
    """Without what makes a TypedDict closed: Python's own cannot say that yet, and refuses unknown names in literals anyway."""
    if isinstance(part, list):
        return [_open(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {key: _open(value) for key, value in part.items() if (key, value) != ("additionalProperties", False)}


#: Language → the file that is written, how a line is commented out there, and by whom.
LANGUAGES: Final[Mapping[str, tuple[str, str, Callable[[Schema], str]]]] = {
    "typescript": ("event-store.ts", "//", typescript),
    "python": ("event_store_types.py", "#", python),
}


def _run(command: list[str], given: str) -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GeneratorError(f"{Path(command[0]).name} could not make types of the schema:\n{done.stderr[-2000:]}")
    return done.stdout
