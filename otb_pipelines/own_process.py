"""Say that the process runs nothing but this program, so that settings of the whole process may be changed.

A notebook, or a service that imports these packages, keeps its own.
"""

_claimed: list[bool] = []


def own_process() -> None:
    """Say that this process runs nothing but this program. The command line calls it, and a script may.

    From then on the C library's memory is tuned while a scene is prepared (`otb_pipelines.process.kept_memory`), and
    GDAL's warnings go to the log once OTB is loaded.
    """
    _claimed.append(True)


def is_own_process() -> bool:
    """Say whether `own_process` was called."""
    return bool(_claimed)
