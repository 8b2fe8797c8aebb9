# SPDX-License-Identifier: LGPL-2.1-or-later
"""A validator for as much of JSON Schema (2020-12) as our schema uses; an unknown keyword fails."""

import json
import re

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
NOTES = {"$comment", "$schema", "$id", "$defs", "title", "description"}


class Schema:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.root = json.load(file)

    def of(self, name):
        """The schema of a verb."""
        return self.root["properties"][name]

    def definition(self, name):
        return self._resolve({"$ref": f"#/$defs/{name}"})

    def _resolve(self, schema):
        found = self.root
        for word in schema["$ref"].removeprefix("#/").split("/"):
            found = found[word]
        return found

    def complaints(self, schema, value, where="$"):
        """What is wrong with a value, as a list of texts; empty: nothing."""
        result = []
        for keyword in schema:
            if keyword not in NOTES:
                check = getattr(self, "_check_" + keyword.strip("$"))
                result += [text if text.startswith("$") else f"{where}: {text}"
                           for text in check(schema[keyword], value, where)]
        return result

    def described(self, schema):
        """Every key of an object that a schema has a word on, whichever of its branches applies."""
        keys = set(schema.get("properties", ()))
        if "$ref" in schema:
            keys |= self.described(self._resolve(schema))
        for branch in schema.get("allOf", []) + schema.get("anyOf", []):
            keys |= self.described(branch)
        return keys | (self.described(schema["items"]) if "items" in schema else set())

    def _check_ref(self, name, value, where):
        return self.complaints(self._resolve({"$ref": name}), value, where)

    @staticmethod
    def _check_type(name, value, _):
        right = isinstance(value, TYPES[name]) and isinstance(value, bool) == (name == "boolean")
        return [] if right else [f"{value!r} is no {name}"]

    def _check_properties(self, schemas, value, where):
        if not isinstance(value, dict):
            return []
        return [text for key in schemas if key in value
                for text in self.complaints(schemas[key], value[key], f"{where}.{key}")]

    @staticmethod
    def _check_required(keys, value, _):
        return [f"no {key}" for key in keys if isinstance(value, dict) and key not in value]

    def _check_items(self, schema, value, where):
        return [text for i, item in enumerate(value if isinstance(value, list) else ())
                for text in self.complaints(schema, item, f"{where}[{i}]")]

    def _check_prefixItems(self, schemas, value, where):
        return [text for i, (schema, item) in enumerate(zip(schemas, value))
                for text in self.complaints(schema, item, f"{where}[{i}]")]

    @staticmethod
    def _check_minItems(n, value, _):
        return ["too few items"] if isinstance(value, list) and len(value) < n else []

    @staticmethod
    def _check_maxItems(n, value, _):
        return ["too many items"] if isinstance(value, list) and len(value) > n else []

    @staticmethod
    def _check_minimum(n, value, _):
        return ["too small"] if isinstance(value, int) and value < n else []

    @staticmethod
    def _check_pattern(pattern, value, _):
        wrong = isinstance(value, str) and not re.search(pattern, value)
        return [f"{value!r} does not match {pattern}"] if wrong else []

    @staticmethod
    def _check_enum(values, value, _):
        return [] if value in values else [f"{value!r} is none of {values}"]

    @staticmethod
    def _check_const(wanted, value, _):
        return [] if value == wanted else [f"{value!r} is not {wanted!r}"]

    def _check_allOf(self, schemas, value, where):
        return [text for schema in schemas for text in self.complaints(schema, value, where)]

    def _check_anyOf(self, schemas, value, where):
        branches = [self.complaints(schema, value, where) for schema in schemas]
        return [] if [] in branches else min(branches, key=len)
