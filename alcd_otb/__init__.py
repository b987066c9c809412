"""Reference cloud masks for Sentinel-2 by active learning on Orfeo ToolBox.

For notebooks and programs: `Scene` is a scene with its jobs, `Result` the result of a run, `AlcdError` the root of all
expected errors. They are loaded when they are used, so that importing the package costs nothing.
"""

import os
import sys


def _leave_current_folder() -> None:
    """Take the current folder from where ``python -m alcd_otb`` looks for modules.

    Otherwise a file ``fiona.py`` that came with somebody's data would be run. In a checkout that is not installed, the
    folder holds this package itself, and stays.
    """
    if not sys.argv or sys.argv[0] != "-m" or sys.flags.safe_path:
        return
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if sys.path and os.path.realpath(sys.path[0]) != os.path.realpath(own):
        del sys.path[0]


# Before anything else is imported.
_leave_current_folder()

from importlib import import_module  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

if TYPE_CHECKING:
    from alcd_otb.errors import AlcdError
    from alcd_otb.result import Result
    from alcd_otb.scene import Scene

__all__ = ["AlcdError", "Result", "Scene"]

_MODULES = {"AlcdError": "alcd_otb.errors", "Result": "alcd_otb.result", "Scene": "alcd_otb.scene"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # First of all, since it sets the locale in which the libraries are loaded.
    import_module("otb_pipelines")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
