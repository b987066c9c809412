"""How Sphinx makes the user guide.

Its source folder is the root of the project, so that pages and links are as on a forge.
"""

import inspect
from typing import get_type_hints

from pydantic import BaseModel
from sphinx.util.inspect import stringify_signature

project = "alcd_otb"
html_title = "alcd_otb"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
napoleon_google_docstring = False
# Fields of data classes, which autodoc would list a second time.
napoleon_use_ivar = True
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
    ("py:.*", r"(numpy|pathlib|collections|datetime|osgeo|pydantic)(\..*)?"),
    ("py:.*", r"NDArray|Path|Mapping|Iterable|Any|BaseModel"),
    ("py:class", r"alcd_otb\.settings\.expressions\.Expression"),
    ("py:class", r"alcd_otb\.active_learning\.layer\.PlaceRecord"),
]


def setup(app):
    app.connect("autodoc-process-signature", _with_bare_types)


def _with_bare_types(_app, what, _name, documented, _options, signature, returns):
    """Of a model's fields the types without their limits and descriptions, which are in the tables of keys."""
    if what != "class" or not issubclass(documented, BaseModel):
        return signature, returns
    types = get_type_hints(documented)
    parameters = inspect.signature(documented).parameters.values()
    bare = inspect.Signature([one.replace(annotation=types[one.name]) for one in parameters])
    return stringify_signature(bare, unqualified_typehints=True), returns
