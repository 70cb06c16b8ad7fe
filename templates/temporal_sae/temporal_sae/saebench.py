"""Evaluates a run's SAEs with SAEBench (Karvonen et al., 2025), as far as its data is here. Trusted; no network.

    python -m temporal_sae.saebench --run RUN_DIR --part PART_DIR --out OUT_DIR
        [--evaluations core,...] [--artefacts CONDITION/seed_S,...] [--data DIR] [--saelens]

Writes `OUT/saebench.json`: {artefact: {evaluation: {status, why, note, main, results}}} with status `ran`, `skipped` or
`failed`, for every evaluation of `saebench_table`, asked for or not; `main` are the results that a table shows.
SAEBench's own records and a log lie beside it and, with --saelens, what SAELens can load, in `OUT/saelens`.
Nothing is downloaded: a data set is looked for as `DIR/<its name on the hub>`, a clone of its repository or a folder of
files that `datasets.load_dataset` reads. An evaluation that fails is a result: the exit status is 0, or 2 where nothing
could be tried, with the reason on stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import math
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from temporal_sae.checks import UngradableError
from temporal_sae.encoding import EncoderError, Host, hosts_beside
from temporal_sae.held_out import HeldOut, IncompletePartError
from temporal_sae.saebench_table import EVALUATIONS, Evaluation
from temporal_sae.saelens_export import ENCODER_S, NotExportableError, export, find_artefacts, read_artefact
from temporal_sae.storage import UnreadableError, write_json

if TYPE_CHECKING:
    from sae_bench.evals.base_eval_output import BaseEvalConfig
    from sae_lens import SAE

    from temporal_sae.saebench_adapter import SequenceSAE

BATCH = 32


def main() -> int:
    """Evaluate and write; return the exit status."""
    parser = argparse.ArgumentParser(description="Evaluate a run with SAEBench.")
    for flag in ("--run", "--part", "--out"):
        parser.add_argument(flag, type=Path, required=True)
    parser.add_argument("--evaluations", default="core")
    parser.add_argument("--artefacts", default="")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--saelens", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="datasets-", dir=given.out.resolve()) as cache:
        work_offline(Path(cache))
        return evaluate(given)


def evaluate(given: argparse.Namespace) -> int:
    """Evaluate as the command line says, and write after each artefact; return the exit status."""
    try:
        wanted = chosen(given.evaluations, list(EVALUATIONS), "--evaluations")
        run = given.run.resolve()
        artefacts = chosen(given.artefacts, find_artefacts(run), "--artefacts")
        part, (host, _) = HeldOut(given.part.resolve()), hosts_beside(ENCODER_S)
        bench = Bench(part, host, given.out.resolve(), given.data and given.data.resolve())
    except (ValueError, IncompletePartError, UngradableError, UnreadableError, EncoderError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    bench.saelens = given.saelens
    entries = {}
    for artefact in artefacts:
        entries[artefact] = bench.evaluate(run, artefact, wanted)
        write_json(bench.out / "saebench.json", entries)
    return 0


def work_offline(cache: Path) -> None:
    """Keep the libraries from the network, `datasets` to `cache`, and SAEBench from refusing our model's class.

    Its checks (JAXTYPING_DISABLE) know no class that loads a local folder. To be called before anything is imported.
    """
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TQDM_DISABLE": "1"}
    os.environ |= {"JAXTYPING_DISABLE": "1", "HF_DATASETS_CACHE": str(cache)}


def chosen(names: str, there_are: list[str], flag: str) -> list[str]:
    """Return the names in a comma-separated list, all of them if it is empty; ValueError for an unknown one."""
    wanted = [name for name in names.split(",") if name] or there_are
    for name in wanted:
        if name not in there_are:
            raise ValueError(f"{flag} {name}: there is none of this name; there are {', '.join(there_are)}")
    return wanted


class Bench:
    """A part of the data with its language model, loaded once, to evaluate one artefact after another."""

    saelens = False  # whether artefacts that SAELens can load are written into `out`, too

    def __init__(self, part: HeldOut, host: Host, out: Path, data: Path | None) -> None:
        """Load the model. Encoders run in `host`; `data` is the folder of data sets, if there is one.

        What SAEBench computes once for several SAEs lasts as long as this: it would use it again for other data, too.
        """
        import torch

        from temporal_sae.saebench_adapter import load_model

        self.part, self.host, self.out, self.data = part, host, out, data
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        out.mkdir(parents=True, exist_ok=True)
        self.scratch = tempfile.TemporaryDirectory(prefix="scratch-", dir=out)
        self.model = load_model(part, self.device)

    def evaluate(self, run: Path, artefact: str, wanted: list[str]) -> dict[str, dict[str, Any]]:
        """Return an artefact's entry of saebench.json."""
        entries = {}
        try:
            with self.adapted(run, artefact) as (sae, whole):
                for name in EVALUATIONS:
                    why = self.why_not(name, whole) or ("" if name in wanted else "not asked for")
                    entries[name] = skipped(why) if why else self.attempt(name, artefact.replace("/", "_"), sae)
        except (UngradableError, UnreadableError, EncoderError) as error:
            entries = {name: failed(error) if name in wanted else skipped("not asked for") for name in EVALUATIONS}
        return {name: {**entry, "note": EVALUATIONS[name].note} for name, entry in entries.items()}

    @contextlib.contextmanager
    def adapted(self, run: Path, artefact: str) -> Iterator[tuple[SAE[Any] | SequenceSAE, str]]:
        """Give the artefact as SAEBench takes it, and why it can only take whole sequences ("" if it can take any)."""
        try:
            sae = export(run, artefact, self.part, self.host)
            if self.saelens:
                sae.save_model(self.out / "saelens" / artefact)
            yield sae, ""
        except NotExportableError as error:
            from temporal_sae.saebench_adapter import SequenceSAE

            read = read_artefact(run, artefact, self.part.sequences.d_in)
            with self.host.encoder(*read) as encoder:
                yield SequenceSAE(read.weights, encoder, self.part), str(error)

    def why_not(self, name: str, whole: str) -> str:
        """Return why an evaluation can't run on this SAE with what is here, or ""."""
        evaluation = EVALUATIONS[name]
        if evaluation.elsewhere:
            return evaluation.elsewhere
        if whole and name != "core":
            return f"it encodes single tokens, and this SAE is none of SAELens's: {whole}"
        missing = [data for data in evaluation.data if not self.has(data)]
        if missing and (evaluation.all_data or len(missing) == len(evaluation.data)):
            where = f"not in {self.data}" if self.data else "--data names no folder to look in"
            return f"its data is not here ({where}): {', '.join(missing)}"
        return ""

    def has(self, data: str) -> bool:
        """Say whether a data set lies in the data folder."""
        return self.data is not None and (self.data / data).exists()

    def attempt(self, name: str, sae_name: str, sae: SAE[Any] | SequenceSAE) -> dict[str, Any]:
        """Run one evaluation; whatever it raises, or leaving no record, is its failure."""
        import torch

        records = self.out / name
        records.mkdir(exist_ok=True)
        try:
            # Some evaluations leave gradients switched off, without which others can't train their probes.
            with (records / "log.txt").open("a") as log, contextlib.redirect_stdout(log), torch.enable_grad():
                if name == "core":
                    from temporal_sae.saebench_core import evaluate_core

                    results = evaluate_core(sae_name, sae, self.model, self.part, records / record_name(sae_name))
                else:
                    results = self.call(EVALUATIONS[name], (sae_name, sae), records)
        except Exception as error:  # noqa: BLE001 - other people's evaluation: it failed, and the others still run
            (records / f"{sae_name}_traceback.txt").write_text(traceback.format_exc(), encoding="utf-8")
            return failed(error)
        results = finite(results)
        return {"status": "ran", "why": "", "main": picked(results, EVALUATIONS[name].main), "results": results}

    def call(self, evaluation: Evaluation, named: tuple[str, SAE[Any]], records: Path) -> dict[str, Any]:
        """Call one of SAEBench's `run_eval` and return its metrics; FileNotFoundError if it left no record.

        It runs in the data's folder, where its names of data sets are paths.
        """
        from temporal_sae.saebench_adapter import lend_model

        main, config = lend_model(self.model, f"sae_bench.evals.{evaluation.folder}"), self.configured(evaluation)
        options: dict[str, Any] = {"force_rerun": True}
        if evaluation.data:
            options["artifacts_path"] = self.scratch.name
        else:
            keep_absorption(main, Path(self.scratch.name))
        for old in records.rglob(record_name(named[0])):
            old.unlink()
        with contextlib.chdir(self.data if evaluation.data and self.data else self.scratch.name):
            main.run_eval(config, [named], self.device, str(records), **options)
        found = next(records.rglob(record_name(named[0])), None)  # some put it one folder deeper
        if found is None:
            sys.stdout.flush()  # attempt has it written to the log
            said = (records / "log.txt").read_text("utf-8").split("\n")
            raise FileNotFoundError(f"it left no record; its last words: {next(filter(str.strip, reversed(said)), '')}")
        used = {"dataset_names": config.dataset_names} if evaluation.data else {}
        return json.loads(found.read_text("utf-8"))["eval_result_metrics"] | used

    def configured(self, evaluation: Evaluation) -> BaseEvalConfig:
        """Return SAEBench's config for this model and the data that is here."""
        defaults = importlib.import_module(f"sae_bench.evals.{evaluation.folder}.eval_config")
        config = getattr(defaults, evaluation.config)(model_name=self.part.model_name)
        config.llm_batch_size, config.llm_dtype = BATCH, "float32"
        for key, value in evaluation.settings:
            setattr(config, key, value)
        if evaluation.data and not evaluation.all_data:
            config.dataset_names = [one for one in config.dataset_names if self.has(on_the_hub(one))]
        return config


