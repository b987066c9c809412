"""Build and install: CMake makes the native code, setuptools takes the Python packages.

Everything declarative is in pyproject.toml.
"""

from setuptools import find_packages, setup

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
        # A link in the package leads to the folder at the top. In a wheel the files lie within the package.
        "alcd_otb": ["param_templates/*", "param_templates/protocols/*"],
        # The page to label in, with OpenLayers, so that nothing is fetched when a wheel is installed.
        "alcd_otb.label": ["keys.json", "page/*.html", "page/*.css", "page/modules/*", "page/vendor/*"],
        "alcd_otb.pages": ["templates/*"],
        # By a link, too.
        "alcd_otb.qgis": [f"plugin/*.{ending}" for ending in ("py", "json", "txt", "svg", "png")],
        "alcd_otb.synthetic": ["truths/*"],
    },
    cmake_source_dir=".",
)
