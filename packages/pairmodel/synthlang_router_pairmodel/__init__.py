"""Where the file of the pair model lies, and the digest it must have."""

from pathlib import Path

MODEL_PATH = Path(__file__).with_name("model.onnx")
MODEL_SHA256 = "aabaff64a97ff4d14814bcc28396936529f08ef3cee45512373aa133f03951b1"

__all__ = ["MODEL_PATH", "MODEL_SHA256"]
