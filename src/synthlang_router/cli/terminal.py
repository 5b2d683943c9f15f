"""Text on its way to a terminal."""


def printable(text: str) -> str:
    """No control character of a client's reaches the terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)
