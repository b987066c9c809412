"""The loop on one scene that QGIS has open: label, visit places, correct, look, run, and show the results."""

from collections import Counter

from qgis.core import Qgis, QgsPointXY, QgsProject
from qgis.PyQt.QtCore import QFileSystemWatcher, QTimer

from . import map_layers
from .keyboard import Keyboard
from .labels import Labels, NotStoredError
from .looks import Looks
from .map_tool import LoopTool
from .messages import escaped, returned_text, run_lines
from .places import Places
from .runs import Runs
from .scene_files import SceneFiles

_REACH, _DELETE_REACH = 8, 40
"""Pixels of the screen within which a click, or the key for the nearest point, means a point."""
_MOVE = 120
"""Pixels of the screen that an arrow moves the view."""
_SETTLE = 400
"""Milliseconds after which files that other programs replace count as complete."""


class Loop:
    """A scene in QGIS.

    Parameters
    ----------
    iface
        The interface of QGIS.
    dock
        The panel.
    help_page
        Shows and hides the help.

    Raises
    ------
    ValueError, KeyError, OSError
        The workspace holds no settings that can be read.
    """

    def __init__(self, iface, dock, help_page):
        self.iface, self.dock, self.canvas = iface, dock, iface.mapCanvas()
        self.project = QgsProject.instance()
        self.scene = SceneFiles(self.project.absolutePath())
        self.labels = Labels(self.project, self.scene)
        self.looks = Looks(self.project)
        self.places = Places(self.canvas, self.project, self.scene)
        self.tool = LoopTool(self.canvas, self.click, self.delete, self.correct)
        self.runs = Runs(self.scene.scene_file, dock, self.failed)
        self.code = self.scene.classes[0].code
        self.points = []
        self._watched = set()
        self._refreshing = _timer(0, self.refresh)
        self._map_changed = _timer(_SETTLE, self.show_map)
        self._files = QFileSystemWatcher([str(self.scene.folder / "map")])
        self._files.directoryChanged.connect(lambda _: self._map_changed.start())
        self.acts = self._acts(help_page)
        self._keyboard = Keyboard(self.canvas, lambda: self.canvas.mapTool() is self.tool, self.acts)

    def start(self):
        """Show the scene in the panel, and make the map the place where labels are set."""
        self.dock.title.setText(f"<b>{self.scene.name}</b>")
        self.dock.show_classes(self.scene.classes)
        self.dock.show_said([])
        self.dock.say("")
        self.places.read()
        self.set_class(self.code, labels=False)
        self.refresh()
        self.show_iterations()
        self.show_shown()
        self.take_keys()
        self.runs.check()

    def close(self):
        """Leave the scene: stop the running call, and clear the map."""
        self.runs.close()
        self._keyboard.close()
        for timer in (self._refreshing, self._map_changed):
            timer.stop()
        self.canvas.unsetMapTool(self.tool)
        self.tool.remove()
        self.places.remove()

    def press(self, action, *words):
        """Do the action of a button of the panel."""
        self.take_keys()
        if action == "choose":
            self.set_class(*words)
        elif action == "propose":
            self.propose()
        elif action == "return":
            self.return_to(self.dock.selected)
        else:
            self.acts[action]("")

    def take_keys(self):
        """Make clicks and keys on the map those of the loop."""
        layers = self.labels.layers()
        if layers and self.iface.activeLayer() not in layers:
            self.iface.setActiveLayer(layers[0])
        if self.canvas.mapTool() is not self.tool:
            self.canvas.setMapTool(self.tool)
        self.canvas.setFocus()

    # Labels.

    def set_class(self, code, labels=True):
        """Set the class of the next label. At a place to visit, label it."""
        known = self.scene.class_of(code)
        if known is None:
            return
        self.code = code
        self.dock.show_class(code)
        if labels and self.places.current is not None:
            self.label_place()

    def click(self, point):
        """Label a place of the map, or give the point that is there the class that is set."""
        self.places.leave()
        on = self.labels.near(self.points, point.x(), point.y(), _REACH * self.canvas.mapUnitsPerPixel())
        self._label(point.x(), point.y(), on)

    def label_place(self):
        """Label the place that is visited."""
        place = self.places.current
        on = self.labels.near(self.points, place.x, place.y, self.scene.resolution / 2)
        self._label(place.x, place.y, on)

    def delete(self, point, reach=_REACH):
        """Delete the point or the correction at a place of the map."""
        on = self.labels.near(self.points, point.x(), point.y(), reach * self.canvas.mapUnitsPerPixel())
        if on is not None:
            self._change("deleted", self.labels.delete, on)
            return
        correction = self.labels.correction_at(point.x(), point.y()) if reach == _REACH else None
        if correction is not None:
            self._change("the correction is deleted", self.labels.delete_correction, correction)

    def correct(self, corners):
        """Add a correction of the class that is set."""
        self._change("a correction", self.labels.correct, corners, self.code)
        self.show_shown()

    def _label(self, x, y, on):
        if not map_layers.extent(self.scene, self.project).contains(QgsPointXY(x, y)):
            self.dock.say("This place is outside the scene.")
            return
        title = self.scene.class_of(self.code).title
        self._change(f"now {title}" if on else title, self.labels.put, x, y, self.code, on)

    def _change(self, text, change, *words, nothing=""):
        """Make a change, and show what it was, or why it is not stored yet."""
        try:
            if change(*words) is False:
                text = nothing
        except (NotStoredError, OSError) as error:
            self.dock.say(str(error), wrong=True)
        else:
            self.dock.say(f"{text[0].upper()}{text[1:]}.")
        self.refresh()

    # Runs.

    def run(self):
        """Store what is being edited and make an iteration; or stop the one that is being made."""
        if self.runs.is_running:
            self.runs.stop()
        elif self._stored():
            self.dock.say("")
            self.runs.run(self.made)

    def return_to(self, number):
        """Make an iteration from the samples of an earlier one. The program keeps a copy of the present ones."""
        if number is None or self.runs.is_running or not self._stored():
            return

        def returned(result, warnings, seconds):
            self.made(result, warnings, seconds)
            kept = self.scene.copy_before(result["iteration"])
            if kept is not None:
                # Changes to points that are gone cannot be undone.
                self.labels.forget()
            self.dock.say(returned_text(result["iteration"], number, kept))

        self.dock.say("")
        self.runs.run(returned, number)

    def _stored(self):
        """Store what is being edited. Returns whether that went well."""
        try:
            self.labels.store()
        except NotStoredError as error:
            self.failed(str(error))
            return False
        return True

    def propose(self):
        """Request new places from the present samples."""
        self.runs.propose(self.proposed)

    def made(self, result, warnings, seconds):
        """Show what a run has made."""
        self.show_map()
        self.labels.reread()
        self.places.read(reload=True)
        self.places.leave()
        self.show_iterations()
        number = result["iteration"]
        record = next((each for each in self.scene.iterations() if each.number == number), None)
        self.dock.show_said(run_lines(result, warnings, seconds, record))
        self.dock.say(f"Map {number} is shown. {result.get('places', 0)} places to visit: N." if number else "")
        self.refresh()

    def proposed(self, result, warnings, _seconds):
        """Show new places."""
        self.places.read(reload=True)
        self.places.leave()
        self.dock.say(f"{len(result['places'])} new places: N. {' '.join(warnings)}")
        self.refresh()

    def failed(self, line):
        """Show the one line with which the program ended, or why a run could not begin."""
        self.dock.say(escaped(line), wrong=True)
        self.iface.messageBar().pushMessage("alcd_otb", line, Qgis.MessageLevel.Critical, 0)

    # What is shown.

    def refresh(self):
        """Count the points again, and look which places have one."""
        self._watch()
        self.points = self.labels.points()
        self.dock.show_counts(Counter(each.code for each in self.points))
        self.places.mark(self.points)
        self.dock.show_places(self.places)

    def show_map(self):
        """Show the present files of the map, with the layers of a first map."""
        gone = map_layers.remove_gone_layers(self.project)
        try:
            added = map_layers.add_new_layers(self.project, self.scene)
        except (OSError, KeyError, StopIteration) as error:
            self.failed(f"{self.scene.project}: cannot be read ({error}); run the scene again")
            return
        map_layers.reload_map(self.project)
        if added or gone:
            # Otherwise QGIS would ask, when it saves, what to do about a project that is newer on the disk.
            self.project.write()
            self.places.read()
            self.refresh()
        self.show_shown()

    def show_iterations(self):
        """Show the iterations with their figures."""
        self.dock.show_iterations(self.scene.iterations())

    def show_shown(self):
        """Show which look is shown, how the map is, and whether a correction is being drawn."""
        self.dock.show_shown(self.looks, self.tool.drawing)

    def _watch(self):
        """Follow what is edited by other tools of QGIS."""
        for layer in self.labels.all_layers():
            if layer.id() not in self._watched:
                self._watched.add(layer.id())
                for signal in (layer.layerModified, layer.afterRollBack, layer.dataSourceChanged):
                    signal.connect(self._refreshing.start)

    # Keys.

    def _acts(self, help_page):
        """Return the functions of the actions, whose names are those of the table of keys."""

        def then_shown(function, *words):
            function(*words)
            self.show_shown()

        return {
            "class": lambda key: self.set_class(int(key)),
            "label": lambda _: self._enter(),
            "delete_nearest": lambda _: self.delete(self.canvas.center(), _DELETE_REACH),
            "label_place": lambda _: self._label_and_go_on(),
            "next_place": lambda _: self._go(0 if self.places.index is None else self.places.index + 1),
            "previous_place": lambda _: self._go(-1 if self.places.index is None else self.places.index - 1),
            "undo": lambda _: self._change("undone", self.labels.undo, nothing="there is nothing to undo"),
            "redo": lambda _: self._change("done again", self.labels.redo, nothing="there is nothing to do again"),
            "polygon": lambda _: then_shown(self.tool.draw, False, self.scene.class_of(self.code).colour),
            "freehand": lambda _: then_shown(self.tool.draw, True, self.scene.class_of(self.code).colour),
            "cancel": lambda _: self._cancel(),
            "next_look": lambda _: then_shown(self.looks.step, 1),
            "previous_look": lambda _: then_shown(self.looks.step, -1),
            "look": lambda key: then_shown(self.looks.choose, int(key[-1])),
            "clear_date": lambda _, down: self.looks.peek(down) and self.show_shown(),
            "more_contrast": lambda _: then_shown(self.looks.raise_contrast, 1),
            "less_contrast": lambda _: then_shown(self.looks.raise_contrast, -1),
            "outlines": lambda _: then_shown(self.looks.step_mode),
            "move": self._move,
            "zoom": lambda key: self.canvas.zoomByFactor(0.5 if key == "+" else 2),
            "whole": lambda _: self._whole(),
            "run": lambda _: self.run(),
            "help": lambda _: help_page(),
        }

    def _enter(self):
        if self.tool.drawing:
            self.tool.finish()
            self.show_shown()
        else:
            self.click(self.canvas.center())

    def _label_and_go_on(self):
        if self.places.current is not None:
            self.label_place()
        if self.places.all:
            self.places.go_on()
        self.dock.show_places(self.places)

    def _go(self, index):
        self.places.go(index)
        self.dock.show_places(self.places)

    def _cancel(self):
        self.tool.cancel()
        self.places.leave()
        self.dock.say("")
        self.dock.show_places(self.places)
        self.show_shown()

    def _move(self, key):
        step, centre = _MOVE * self.canvas.mapUnitsPerPixel(), self.canvas.center()
        right = (key == "ArrowRight") - (key == "ArrowLeft")
        up = (key == "ArrowUp") - (key == "ArrowDown")
        self.canvas.setCenter(QgsPointXY(centre.x() + step * right, centre.y() + step * up))
        self.canvas.refresh()

    def _whole(self):
        self.canvas.setExtent(map_layers.extent(self.scene, self.project))
        self.canvas.refresh()


def _timer(milliseconds, function):
    """Return a timer that calls a function once, so long after it was started last."""
    timer = QTimer()
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(function)
    return timer
