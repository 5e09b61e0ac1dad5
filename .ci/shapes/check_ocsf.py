"""Checks OCSF lines against two validators, which find different mistakes.

Usage: check_ocsf.py FILE...    Each file holds events of `--shape ocsf`, a line each.

ocsf-json-schema with jsonschema finds unknown attributes, wrong types and missing alternatives, in the version that an
event states; pydantic-ocsf finds numbers that do not fit each other and captions that do not fit their numbers. Before
that, both are shown to find mistakes that are put into a good event. Ends with 1 on the first file with mistakes.
"""

import json
import sys

from jsonschema import Draft202012Validator
from ocsf.v1_7_0 import events
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

MODELS = {
    0: events.BaseEvent,
    3001: events.AccountChange,
    3002: events.Authentication,
    3004: events.EntityManagement,
    3005: events.UserAccess,
    3006: events.GroupManagement,
}

schemas = {}
validators = {}


def by_schema(event):
    version = event["metadata"]["version"]
    if version not in schemas:
        schemas[version] = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
    key = (version, event["class_uid"])
    if key not in validators:
        name = schemas[version].lookup_class_name_from_uid(class_uid=event["class_uid"])
        schema = schemas[version].get_class_schema(class_name=name, profiles=[])
        validators[key] = Draft202012Validator(schema)
    return [f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in validators[key].iter_errors(event)]


def by_model(event):
    try:
        MODELS[event["class_uid"]].model_validate(event)
    except Exception as error:  # The package has errors of its own beside pydantic's.
        return [str(error)[:300]]
    return []


def prove_that_they_bite(event):
    good = [found for check in (by_schema, by_model) for found in check(event)]
    assert not good, good
    other = 3006 if event["class_uid"] == 3002 else 3002
    for check, changes in [
        (by_schema, {"time": "2026-01-15"}),
        (by_schema, {"no_such_attribute": 1}),
        (by_schema, {"class_uid": other}),
        (by_schema, {"metadata": {"version": event["metadata"]["version"]}}),
        (by_model, {"type_uid": event["type_uid"] + 1}),
        (by_model, {"class_uid": other}),
        (by_model, {"severity_id": "high"}),
        (by_model, {"severity_id": 77}),
    ]:
        if not check({**event, **changes}):
            sys.exit(f"{check.__name__} does not find {changes}")


def main(files):
    failed = False
    for number, file in enumerate(files):
        with open(file, encoding="utf-8") as lines:
            read = [json.loads(line) for line in lines]
        if not read:
            sys.exit(f"{file}: no events")
        if number == 0:
            prove_that_they_bite(next(event for event in read if event["class_uid"] == 3002))
        for line, event in enumerate(read, 1):
            for found in by_schema(event) + by_model(event):
                failed = True
                print(f"{file}:{line}: class {event['class_uid']}: {found}", file=sys.stderr)
        classes = sorted({event["class_uid"] for event in read})
        print(f"{file}: {len(read)} events of the classes {', '.join(map(str, classes))}")
    sys.exit(1 if failed else 0)


main(sys.argv[1:])
