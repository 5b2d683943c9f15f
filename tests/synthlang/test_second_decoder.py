"""The page that defines the notation is enough to read every frame: a decoder written from it alone agrees."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from synthlang_router.synthlang.codec import LosslessLevel, encode
from synthlang_router.synthlang.frames import read_text
from synthlang_router.synthlang.references import Earlier

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "fuzz")]
