"""``python -m upscale_cli`` and the console script ``upscale``."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from upscale_cli.cli import main as run

    run()


if __name__ == "__main__":
    main()
