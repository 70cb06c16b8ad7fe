"""SAEBench on our SAEs: its core evaluation against our metrics, and what is said where something can't run."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import TEMPLATE, job_content, python, write_job
from smollm2 import SMOLLM2, missing, smollm2_parts
from temporal_sae import saebench
from temporal_sae.artefacts import load_encoder
from temporal_sae.encoding import Host
from temporal_sae.held_out import HeldOut
from temporal_sae.metrics import Totals
from temporal_sae.saelens_export import find_artefacts
from tiny_bench import REMEMBERING, STANDARD, random_weights, save_model, save_part, save_run
from torch import Tensor

Joined = Callable[[], socket.socket]
CLOSE = {"rel": 2e-4}

saebench.work_offline(Path(tempfile.gettempdir()) / "groundwork_datasets")


class Own:
    """The metrics of one artefact, worked out here: codes by its encoder.py, the splice by a hook on transformers."""

    def __init__(self, run: Path, artefact: str, part: HeldOut) -> None:
        from safetensors.torch import load_file

        self.part, self.folder = part, run / artefact
        self.weights = load_file(self.folder / "weights.safetensors")
        self.x_BTD = part.sequences.batch(slice(None))
        self.f_BTF = self.encoded(self.x_BTD)
        self.x_hat_BTD = self.decoded(self.f_BTF)

    def encoded(self, x_BTD: Tensor) -> Tensor:
        return load_encoder(self.folder / "encoder.py")(x_BTD, self.weights)

    def decoded(self, f_BTF: Tensor) -> Tensor:
        return f_BTF @ self.weights["W_dec"] + self.weights["b_dec"]

    def totals(self) -> Totals:
        totals = Totals()
        for x_TD, x_hat_TD, f_TF in zip(self.x_BTD, self.x_hat_BTD, self.f_BTF, strict=True):
            totals.add(x_TD, x_hat_TD, f_TF, self.x_BTD.mean(dim=(0, 1)))
        return totals

    def residual(self) -> float:
        """R, the mean over tokens of ||x - x_hat||^2 in the language model's units."""
        return float((self.x_BTD - self.x_hat_BTD).square().sum(-1).mean()) / self.part.scale**2

    def mean_square(self) -> float:
        """S, the mean over tokens of ||x||^2 in the language model's units."""
        return float(self.x_BTD.square().sum(-1).mean()) / self.part.scale**2

    @torch.no_grad()
    def losses(self) -> dict[str, float]:
        """Cross entropy after the first text token with the activations as they are, reconstructed, and zeroed."""
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(self.part.model).eval()
        tokens = torch.nn.functional.pad(self.part.tokens_NT, (1, 0), value=model.config.bos_token_id)
        block = model.model.layers[self.part.layer]
        found = {}
        for name, replace in (("without_sae", None), ("with_sae", self.reconstructed), ("with_ablation", zeros)):
            hook = block.register_forward_hook(
                lambda *a, change=replace: a[-1] if change is None else changed(a, change)
            )
            logits = model(tokens).logits
            hook.remove()
            losses = torch.nn.functional.cross_entropy(logits[:, 1:-1].transpose(1, 2), tokens[:, 2:])
            found[f"ce_loss_{name}"] = float(losses)
        return found

    def reconstructed(self, stream_BTD: Tensor) -> Tensor:
        x_hat_BTD = self.decoded(self.encoded(stream_BTD[:, 1:] * self.part.scale)) / self.part.scale
        return torch.cat([stream_BTD[:, :1], x_hat_BTD], dim=1)


def zeros(stream_BTD: Tensor) -> Tensor:
    return torch.zeros_like(stream_BTD)


def changed(hooked: tuple, change) -> object:
    output = hooked[-1]
    return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)


@pytest.fixture(scope="module")
def part_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("part")
    save_model(root / "model")
    save_part(root / "dev", root / "model")
    return root / "dev"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    artefacts = {"a/seed_3": (random_weights(), STANDARD), "b/seed_3": (random_weights(), REMEMBERING)}
    return save_run(tmp_path / "run_0", artefacts)


@pytest.fixture
def bench(part_folder: Path, joined: Joined, tmp_path: Path) -> saebench.Bench:
    return saebench.Bench(HeldOut(part_folder), Host(joined()), tmp_path / "out", None)


