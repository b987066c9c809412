"""The plug-in itself: its panel and menu, and the scene whose project QGIS has open."""

from pathlib import Path

from qgis.core import Qgis, QgsProject
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import QFileDialog, QMessageBox

from .dock import Dock
from .help_page import HelpPage
from .loop import Loop
from .map_layers import is_workspace
from .runs import Runs
from .scene_files import OWN, workspace_of
from .settings_dialogue import SettingsDialogue

_TITLE = "alcd_otb"
_OWN_ACTIONS = ("open_scene", "settings", "help")


class Plugin:
    """What QGIS loads.

    Parameters
    ----------
    iface
        The interface of QGIS.
    """

    def __init__(self, iface):
        self.iface = iface
        self.loop = None
        self._preparing = None

    def initGui(self):  # noqa: N802 - the name that QGIS calls
        """Add the panel and the menu, and take the project that is open."""
        window = self.iface.mainWindow()
        self.dock = Dock(window, self.press)
        self.help_page = HelpPage(window)
        self.iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.menu = self.iface.pluginMenu().addMenu(_TITLE)
        self.menu.addAction(self.dock.toggleViewAction())
        self.menu.addAction("Open a scene…", lambda: self.press("open_scene"))
        self.menu.addAction("Settings…", lambda: self.press("settings"))
        self.menu.addAction("Help", lambda: self.press("help"))
        self.iface.projectRead.connect(self.opened)
        QgsProject.instance().cleared.connect(self.closed)
        # Once QGIS has read the project that it was started with.
        QTimer.singleShot(0, self.opened)

    def unload(self):
        """Remove everything; QGIS calls this also when it ends."""
        self.iface.projectRead.disconnect(self.opened)
        QgsProject.instance().cleared.disconnect(self.closed)
        self.closed()
        if self._preparing is not None:
            self._preparing.close()
        self.help_page.close()
        self.menu.deleteLater()
        self.iface.removeDockWidget(self.dock)
        self.dock.deleteLater()

    def opened(self):
        """Show the scene in the panel, if the project that was read is one of a scene."""
        self.closed()
        project = QgsProject.instance()
        own = [name for name in project.mapLayers() if name.startswith(f"{OWN}samples")]
        if not own:
            self.dock.title.setText("Open the project of a scene, or a scene.json.")
            return
        if not is_workspace(project.absolutePath()):
            self.dock.title.setText("This scene is still being prepared: open the project again when it is ready.")
            return
        try:
            self.loop = Loop(self.iface, self.dock, self.toggle_help)
        except (ValueError, KeyError, OSError) as error:
            self.say(f"{project.absolutePath()}/config.json: cannot be read ({error}); run the scene once more")
            return
        self.dock.show()
        self.loop.start()

    def closed(self):
        """Leave the scene of the project that is being closed."""
        if self.loop is not None:
            loop, self.loop = self.loop, None
            loop.close()

    def press(self, action, *words):
        """Do the action of a button of the panel or of the menu."""
        if action in _OWN_ACTIONS:
            {"open_scene": self.open_scene, "settings": self.settings, "help": self.toggle_help}[action]()
        elif self.loop is not None:
            self.loop.press(action, *words)

    def settings(self):
        """Ask for the program."""
        if SettingsDialogue(self.iface.mainWindow()).exec() and self.loop is not None:
            self.loop.runs.check(again=True)

    def toggle_help(self):
        """Show or hide the help."""
        self.help_page.setVisible(not self.help_page.isVisible())

    def open_scene(self):
        """Open the project of a scene.json. A scene that has none yet is prepared first."""
        chosen, _ = QFileDialog.getOpenFileName(self.iface.mainWindow(), "scene.json", "", "Scenes (*.json)")
        if not chosen:
            return
        try:
            project = workspace_of(chosen) / "project.qgz"
        except (ValueError, OSError) as error:
            self.say(f"{chosen}: is not a scene ({error}); choose a scene.json")
            return
        if project.is_file() and is_workspace(project.parent):
            self._open(str(project))
            return
        self.dock.show()
        if self._preparing is None or not self._preparing.is_running:
            self._preparing = Runs(Path(chosen), self.dock, self.say)
            self._preparing.run(lambda result, _warnings, _seconds: self._open(result["project"]))

    def _open(self, project):
        """Open a project, unless the operator wants to keep unsaved changes of another project."""
        question = "The open project has changes that are not saved. Open the scene all the same?"
        window, yes = self.iface.mainWindow(), QMessageBox.StandardButton.Yes
        if not QgsProject.instance().isDirty() or QMessageBox.question(window, _TITLE, question) == yes:
            self.iface.addProject(project)

    def say(self, line):
        """Show an error's own line."""
        self.dock.say(line, wrong=True)
        self.iface.messageBar().pushMessage(_TITLE, line, Qgis.MessageLevel.Critical, 0)
