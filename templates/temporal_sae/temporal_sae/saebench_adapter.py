"""Our SAEs and our language model as SAEBench wants them. Imported late: sae_bench alone takes seconds.

An SAE that SAELens has an architecture for is given as that (see saelens_export). Any other is a `SequenceSAE`, which
asks the artefact's own encoder.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import torch
from sae_bench.custom_saes.base_sae import BaseSAE
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from temporal_sae.encoding import RemoteEncoder
from temporal_sae.held_out import HeldOut, IncompletePartError


class SequenceSAE(BaseSAE):
    """An SAE whose codes may depend on earlier tokens: it takes whole sequences (B, 1 + T, D) and nothing else.

    The first position is the start token, which our SAEs never see; its codes are zero. Codes come rounded to bfloat16.
    """

    def __init__(self, weights: Mapping[str, Tensor], encoder: RemoteEncoder, part: HeldOut) -> None:
        """Take the decoder from the weights; W_enc, b_enc are shown where they have the usual shape, else zero."""
        d_sae, d_in = weights["W_dec"].shape
        device = torch.device("cpu")
        super().__init__(d_in, d_sae, part.model_name, part.layer, device, torch.float32, part.hook_name)
        self.encoder, self.scale = encoder, part.scale
        for name, parameter in self.named_parameters():
            if name in weights and weights[name].shape == parameter.shape:
                parameter.data = weights[name].float()
        self.b_enc.data /= self.scale
        self.b_dec.data /= self.scale

    def encode(self, x: Tensor) -> Tensor:
        """Return codes (B, 1 + T, F) in the units of the language model; ValueError for single activations."""
        if x.ndim != 3:
            raise ValueError(
                f"activations of shape {tuple(x.shape)}: this encoder needs whole sequences, (B, 1 + T, D)"
            )
        rest_BTD = (x[:, 1:] * self.scale).float().cpu()
        f_BTF = torch.stack([self.encoder.encode(x_TD) for x_TD in rest_BTD]) / self.scale
        return torch.nn.functional.pad(f_BTF, (0, 0, 1, 0)).to(x)

    def decode(self, feature_acts: Tensor) -> Tensor:
        """Return the reconstruction of what `encode` was given, whatever its first position held."""
        return feature_acts @ self.W_dec + self.b_dec

    def forward(self, x: Tensor) -> Tensor:
        """Return decode(encode(x))."""
        return self.decode(self.encode(x))


def load_model(part: HeldOut, device: str) -> TransformerBridge:
    """Load the part's language model from its folder, in float32; IncompletePartError if it has no start token."""
    model = TransformerBridge.boot_transformers(str(part.model), device=device)
    if model.tokenizer.bos_token_id is None:
        raise IncompletePartError(f"{part.model}: its tokenizer has no start token, which the evaluations put in front")
    # SAEBench makes paths from this name: with the folder that it was loaded from they would lead into that folder.
    model.cfg.model_name = part.model_name
    return model


def lend_model(model: TransformerBridge, package: str) -> ModuleType:
    """Let an evaluation of SAEBench have `model` where it would load one by name; return its main module.

    It asks `HookedTransformer`, which only knows models of the hub and refuses a local folder.
    """
    main = importlib.import_module(f"{package}.main")
    lent: Any = type("LentModel", (TransformerBridge,), {})
    lent.from_pretrained_no_processing = staticmethod(lambda *_, **__: model)
    model.__class__ = lent  # some ask what class it is of
    for name, module in list(sys.modules.items()):
        if name.startswith(package) and hasattr(module, "HookedTransformer"):
            module.HookedTransformer = lent
    return main
