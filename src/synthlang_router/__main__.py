"""The command line's front door; `python -m synthlang_router` does the same."""

from synthlang_router.cli import run


def main() -> None:
    """Run one command and exit with its code."""
    run()


if __name__ == "__main__":
    main()
