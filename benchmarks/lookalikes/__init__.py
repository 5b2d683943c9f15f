"""Rows like those the evaluation is for, made from a seed: every kind of data that agents and applications send."""

from lookalikes.rows import rows

__all__ = ["rows"]
