"""This module writes the JSON schema of spec files, with which editors complete and check specs.

`python -m suite.spec.schema` updates the schema's file.
"""

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from suite.spec.model import SpecFile

SCHEMA_FILE = Path(__file__).parents[1] / "spec.schema.json"


class Toml(GenerateJsonSchema):
    """A generator of JSON schemas without null, which TOML cannot write."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> dict[str, Any]:
        """Return the schema of the value of an optional key, without null."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        """Return a schema with its default, unless that is None, which stands for an omitted key."""
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def spec_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a spec file's content."""
    schema = SpecFile.model_json_schema(mode="validation", schema_generator=Toml)
    return {"$schema": Toml.schema_dialect, **schema, "title": "Trainability study"}


def schema_text() -> str:
    """Return the text of the schema's file."""
    return json.dumps(spec_schema(), indent=2) + "\n"


def write(file: Path = SCHEMA_FILE) -> None:
    """Write the schema to a file; the default is the one to which the shipped specs refer."""
    file.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    write()
