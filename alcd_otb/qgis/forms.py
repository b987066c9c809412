"""Make the attribute forms in which QGIS offers the classes of a legend."""

from dataclasses import dataclass

from alcd_otb.qgis.elements import Element, Style, element, option_map
from alcd_otb.settings.legend import Legend

SHOWN_ITERATION = "coalesce(aggregate('alcd_otb_iteration', 'max', \"iteration\"), 0)"
"""QGIS expression for the number of the iteration that is shown, which the layer of the iteration holds; 0 for none."""

LAST_CLASS = 'array_last(array_agg("{field}", order_by:=$id))'
"""QGIS expression for the class of the last feature that was stored; nothing where there is none."""

DEFAULTS = {"iteration": f"{SHOWN_ITERATION} + 1", "author": "@user_account_name", "created": "now()"}
"""Expression with which QGIS fills in a field, by field."""

_CLASS_ALIAS = "class (type its number)"


@dataclass(frozen=True)
class Fields:
    """The fields of a layer that is edited.

    Attributes
    ----------
    names
        All fields, in the order of the file.
    class_field
        Field that holds the class.
    by_code
        Whether the field holds class codes rather than class names.
    """

    names: tuple[str, ...]
    class_field: str = "class"
    by_code: bool = False


OWN_FIELDS = Fields(("fid", "class", "iteration", "author", "comment", "created"))
"""Fields of the layers that this package writes."""


def class_form(legend: Legend, fields: Fields) -> Style:
    """Make a form with the class and the comment.

    Typing the code of a class chooses it, and the form opens with the class of the last feature. Fields that QGIS fills
    in by itself are shown in the attribute table only.

    Parameters
    ----------
    legend
        Names and codes of the classes.
    fields
        Fields of the layer.
    """
    keys = [
        (f"{entry.code} {entry.name}", str(entry.code) if fields.by_code else entry.name) for entry in legend.classes
    ]
    choices = element("Option", {"type": "List", "name": "map"}, *(option_map({key: value}) for key, value in keys))
    widgets = {fields.class_field: element("editWidget", {"type": "ValueMap"}, _config(choices))}
    shown = [name for name in (fields.class_field, "comment") if name in fields.names]
    defaults = {name: expression for name, expression in DEFAULTS.items() if name in fields.names}
    # QGIS offers the last value of a session by itself; this is for the first feature of one.
    defaults[fields.class_field] = LAST_CLASS.format(field=fields.class_field)
    class_only = {"field": fields.class_field}
    return [
        element(
            "fieldConfiguration",
            {},
            *(element("field", {"name": name}, widget) for name, widget in widgets.items()),
        ),
        element(
            "aliases",
            {},
            element("alias", {**class_only, "index": fields.names.index(fields.class_field), "name": _CLASS_ALIAS}),
        ),
        element(
            "defaults",
            {},
            *(
                element("default", {"field": name, "expression": expression, "applyOnUpdate": 0})
                for name, expression in defaults.items()
            ),
        ),
        # A hard constraint: the form is not accepted without a class.
        element("constraints", {}, element("constraint", {**class_only, "constraints": 1, "notnull_strength": 1})),
        element("editorlayout", {}, "tablayout"),
        element(
            "attributeEditorForm",
            {},
            *(
                element("attributeEditorField", {"name": name, "index": fields.names.index(name), "showLabel": 1})
                for name in shown
            ),
        ),
        element("reuseLastValue", {}, element("field", {"name": fields.class_field, "reuseLastValue": 1})),
    ]


def _config(*options: Element) -> Element:
    return element("config", {}, element("Option", {"type": "Map"}, *options))
