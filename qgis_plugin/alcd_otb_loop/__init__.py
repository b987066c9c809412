"""Label, run and look at a scene of alcd_otb in QGIS 3.22 or later, without leaving it.

Nothing is imported but QGIS and Python's own modules. The program alcd_otb is started as a separate process.
"""


def classFactory(iface):  # noqa: N802 - the name that QGIS calls
    """Return the plug-in; QGIS calls this."""
    from .plugin import Plugin

    return Plugin(iface)
