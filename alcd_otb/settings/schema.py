"""JSON Schemas (draft 2020-12) of scene.json and of templates, by which editors complete and check them."""

import re
from typing import Any

from alcd_otb.settings.json_schema import Schema, resolved
from alcd_otb.settings.scene_file import SceneFile
from alcd_otb.settings.template import Template, template_names

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def scene_schema() -> Schema:
    """Of scene.json. What is in ``set`` is checked as part of a template, of which all may be left out."""
    schema = _schema_of(SceneFile, "A scene (scene.json)")
    template = _schema_of(Template, "")
    schema["$defs"] = template.pop("$defs")
    whole = {**template, "$defs": schema["$defs"]}
    schema["properties"]["set"] = {**_changes(template, whole), **_notes(schema["properties"]["set"])}
    # Editors propose the names; any path is as good.
    named = {"enum": list(template_names()), "type": "string"}
    path = schema["properties"]["template"]
    schema["properties"]["template"] = {**_notes(path), "anyOf": [named, {"type": "string", "minLength": 1}]}
    return schema


def template_schema() -> Schema:
    """Of a template, in a file of its own."""
    return _schema_of(Template, "A template")


def _schema_of(model: type[SceneFile | Template], title: str) -> Schema:
    schema = _plain(model.model_json_schema())
    schema["title"] = title
    return {"$schema": DIALECT, **schema}


def _changes(part: Schema, whole: Schema) -> Schema:
    """An object of which any keys may be given; so may those of objects in it, but not those of a list's entries."""
    properties = {}
    for key, value in part.get("properties", {}).items():
        inner = resolved(value, whole)
        properties[key] = _changes(inner, whole) if inner.get("type") == "object" else value
    kept = {key: value for key, value in part.items() if key not in ("$schema", "required", "title", "default")}
    return {**kept, "properties": properties} if properties else kept


def _notes(part: Schema) -> Schema:
    return {key: part[key] for key in ("title", "description", "default") if key in part}


def _plain(part: Any) -> Any:
    """With descriptions of one paragraph, and the text of their links instead of the links, which lead from pages."""
    if isinstance(part, dict):
        return {
            key: re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", value.partition("\n\n")[0])
            if key == "description" and isinstance(value, str)
            else _plain(value)
            for key, value in part.items()
        }
    return [_plain(one) for one in part] if isinstance(part, list) else part
