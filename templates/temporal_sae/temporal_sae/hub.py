"""Gets a model from a hub that speaks the Hugging Face protocol, at one commit, with the user's token.

The library reads the endpoint from $HF_ENDPOINT and the token from $HF_TOKEN.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from temporal_sae.sources import DIGEST, MODEL_FILES, model_digest
from temporal_sae.storage import write_json

ORIGIN = "fetched.json"


class FetchError(Exception):
    """Something can't be fetched; the message says what, why, and what to do."""


def fetch_model(repository: str, revision: str, folder: Path, say: Callable[[str], None]) -> None:
    """Download a model's weights, configuration and tokenizer into `folder`; FetchError says why that can't be done.

    Only safetensors are taken: other forms of weights are programs. What an interrupted download left is used. The
    commit that `revision` stood for and the hash of the model are written beside it.
    """
    from huggingface_hub import HfApi, constants, errors, snapshot_download

    where = f"{constants.ENDPOINT}/{repository}"
    partial = folder.with_name(f".{folder.name}.partial")
    say(f"model: downloading {where} at {revision}")
    try:
        commit = HfApi().model_info(repository, revision=revision).sha
        partial.mkdir(parents=True, exist_ok=True)
        snapshot_download(repository, revision=commit, local_dir=partial, allow_patterns=list(MODEL_FILES))
    except (errors.HTTPError, OSError, ValueError) as error:
        raise FetchError(_why(error, where, revision)) from error
    shutil.rmtree(partial / ".cache", ignore_errors=True)
    if not list(partial.glob("*.safetensors")):
        raise FetchError(f"{where}: it has no .safetensors weights, and others are not loaded; choose another model")
    digest = model_digest(partial)
    (partial / DIGEST).write_text(digest + "\n", encoding="utf-8")
    write_json(partial / ORIGIN, {"repository": repository, "revision": revision, "commit": commit, "sha256": digest})
    partial.rename(folder)
    say(f"model: {folder} is ready ({commit})")


def _why(error: Exception, where: str, revision: str) -> str:
    from huggingface_hub import errors

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError) or status == 403:
        return f"{where}: access is gated; accept its terms there, and set HF_TOKEN to a token of the same account"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{where}: it has no revision {revision}; correct `revision` in the profile"
    if isinstance(error, errors.RepositoryNotFoundError) or status == 404:
        return f"{where}: no such model, or a private one; correct `model` in the profile, or set HF_TOKEN"
    if status == 401:
        return f"{where}: the hub refused the token; set HF_TOKEN to a valid one"
    if status is not None:
        return f"{where}: the hub answered with status {status}; try again later"
    reason = f"the hub can't be reached ({type(error).__name__})"
    return f"{where}: {reason}; connect this machine, or give `model` a local folder"
