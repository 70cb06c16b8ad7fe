"""Repairs of LaTeX that models write: each takes a section's text and returns it, mended in one respect. Pure."""
