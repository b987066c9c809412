"""Define the errors that a user can meet.

Each has an exit code, from which a job scheduler can see what went wrong. A batch has two more: its scenes ended each
with a code of their own.
"""

from otb_pipelines.errors import without_source

SOME_FAILED = 9
"""Exit code where all scenes of a batch are settled, and some have failed."""

NOT_FINISHED = 10
"""Exit code where scenes of a batch are still to be run, wait in a queue, or run."""


class AlcdError(Exception):
    """Base class of all expected failures.

    Parameters
    ----------
    message
        It names the file, the value and the remedy. Names of functions of a library that it quotes are removed.
    """

    exit_code = 5

    def __init__(self, message: str) -> None:
        super().__init__(without_source(message))


class ConfigurationError(AlcdError):
    """The usage, ``scene.json`` or the template is wrong."""

    exit_code = 2


class ProductError(AlcdError):
    """An input product is missing, damaged or does not fit the scene."""

    exit_code = 3


class SampleError(AlcdError):
    """The operator's samples cannot be used."""

    exit_code = 4


class ProcessingError(AlcdError):
    """An OTB application failed, or its results could not be written."""

    exit_code = 5


class EnvironmentNotReadyError(AlcdError):
    """OTB, GDAL or a needed application is not installed."""

    exit_code = 6


class WorkspaceLockedError(AlcdError):
    """Another run is using the workspace."""

    exit_code = 7
