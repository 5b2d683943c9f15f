"""An OpenAI-compatible LLM gateway. Read `pipeline.py` first."""
