"""How Sphinx makes the user guide.

Its source folder is the root of the project, so that pages and links are as on a forge.
"""

import re
from pathlib import Path

project = "alcd_otb"
html_title = "alcd_otb"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/**.md",
    "otb_pipelines/native/README.md",
]
exclude_patterns = [".*", "build", "demo", "tests"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["guide.css"]
html_extra_path = ["_extra"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False

# What docstrings name in single backticks.
default_role = "literal"
# The anchors that a forge makes of headings.
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_default_options = {"exclude-members": "model_config"}
autodoc_typehints_format = "short"
# What a function takes by default, as it is written.
autodoc_preserve_defaults = True
# Types that are documented elsewhere, and bases and fields of no interest to who calls.
nitpick_ignore_regex = [
    ("py:.*", r"(numpy|pathlib|collections|datetime|osgeo|pydantic|annotated_types)(\..*)?"),
    ("py:.*", r"NDArray|Path|Mapping|Iterable|Any|BaseModel|_Model|FieldInfo"),
    ("py:class", r"alcd_otb\.expressions\.Expression"),
]


def setup(app):
    app.connect("source-read", _without_absent_pages)


def _without_absent_pages(_app, name, source):
    """Leave out the entries of the table of contents whose page is not there."""
    if name == root_doc:
        folder = Path(__file__).parent
        lines = source[0].splitlines()
        kept = [line for line in lines if not re.fullmatch(r"[a-z_]+", line) or (folder / f"{line}.md").is_file()]
        source[0] = "\n".join(kept) + "\n"
