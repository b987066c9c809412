"""Reference cloud masks for Sentinel-2 by active learning on Orfeo ToolBox.

For notebooks and programs: `Scene` is a scene with its jobs, `Result` what a run made, `AlcdError` the root of all that
can be expected to fail. They are loaded when they are used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alcd_otb.errors import AlcdError
    from alcd_otb.result import Result
    from alcd_otb.scene import Scene

__all__ = ["AlcdError", "Result", "Scene"]

_MODULES = {"AlcdError": "alcd_otb.errors", "Result": "alcd_otb.result", "Scene": "alcd_otb.scene"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
