"""Sparse autoencoders on a language model's residual stream, trained on whole sequences and graded from outside."""
