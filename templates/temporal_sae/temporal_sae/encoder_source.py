"""The encoder as a module of its own: the source of `encode` with everything of experiment.py that it names."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from temporal_sae.sae import Encode

HEAD = '"""Encoder of this SAE, taken from experiment.py: encode(x_BTD, weights) -> f_BTF."""\n'


def encoder_source(encode: Encode) -> str:
    """Return a module's text that defines `encode`; ValueError if it isn't a top-level function of that name."""
    if encode.__name__ != "encode" or encode.__qualname__ != "encode":
        raise ValueError(f"the encoder must be a top-level function called encode, not {encode.__qualname__}")
    return extract(Path(inspect.getfile(encode)).read_text("utf-8"))


def extract(source: str) -> str:
    """Return imports and top-level definitions of `source` that `encode` needs, in their order."""
    tree = ast.parse(source)
    needed = _needed({name: node for node in tree.body for name in _defines(node)})
    kept = [ast.get_source_segment(source, node) or "" for node in tree.body if node in needed]
    return "\n\n".join([HEAD, "from __future__ import annotations", *kept]) + "\n"


def _needed(definitions: dict[str, ast.stmt]) -> set[ast.stmt]:
    needed: set[ast.stmt] = set()
    open_names = ["encode"]
    while open_names:
        node = definitions.get(open_names.pop())
        if node is not None and node not in needed:
            needed.add(node)
            open_names += [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    return needed


def _defines(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return []
