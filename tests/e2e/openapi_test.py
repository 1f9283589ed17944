"""Tests the document at /openapi.json against what OpenAPI 3.1 demands.

Debian has no JSON Schema of OpenAPI 3.1; DOCUMENT says in our own words what the specification says
of the objects that weir uses. It allows no other members, so that a mistake in a name is found. The
schemas inside are checked as what they are in 3.1: JSON Schema of 2020-12.
"""

import json
import re
import unittest

import jsonschema

from http_test import LOGIN, Web
from lockd import main

TEXT = {"type": "string"}


def members(required=(), /, **properties):
    return {"type": "object", "required": list(required), "properties": properties,
            "additionalProperties": False}


def each(schema):
    return {"type": "object", "additionalProperties": schema}


def or_reference(schema):
    return {"if": {"type": "object", "required": ["$ref"]},
            "then": members(["$ref"], **{"$ref": TEXT}), "else": schema}


CONTENT = {**each(members(schema={"type": ["object", "boolean"]})), "minProperties": 1}
RESPONSE = members(["description"], description=TEXT, content=CONTENT)
PARAMETER = {
    **members(["name", "in", "schema"], description=TEXT, required={"type": "boolean"},
              style={"enum": ["form", "simple"]}, explode={"type": "boolean"}, name=TEXT,
              schema={"type": ["object", "boolean"]},
              **{"in": {"enum": ["query", "header", "path", "cookie"]}}),
    # What is in the path cannot be left out.
    "if": {"properties": {"in": {"const": "path"}}},
    "then": {"required": ["required"], "properties": {"required": {"const": True}}},
}
OPERATION = members(
    ["responses"], operationId=TEXT, summary=TEXT, description=TEXT,
    tags={"type": "array", "items": TEXT},
    parameters={"type": "array", "items": PARAMETER, "uniqueItems": True},
    requestBody=members(["content"], description=TEXT, required={"type": "boolean"},
                        content=CONTENT),
    responses={"type": "object", "minProperties": 1, "additionalProperties": False,
               "patternProperties": {"^([1-5][0-9][0-9]|default)$": or_reference(RESPONSE)}})
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
DOCUMENT = members(
    ["openapi", "info", "paths"], openapi={"pattern": r"^3\.1\.\d+$"},
    info=members(["title", "version"], title=TEXT, version=TEXT),
    paths={"type": "object", "additionalProperties": False,
           "patternProperties": {"^/": members(**{name: OPERATION for name in METHODS})}},
    components=members(
        responses={"type": "object", "propertyNames": {"pattern": r"^[a-zA-Z0-9._-]+$"},
                   "additionalProperties": RESPONSE},
        securitySchemes=each(members(["type", "scheme"], type={"const": "http"},
                                     scheme={"enum": ["basic", "bearer"]}, description=TEXT))),
    security={"type": "array", "items": each({"type": "array", "items": TEXT})})


