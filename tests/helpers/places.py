"""Where the project and the real data lie."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder of the project."""

REAL_DATA = ROOT.parent / "shared" / "data"
"""Real products and labels, which are not part of the project; tests that need them skip where they are absent."""
