"""Set the locale in which C and C++ work, independent of the machine's language."""

import locale
from contextlib import suppress


def use_plain_locale() -> None:
    """Let C and C++ compare letters, and read and write numbers, the same way on every machine.

    In Turkish the lower case of ``I`` is no ``i``, so that GDAL finds neither drivers nor tables by their names;
    elsewhere a comma begins the decimals of a number. Python's own text is not touched.
    """
    for category, name in ((locale.LC_CTYPE, "C"), (locale.LC_CTYPE, "C.UTF-8"), (locale.LC_NUMERIC, "C")):
        # Every C library has C. Where it has C.UTF-8, that one stays.
        with suppress(locale.Error):
            locale.setlocale(category, name)
