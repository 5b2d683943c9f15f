"""State of this process alone: gone with it, shared with nobody."""
