"""The architectures by name. Each is a module with the same three functions and one number.

`initial_weights(d_in, d_sae, settings)` are weights beyond the usual four, `encode(x_BTD, weights)` makes the codes,
and `penalty(f_BTF, x_BTD, x_hat_BTD, settings, state)` is what its loss adds to the reconstruction error.
`ENCODER_NORM` is the norm that each feature's column of W_enc starts with.
"""

from temporal_sae import batch_topk, jump_relu, standard, topk

__all__ = ["batch_topk", "jump_relu", "standard", "topk"]