def record_name(sae_name: str) -> str:
    """Return how SAEBench calls its record of an SAE that it was given as an object."""
    return f"{sae_name}_custom_sae_eval_results.json"


def on_the_hub(dataset: str) -> str:
    """Return the name of the hub's data set that one of SAEBench's is a subset of."""
    return re.sub(r"(_class_set\d|_sentiment)$", "", dataset)


def keep_absorption(main: ModuleType, folder: Path) -> None:
    """Make the absorption evaluation keep its files in `folder`.

    By default they are among its installed code, and probes of whatever model had the same name are used again.
    """
    probing, absorbing = main.run_k_sparse_probing_experiment, main.run_feature_absortion_experiment
    probing, absorbing = getattr(probing, "func", probing), getattr(absorbing, "func", absorbing)
    places = {"probes_dir": folder / "probes"}
    main.run_k_sparse_probing_experiment = partial(probing, **places, experiment_dir=folder / "probing")
    places["sparse_probing_experiment_dir"] = folder / "probing"
    main.run_feature_absortion_experiment = partial(absorbing, **places, experiment_dir=folder / "absorption")


def skipped(why: str) -> dict[str, Any]:
    """Return the entry of an evaluation that was not tried."""
    return {"status": "skipped", "why": why}


def failed(error: Exception) -> dict[str, Any]:
    """Return the entry of an evaluation that could not be finished."""
    return {"status": "failed", "why": f"{type(error).__name__}: {error}"}


def picked(results: dict[str, Any], names: tuple[str, ...]) -> dict[str, float | None]:
    """Return those of the results that are named as `category.name`, by their own names; None where there is none."""
    pairs = (name.split(".") for name in names)
    return {name: results.get(category, {}).get(name) for category, name in pairs}


def is_json(value: object) -> bool:
    """Say whether strict JSON can hold a number."""
    return not isinstance(value, float) or math.isfinite(value)


def finite(results: dict[str, Any]) -> dict[str, Any]:
    """Return nested results with null for each number that is not finite."""
    return {
        key: finite(value) if isinstance(value, dict) else value if is_json(value) else None
        for key, value in results.items()
    }


if __name__ == "__main__":
    sys.exit(main())
