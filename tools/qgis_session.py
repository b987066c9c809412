"""Open a project in QGIS, without a screen, and run steps in it, for tests and for the pictures of the tutorial.

/usr/bin/python3 tools/qgis_session.py < request.json

Debian's Python runs it, since it has QGIS. The request is {"project": path, "steps": [[name, argument...], ...]}, with
the name of a function of qgis_inspection.py, qgis_editing.py or qgis_canvas.py in each step. What the steps return is
printed as a JSON list.
"""

import contextlib
import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import qgis_canvas
import qgis_editing
import qgis_inspection
from qgis.core import QgsApplication, QgsProject
from qgis.gui import QgsGui

STEPS = {
    step.__name__: step
    for step in (
        qgis_inspection.describe,
        qgis_inspection.form,
        qgis_inspection.labels_of,
        qgis_inspection.style,
        qgis_inspection.identify,
        qgis_inspection.render,
        qgis_inspection.picture_panel,
        qgis_editing.draw,
        qgis_editing.type_class,
        qgis_editing.customise,
        qgis_editing.start_drawing,
        qgis_editing.run,
        qgis_editing.save_layer,
        qgis_canvas.look,
        qgis_canvas.refresh,
        qgis_canvas.view,
        qgis_editing.save,
    )
}


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], True)
    application.initQgis()
    QgsGui.editorWidgetRegistry().initEditors()
    project = QgsProject.instance()
    # QGIS may print, too; standard output is for the answer alone.
    with contextlib.redirect_stdout(sys.stderr):
        assert project.read(request["project"]), project.error()
        answers = [STEPS[step](project, *arguments) for step, *arguments in request["steps"]]
    json.dump(answers, sys.stdout)
    sys.stdout.flush()
    qgis_canvas.close()
    project.clear()
    application.exitQgis()


if __name__ == "__main__":
    main()
