"""Parts of the real language model's activations on a little text, for a test that can't do with a tiny one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from conftest import TEMPLATE
from temporal_sae.storage import write_json

SMOLLM2 = TEMPLATE.parent.parent / ".cache" / "temporal_sae" / "models" / "smollm2-135m-instruct"


def missing(what: str) -> None:
    """Skip where a person's machine lacks something; in CI a missing install is a failure."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def smollm2_parts(folder: Path) -> dict[str, Path]:
    """Write parts of Python's own documentation, which needs no download, as the store writes them."""
    import pydoc_data.topics

    from temporal_sae.activations import ResidualStream, compute, norms, scale_to_unit

    stream = ResidualStream(SMOLLM2, 9)
    tokens = stream.encode("\n".join(pydoc_data.topics.topics[name] for name in ("for", "with", "class", "import")))
    tokens_NT = np.array(tokens[: 64 * 32], dtype=np.int32).reshape(64, 32)
    x_NTD = compute(stream, tokens_NT.tolist(), lambda count: None)
    scale = scale_to_unit(norms(x_NTD[:48]), stream.d_in)
    rows = {"train": slice(0, 48), "tune": slice(48, 56), "dev": slice(56, 64)}
    for part, of in rows.items():
        (folder / part).mkdir()
        np.save(folder / part / "x.npy", (x_NTD[of] * scale).astype(np.float16))
        np.save(folder / part / "tokens.npy", tokens_NT[of])
        meta = {"model": SMOLLM2.name, "model_folder": str(SMOLLM2), "layer": 9, "scale": scale}
        write_json(folder / part / "meta.json", meta)
    return {part: folder / part for part in rows}
