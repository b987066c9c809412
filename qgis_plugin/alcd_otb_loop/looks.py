"""Show one look of the image, and the map as outlines, classes, confidence, margin or not at all."""

from qgis.core import QgsRasterLayer

from .scene_files import OWN

MODES = {"outlines": "contours", "fill": "classes", "confidence": "confidence", "margin": "margin", "none": ""}
"""Layers of the map by the modes of the page to label in, in its order."""
_CONTRAST_STEP, _MOST_CONTRAST = 20, 80


class Looks:
    """The looks of the image that a project holds, and the layers of the map.

    Parameters
    ----------
    project
        The project that QGIS has open.
    """

    def __init__(self, project):
        self.project = project
        self.contrast = 0
        self._before_peek = None

    def images(self, clear=False):
        """Return the layers of the images of the date that is classified, or of the clear dates, in their order."""
        layers = (node.layer() for node in self.project.layerTreeRoot().findLayers())
        own = [each for each in layers if isinstance(each, QgsRasterLayer) and each.id().startswith(OWN)]
        images = [each for each in own if each.source().split("|")[0].endswith("view.tif")]
        return [each for each in images if _is_clear(each) == clear]

    @property
    def name(self):
        """The name of the image that is shown."""
        shown = [each for each in self.images() + self.images(clear=True) if self._is_shown(each)]
        return f"{'clear date: ' if shown and _is_clear(shown[0]) else ''}{shown[0].name()}" if shown else "no image"

    @property
    def mode(self):
        """The mode in which the map is shown."""
        shown = [mode for mode, key in MODES.items() if key and self._is_shown(self._layer(key))]
        return shown[0] if shown else "none"

    def step(self, step):
        """Show the image a number of places further."""
        images = self.images()
        if images:
            shown = next((index for index, each in enumerate(images) if self._is_shown(each)), -1 if step > 0 else 0)
            self._show_image(images[(shown + step) % len(images)])

    def choose(self, number):
        """Show the image of a number, from 1."""
        images = self.images()
        if number <= len(images):
            self._show_image(images[number - 1])

    def peek(self, down):
        """Show the clear date as long as a key is held. Returns whether anything changed."""
        everything = self.images() + self.images(clear=True)
        if down and self._before_peek is None:
            shown = [each for each in everything if self._is_shown(each)]
            clear = {each.name(): each for each in self.images(clear=True)}
            first = next(iter(clear.values()), None)
            target = clear.get(shown[0].name(), first) if shown else first
            if target is None:
                return False
            self._before_peek = [each.id() for each in shown]
            self._show_image(target)
            return True
        if not down and self._before_peek is not None:
            before, self._before_peek = self._before_peek, None
            for each in everything:
                self._set(each, each.id() in before)
            return True
        return False

    def step_mode(self):
        """Show the map in the next mode that it has layers for."""
        modes = [mode for mode, key in MODES.items() if not key or self._layer(key) is not None]
        present = modes[(modes.index(self.mode) + 1) % len(modes)]
        for mode, key in MODES.items():
            layer = self._layer(key) if key else None
            if layer is not None:
                self._set(layer, mode == present)

    def raise_contrast(self, steps):
        """Raise or lower the contrast of all images."""
        self.contrast = min(_MOST_CONTRAST, max(-_MOST_CONTRAST, self.contrast + steps * _CONTRAST_STEP))
        for each in self.images() + self.images(clear=True):
            each.brightnessFilter().setContrast(self.contrast)
            each.triggerRepaint()

    def _layer(self, key):
        return self.project.mapLayer(OWN + key)

    def _node(self, layer):
        return self.project.layerTreeRoot().findLayer(layer.id())

    def _is_shown(self, layer):
        node = None if layer is None else self._node(layer)
        return node is not None and node.isVisible()

    def _set(self, layer, shown):
        node = self._node(layer)
        if node is None:
            return
        if shown:
            node.setItemVisibilityCheckedParentRecursive(True)
        elif node.itemVisibilityChecked():
            node.setItemVisibilityChecked(False)

    def _show_image(self, image):
        for each in self.images() + self.images(clear=True):
            self._set(each, each.id() == image.id())


def _is_clear(layer):
    """Whether an image is of a clear date, by its identifier. The operator may have renamed it."""
    key = layer.id().removeprefix(OWN).removeprefix("view_")
    return key.startswith("clear")
