"""The errors a user can meet, each with the exit code that tells a job scheduler what went wrong."""


class AlcdError(Exception):
    """Root of all expected failures. The message names the file, the value and the remedy."""

    exit_code = 1


class ConfigurationError(AlcdError):
    """Wrong usage, scene.json or template."""

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
    """Another run holds the workspace."""

    exit_code = 7
