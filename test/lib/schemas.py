"""The schemas of what --json prints, share/schemas/EVENT.json, and a check of
lines against them."""

import json
import os

import jsonschema

TOP = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), "share", "schemas")
CHECKED_MOST = 300	# of a run: a first pull has an event a message


def load():
	"""{event: schema}"""
	out = {}
	for name in sorted(os.listdir(TOP)):
		with open(os.path.join(TOP, name), encoding="utf-8") as f:
			out[name[:-len(".json")]] = json.load(f)
	return out


SCHEMAS = load()
VALIDATORS = {event: jsonschema.Draft202012Validator(schema)
    for event, schema in SCHEMAS.items()}


def faults(event):
	"""What is wrong with it, in words; empty: nothing."""
	v = VALIDATORS.get(event.get("event"))
	if v is None:
		return ["there is no schema of it"]
	return [e.message for e in v.iter_errors(event)]


def check(events):
	for event in events[:CHECKED_MOST] + events[-10:]:
		wrong = faults(event)
		assert not wrong, "%s\n%s" % (wrong, event)
