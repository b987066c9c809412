"""The help of the plug-in: the table of keys, and what to do in which order, with a picture."""

from pathlib import Path

from qgis.PyQt.QtCore import Qt, QUrl
from qgis.PyQt.QtWidgets import QDialog, QTextBrowser, QVBoxLayout

from .key_names import TABLE
from .program import plugin_version

_PAGE = """
<h2>alcd_otb {version}: the loop in QGIS</h2>
<p><img src="help.png" width="560"></p>
<ol>
<li><b>N</b> goes to the first place. The panel shows its question.</li>
<li><b>Press the number of the class</b> that you see: the place is labelled. <b>N</b> goes to the next place.
<b>Space</b> labels with the class that is set, and then goes to the next place.</li>
<li><b>Click</b> where the map is wrong. A click on a point gives it the class that is set, a right click deletes it.
Drag to move the map, turn the wheel to zoom.</li>
<li><b>R</b> makes a map; <b>R</b> again stops the run. Each label is stored at once. Labels added
during a run are kept.</li>
<li><b>P</b> or <b>F</b> draws a correction of the class that is set.</li>
</ol>
<p>The keys work while the map has the focus: click it once. They stop working when another tool
of QGIS is chosen; click a class in the panel to use them again.</p>
<table cellpadding="3">{rows}</table>
"""


class HelpPage(QDialog):
    """A window with the help. It may stay open beside the map."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setWindowTitle("alcd_otb: help")
        self.resize(620, 760)
        page = QTextBrowser()
        page.setSearchPaths([str(Path(__file__).parent)])
        page.setOpenExternalLinks(True)
        rows = "".join(
            f"<tr><td><b>{_plain(row['shown'])}</b></td><td>{_plain(row['what'])}</td></tr>" for row in TABLE
        )
        page.setHtml(_PAGE.format(version=plugin_version(), rows=rows))
        page.document().setBaseUrl(QUrl.fromLocalFile(f"{Path(__file__).parent}/"))
        box = QVBoxLayout(self)
        box.addWidget(page)

    def keyPressEvent(self, event):  # noqa: N802 - the name that Qt calls
        """Close the window by the key that opened it, too."""
        if event.text() == "?" or event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)


def _plain(text):
    return text.replace("`", "").replace("&", "&amp;").replace("<", "&lt;")