def require_agreement(core: dict, own: Own, close: dict[str, float]) -> None:
    """Check what SAEBench measured against our metrics; the two that deviate against what they are instead."""
    assert core["sparsity"]["l0"] == pytest.approx(own.totals().l0(), **close)
    cosine = torch.nn.functional.cosine_similarity(own.x_BTD, own.x_hat_BTD, dim=-1).mean()
    assert core["reconstruction_quality"]["cossim"] == pytest.approx(float(cosine), **close)
    losses = own.losses()
    for name, value in losses.items():
        assert core["model_performance_preservation"][name] == pytest.approx(value, **close)
    floor = losses["ce_loss_with_ablation"]
    recovered = (floor - losses["ce_loss_with_sae"]) / (floor - losses["ce_loss_without_sae"])
    assert core["model_performance_preservation"]["ce_loss_score"] == pytest.approx(recovered, rel=5e-3, abs=1e-3)
    assert core["recomputed"]["explained_variance"] == pytest.approx(own.totals().explained_variance(), **close)
    assert core["recomputed"]["mse"] == pytest.approx(own.totals().mse(), **close)
    require_known_deviations(core["reconstruction_quality"], own, close)


def require_known_deviations(theirs: dict, own: Own, close: dict[str, float]) -> None:
    residual, mean_square, (sequences, tokens, d_in) = own.residual(), own.mean_square(), own.x_BTD.shape
    deviating = 1 - residual / (mean_square - (mean_square / d_in) ** 2)
    assert theirs["explained_variance"] == pytest.approx(deviating, **close)
    # With the square of the mean in the place of the mean of squares, theirs is ours:
    square_of_mean = float(own.x_BTD.mean(dim=(0, 1)).square().sum()) / own.part.scale**2
    mended = 1 - (1 - theirs["explained_variance"]) * (mean_square - (mean_square / d_in) ** 2) / (
        mean_square - square_of_mean
    )
    assert mended == pytest.approx(own.totals().explained_variance(), **close)
    # Theirs is divided by the tokens of a batch, ours by d_in; and ours is of scaled activations.
    batch_tokens = saebench_batch(sequences) * tokens
    assert theirs["mse"] * batch_tokens / d_in * own.part.scale**2 == pytest.approx(own.totals().mse(), **close)


def saebench_batch(sequences: int) -> int:
    from temporal_sae.saebench_core import batch_size

    return batch_size(sequences)


def test_batches_hold_each_sequence_once() -> None:
    assert [saebench_batch(sequences) for sequences in (320, 16, 24, 6, 17, 1)] == [16, 16, 12, 6, 1, 1]


@pytest.mark.parametrize("artefact", ["a/seed_3", "b/seed_3"])
def test_core_agrees_with_our_metrics_on_a_tiny_model(artefact: str, run: Path, bench: saebench.Bench) -> None:
    entries = bench.evaluate(run, artefact, ["core", "absorption"][: 1 if artefact == "a/seed_3" else 2])
    assert entries["core"]["status"] == "ran", entries["core"]["why"]
    # Codes that come through the artefact's own encoder are rounded to bfloat16, like our grader's.
    close = CLOSE if artefact == "a/seed_3" else {"rel": 5e-3}
    require_agreement(entries["core"]["results"], Own(run, artefact, bench.part), close)
    record = bench.out / "core" / f"{artefact.replace('/', '_')}_custom_sae_eval_results.json"
    assert json.loads(record.read_text())["eval_result_metrics"]["sparsity"] == entries["core"]["results"]["sparsity"]
    if artefact == "b/seed_3":
        assert entries["absorption"]["status"] == "skipped"
        assert "looks at earlier tokens" in entries["absorption"]["why"]


def test_every_evaluation_of_the_table_says_whether_and_why_it_ran(run: Path, bench: saebench.Bench) -> None:
    entries = bench.evaluate(run, "a/seed_3", ["sparse_probing", "scr", "tpp", "unlearning", "ravel", "autointerp"])
    assert set(entries) == set(saebench.EVALUATIONS)
    assert {entry["status"] for entry in entries.values()} == {"skipped"}
    assert entries["core"]["why"] == entries["absorption"]["why"] == "not asked for"
    assert "LabHC/bias_in_bios" in entries["tpp"]["why"]
    assert "bio-forget-corpus.jsonl" in entries["unlearning"]["why"]
    assert "judge" in entries["autointerp"]["why"]
    assert "should not be used" in entries["scr"]["note"]
    assert "should not be used" in entries["tpp"]["note"]


def test_a_failing_evaluation_is_a_result_with_its_reason(run: Path, bench: saebench.Bench, tmp_path: Path) -> None:
    news = tmp_path / "data" / "fancyzhx" / "ag_news"
    news.mkdir(parents=True)
    for split in ("train", "test"):
        (news / f"{split}.jsonl").write_text(json.dumps({"text": "w3 w4", "label": 0}) + "\n")
    bench.data = tmp_path / "data"
    entry = bench.evaluate(run, "a/seed_3", ["sparse_probing"])["sparse_probing"]
    assert entry["status"] == "failed"
    assert "larger sample than population" in entry["why"]
    assert "gather_dataset_from_df" in (bench.out / "sparse_probing" / "a_seed_3_traceback.txt").read_text()


