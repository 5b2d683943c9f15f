"""State in SQLite files, through the standard library."""
