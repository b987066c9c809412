"""Define the folders of the project and of the real data."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder of the project."""

REAL_DATA = ROOT.parent / "shared" / "data"
"""Real products and labels, which are not part of the project. Tests that need them are skipped if they are absent."""
