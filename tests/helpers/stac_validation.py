"""Validate STAC objects with pystac, without a network."""

import json
from pathlib import Path

import pystac
from pystac.validation import JsonSchemaSTACValidator, RegisteredValidator

_SCHEMAS = Path(__file__).parent / "stac_schemas"

PROCESSING = "https://stac-extensions.github.io/processing/v1.1.0/schema.json"

_PROCESSING_FIELDS = {
    # This is not a copy of its schema, but what its table of fields requires of the fields in use.
    "$schema": "http://json-schema.org/draft-07/schema#",
    "$id": PROCESSING,
    "properties": {
        "properties": {
            "required": ["processing:software", "processing:lineage"],
            "properties": {
                "processing:software": {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}},
                "processing:lineage": {"type": "string", "minLength": 1},
            },
            "patternProperties": {"^processing:(?!software$|lineage$)": False},
        }
    },
}


def validate(file: Path) -> pystac.STACObject:
    """Return an item, or a collection with all that it links to. Raises an error if any of them is not valid."""
    validator = JsonSchemaSTACValidator()
    schemas = [json.loads(path.read_text("utf-8")) for path in _SCHEMAS.glob("*.json")]
    for schema in (*schemas, _PROCESSING_FIELDS):
        validator.schema_cache[schema["$id"].rstrip("#")] = schema
    RegisteredValidator.set_validator(validator)
    known = pystac.read_file(str(file))
    known.validate()
    if isinstance(known, pystac.Catalog):
        known.validate_all()
    return known