def references(node):
    """Returns all that is referred to within the document."""
    if isinstance(node, list):
        return [target for element in node for target in references(element)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [target for element in node.values() for target in references(element)]


def schemas(node):
    """Returns the schemas of parameters and contents."""
    if isinstance(node, list):
        return [schema for element in node for schema in schemas(element)]
    if not isinstance(node, dict):
        return []
    own = [node["schema"]] if isinstance(node.get("schema"), (dict, bool)) else []
    return own + [schema for name, element in node.items() if name != "schema"
                  for schema in schemas(element)]


class OpenApi(unittest.TestCase):

    def read(self, web, *arguments, owner=False):
        status, _, body = web.curl("/openapi.json", *arguments, owner=owner)
        self.assertEqual(status, 200)
        document = json.loads(body)
        jsonschema.Draft202012Validator(DOCUMENT).validate(document)
        for schema in schemas(document):
            jsonschema.Draft202012Validator.check_schema(schema)
        for target in references(document):
            found = document
            for part in target.removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
        operations = [(path, method, operation) for path, item in document["paths"].items()
                      for method, operation in item.items()]
        identities = [operation["operationId"] for _, _, operation in operations]
        self.assertEqual(len(identities), len(set(identities)))
        for path, method, operation in operations:
            given = [parameter["name"] for parameter in operation.get("parameters", [])
                     if parameter["in"] == "path"]
            self.assertEqual(re.findall(r"{(\w+)}", path), given, path + " " + method)
        return document, body.decode()

    def test_the_facts_find_mistakes(self):
        good = {"openapi": "3.1.0", "info": {"title": "a", "version": "1"}, "paths": {
            "/a/{b}": {"get": {"parameters": [{"name": "b", "in": "path", "required": True,
                                               "schema": {}}],
                               "responses": {"200": {"description": ""}}}}}}
        validator = jsonschema.Draft202012Validator(DOCUMENT)
        self.assertTrue(validator.is_valid(good))
        for mistake in (lambda d: d.pop("info"), lambda d: d.update(openapi="3.0.3"),
                        lambda d: d["paths"].update({"b": {}}),
                        lambda d: d["paths"]["/a/{b}"].update(fetch={}),
                        lambda d: d["paths"]["/a/{b}"]["get"].pop("responses"),
                        lambda d: d["paths"]["/a/{b}"]["get"]["responses"].update(ok={}),
                        lambda d: d["paths"]["/a/{b}"]["get"]["responses"]["200"].clear(),
                        lambda d: d["paths"]["/a/{b}"]["get"]["parameters"][0].pop("required"),
                        lambda d: d["paths"]["/a/{b}"]["get"]["parameters"][0].update(Name="c")):
            bad = json.loads(json.dumps(good))
            mistake(bad)
            self.assertFalse(validator.is_valid(bad), bad)

    def test_it_is_valid_and_describes_what_is_there(self):
        with Web(routes=[{"path": "/mine/{session}", "call": "lock.acquire",
                          "with": {"shared": False}},
                         {"path": "/mine", "method": "GET", "call": "lock.list",
                          "with": {"most": 5}},
                         {"path": "/old", "redirect": "/mine"}]) as web:
            document, text = self.read(web, owner=True)
            self.assertNotIn("${", text)
            paths = document["paths"]
            acquire = paths["/call/lock/acquire"]["post"]
            schema = acquire["requestBody"]["content"]["application/json"]["schema"]
            self.assertEqual(schema["required"], ["session", "key"])
            self.assertEqual(schema["properties"]["shared"]["type"], "boolean")
            # A route has what the path does not say in the body, or in the query.
            mine = paths["/mine/{session}"]["post"]
            schema = mine["requestBody"]["content"]["application/json"]["schema"]
            self.assertEqual(schema["required"], ["key"])
            self.assertNotIn("session", schema["properties"])
            # Nor has a client to say what the route itself says.
            self.assertNotIn("shared", schema["properties"])
            self.assertEqual([(p["name"], p["in"]) for p in paths["/mine"]["get"]["parameters"]],
                             [("pattern", "query")])
            self.assertNotIn("/old", paths)
            # What the gateway takes beside them.
            wanted = paths["/locks/{key}"]["post"]["requestBody"]["content"]["application/json"]
            self.assertEqual(sorted(wanted["schema"]["properties"]),
                             ["context", "hold", "name", "read", "shared", "time_to_live", "wait"])
            for path in ("/call", "/events"):
                self.assertIn("101", paths[path]["get"]["responses"])
            self.assertIn("last_event_id",
                          [p["name"] for p in paths["/events"]["get"]["parameters"]])
            # All of what it names is there.
            for path, item in paths.items():
                if "get" in item and "{" not in path:
                    self.assertNotIn(web.curl(path, "--max-time", "5", "-I", owner=True)[0],
                                     (404, 405), path)

    def test_it_has_what_the_client_may_discover(self):
        web = Web()
        web.more["server"]["roles"]["shop"]["may"] = ["http.discover", "lock.*"]
        web.write()
        with web:
            document, _ = self.read(web, *LOGIN)
            self.assertEqual({path.split("/")[2] for path in document["paths"]
                              if path.startswith("/call/")}, {"http", "lock"})

    def test_without_the_module_lock_there_are_no_locks(self):
        with Web(routes=[]) as web:
            self.assertIn("/locks/{key}", self.read(web, owner=True)[0]["paths"])
            status, body = web.post("/call/manager/unload", {"module": "resp"}, owner=True)
            self.assertEqual(status, 200, body)
            status, body = web.post("/call/manager/unload", {"module": "lock"}, owner=True)
            self.assertEqual(status, 200, body)
            document, text = self.read(web, owner=True)
            self.assertNotIn("/locks", document["paths"])
            self.assertNotIn("/locks/{key}", document["paths"])
            self.assertNotIn("lock.acquire", text)


if __name__ == "__main__":
    main()
