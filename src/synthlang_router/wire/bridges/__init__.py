"""Bridges between dialects. OpenAI's chat is the middle: every bridge has one end there; the file's name is its way."""

from synthlang_router.wire.bridges.interpreter import Interpreter, as_chat, interpret

__all__ = ["Interpreter", "as_chat", "interpret"]
