"""Tells which samples a JSON Schema accepts: validate.py SCHEMA SAMPLES

SAMPLES is a JSON list of strings, each a JSON text. Prints one line with a 1 for each sample that
the schema accepts and a 0 for each that it rejects. Exits with 3 if Python has no jsonschema.
"""

import json
import sys

try:
    import jsonschema
except ImportError:
    sys.exit(3)

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
with open(sys.argv[2], encoding="utf-8") as file:
    samples = json.load(file)

jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
print("".join("1" if validator.is_valid(json.loads(sample)) else "0" for sample in samples))
