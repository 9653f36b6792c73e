"""The JSON schema of spec files, by which editors complete and check them: `python -m suite.spec.schema`."""

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from suite.spec.model import SpecFile

SCHEMA_FILE = Path(__file__).parents[1] / "spec.schema.json"


class Toml(GenerateJsonSchema):
    """JSON schema without null, which TOML cannot write."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> dict[str, Any]:
        """A key that may be left out has the schema of its value."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        """A default of None, which means that the key is left out, stays unsaid."""
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def spec_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a spec file's content."""
    schema = SpecFile.model_json_schema(mode="validation", schema_generator=Toml)
    return {"$schema": Toml.schema_dialect, **schema, "title": "Trainability study"}


def schema_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(spec_schema(), indent=2) + "\n"


def write(file: Path = SCHEMA_FILE) -> None:
    """Write the schema where specs refer to it."""
    file.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    write()
