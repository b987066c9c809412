"""Define the errors of OTB's applications."""


class OtbError(RuntimeError):
    """An OTB application failed, or could not be made. The message names it and quotes OTB's own message."""


class OtbMissingError(OtbError):
    """OTB, or one of its applications, is not installed."""
