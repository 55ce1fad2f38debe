"""``python -m verifier``."""

from verifier.cli import entry

if __name__ == "__main__":
    entry()
