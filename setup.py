"""Build and install: CMake makes the native code, setuptools takes the Python packages.

Everything declarative is in pyproject.toml.
"""

import shutil
import subprocess
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
OPENLAYERS = HERE / "alcd_otb" / "label" / "page" / "vendor" / "ol.js"


class BuildWithPage(build_py):
    """Take OpenLayers into a wheel, so that its page works without the network."""

    def run(self) -> None:
        if not self.editable_mode and not OPENLAYERS.is_file():
            if shutil.which("npm") is None:
                raise SystemExit(f"{OPENLAYERS}: is missing; install npm, then run: tools/install.sh page")
            subprocess.run([HERE / "tools" / "install.sh", "page"], check=True)
        super().run()


setup(
    packages=find_packages(
        include=["alcd_otb", "alcd_otb.*", "otb_pipelines", "otb_pipelines.*"],
        # Only QGIS imports it.
        exclude=["alcd_otb.qgis.plugin"],
    ),
    # Named although it is the default: an editable install then puts this folder on the path, and with it the
    # compiled module that CMake installs here.
    package_dir={"": "."},
    package_data={
        "": ["py.typed"],
        # Links in the package lead to these folders at the top. In a wheel the files lie within the package.
        "alcd_otb": ["param_templates/*", "param_templates/protocols/*", "class_tables/*"],
        # The page to label in, with OpenLayers, so that nothing is fetched when a wheel is installed.
        "alcd_otb.label": ["keys.json", "page/*.html", "page/*.css", "page/modules/*", "page/vendor/*"],
        "alcd_otb.pages": ["templates/*"],
        # By a link, too.
        "alcd_otb.qgis": [f"plugin/*.{ending}" for ending in ("py", "json", "txt", "svg", "png")],
        "alcd_otb.synthetic": ["truths/*"],
    },
    cmdclass={"build_py": BuildWithPage},
    cmake_source_dir=".",
)
