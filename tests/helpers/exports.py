"""Export workspaces as tests need it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alcd_otb.export import job
from alcd_otb.export.publication import Publication
from otb_pipelines.settings import Settings


def export(sources: Sequence[Path], target: Path, layout: str, **said: Any) -> job.Exported:
    """Export workspaces with small settings. The keywords are those of the publication, and options of the job."""
    options = {key: said.pop(key) for key in ("iteration", "acquired", "replace") if key in said}
    request = job.ExportOptions(layout, Publication(**said), **options)
    return job.export(sources, target, request, Settings(ram=64, threads=1))