def test_an_encoder_that_fails_is_a_failure_of_its_artefact_with_its_reason(run: Path, bench: saebench.Bench) -> None:
    tired = "    weights['asked'] = weights.get('asked', 0) + 1\n    assert weights['asked'] < 10\n    return"
    source = REMEMBERING.replace("    return", tired)
    save_run(run, {"c/seed_3": (random_weights(), source)})
    entry = bench.evaluate(run, "c/seed_3", ["core"])
    assert entry["core"]["status"] == "failed"
    assert "AssertionError" in entry["core"]["why"]
    assert entry["absorption"]["why"] == "not asked for"


SILENT = {
    "main": "from transformer_lens import HookedTransformer\n\n"
    "def run_eval(config, named, device, output, **options):\n"
    "    model = HookedTransformer.from_pretrained_no_processing(config.model_name)\n"
    "    print(f'too few features in {model.cfg.model_name}')\n",
    "eval_config": "class SilentConfig:\n    def __init__(self, model_name):\n        self.model_name = model_name\n",
}


def test_an_evaluation_that_leaves_no_record_has_failed(run: Path, bench: saebench.Bench, tmp_path: Path) -> None:
    import sae_bench.evals

    for name, source in SILENT.items():
        (tmp_path / "silent").mkdir(exist_ok=True)
        (tmp_path / "silent" / f"{name}.py").write_text(source)
    sae_bench.evals.__path__.append(str(tmp_path))
    silent = saebench.Evaluation("silent", "SilentConfig", data=("silent",), all_data=True)
    bench.data = tmp_path
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / saebench.record_name("a_seed_3")).write_text('{"eval_result_metrics": {}}')
    with pytest.raises(FileNotFoundError, match="left no record; its last words: too few features in tiny-llama-it"):
        call_logged(bench, silent, tmp_path)


def call_logged(bench: saebench.Bench, evaluation: saebench.Evaluation, records: Path) -> None:
    with (records / "log.txt").open("a") as log, contextlib.redirect_stdout(log):
        bench.call(evaluation, ("a_seed_3", None), records)


def test_a_number_that_is_not_finite_is_null() -> None:
    assert saebench.finite({"a": {"b": float("nan")}, "c": 1.5, "d": [3]}) == {"a": {"b": None}, "c": 1.5, "d": [3]}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--evaluations", "core,sorcery"), "--evaluations sorcery: there is none of this name; there are core, abs"),
        (("--artefacts", "a/seed_9"), "--artefacts a/seed_9: there is none of this name; there are a/seed_3, b/seed_3"),
        (("--part", "nowhere"), "x.npy: no such file; prepare the profile's data again"),
    ],
)
def test_bad_input_is_refused_at_once(flags, message, run: Path, part_folder: Path, tmp_path: Path) -> None:
    given = ("--run", str(run), "--part", str(part_folder), "--out", str(tmp_path / "out"), *flags)
    done = python("-m", "temporal_sae.saebench", *given, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr.strip().splitlines()[-1]


def test_core_agrees_with_our_metrics_on_a_trained_sae_of_smollm2(joined: Joined, tmp_path: Path) -> None:
    if not SMOLLM2.is_dir():
        missing(f"{SMOLLM2}: scripts/setup fetches the model")
    parts = smollm2_parts(tmp_path)
    write_job(
        tmp_path / "run_0", job_content(parts, d_sae=256, steps=20, batch_sequences=8, context=32) | {"seeds": [3]}
    )
    trained = python(str(TEMPLATE / "experiment.py"), "--out_dir=run_0", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    artefact = find_artefacts(tmp_path / "run_0")[0]
    flags = ("--run", "run_0", "--part", str(parts["dev"]), "--out", "out", "--artefacts", artefact)
    hosts = (joined().fileno(), joined().fileno())
    done = python("-m", "temporal_sae.saebench", *flags, "--saelens", cwd=tmp_path, sockets=hosts)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "saelens" / artefact / "cfg.json").is_file()
    (written,) = json.loads((tmp_path / "out" / "saebench.json").read_text()).values()
    assert written["core"]["status"] == "ran", written["core"]["why"]
    assert written["core"]["main"]["l0"] == written["core"]["results"]["sparsity"]["l0"] > 0
    assert None not in written["core"]["main"].values()
    # Stored activations are rounded to float16, and the language model's own sums are taken in another order.
    require_agreement(
        written["core"]["results"], Own(tmp_path / "run_0", artefact, HeldOut(parts["dev"])), {"rel": 5e-3}
    )
