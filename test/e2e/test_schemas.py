"""Every line of --json has a schema that says all that may be in it. All other
tests here hold what they let the program print against these (conftest.py)."""

import json
import os
import re

import jsonschema
import pytest

from conftest import ROOT
from schemas import SCHEMAS, TOP, faults
from test_attic import expunge, fill, kept


def source():
	for top, _, names in os.walk(ROOT + "/src"):
		for name in names:
			if name.endswith(".c"):
				with open(os.path.join(top, name)) as f:
					yield f.read()


def manual():
	with open(ROOT + "/man/mailtern.1", encoding="utf-8") as f:
		return f.read()


@pytest.mark.parametrize("event", SCHEMAS)
def test_it_is_a_schema(event):
	"""Of the draft that it names, for that event, and strict."""
	schema = SCHEMAS[event]
	jsonschema.Draft202012Validator.check_schema(schema)
	assert schema["$schema"].endswith("/draft/2020-12/schema")
	assert schema["$id"] == "urn:mailtern:" + event
	assert schema["properties"]["event"] == {"const": event}
	assert schema["additionalProperties"] is False


def test_there_is_one_for_each_event():
	told = {name for text in source()
	    for name in re.findall(r'json_event_new\("(\w+)"\)', text)}
	assert told == set(SCHEMAS)
	assert not [n for n in os.listdir(TOP) if not n.endswith(".json")]


def test_the_manual_shows_what_they_say():
	"""Its examples are such lines, and it says where they are."""
	shown = [json.loads(one) for text in re.findall(
	    r"^\.Bd -literal.*?^\.Ed", manual(), re.M | re.S)
	    for one in re.findall(r"^\{\"event.*?\}$", text, re.M | re.S)]
	assert {e["event"] for e in shown} == set(SCHEMAS)
	for event in shown:
		assert faults(event) == [], event
	assert "mailtern/schemas/EVENT.json" in manual()


def verify_something(world, run):
	"""A file that is not ours, and a directory that is made again."""
	with open(world.maildir.root + "/INBOX/notes", "w"):
		pass
	os.rmdir(world.maildir.root + "/INBOX/tmp")
	run("verify", "--offline", "--repair", rc=None)


def import_something(world, run):
	"""Of an account that was never synced, and with no state of mbsync."""
	conf, rc = world.conf, world.dir + "/mbsyncrc"
	os.makedirs(world.dir + "/theirs/INBOX/cur")
	with open(rc, "w") as f:
		f.write("IMAPStore far\nHost 127.0.0.1\nPort %d\nUser %s\n"
		    "Pass %s\nSSLType None\n\nMaildirStore near\n"
		    "Path %s/theirs/\nInbox %s/theirs/INBOX\n"
		    "SubFolders Verbatim\n\nChannel far\nFar :far:\n"
		    "Near :near:\nSyncState *\n" % (world.server.port,
		    world.user, world.server.password, world.dir, world.dir))
	run("import", "-n", "mbsync", rc)
	world.conf = world.dir + "/made/syncrc"
	run("import", "mbsync", rc, rc=None)
	world.conf = conf


def lines_of_all_commands(make_world):
	"""One of each kind at least, and each optional key once."""
	world = make_world(keys={"attic-days": "30"})
	out = []

	def run(*args, rc=0, env=None):
		r = world.run("--json", *args, rc=rc, env=env)
		out.extend(r.events)

	fill(world, "m1", "m2", "m3")
	run("sync", "-n")
	run("sync")
	run("log")
	world.maildir.unlink(world.maildir.find("m2"))
	run("status")
	run("sync", "-n")
	run("sync", "--undo-deletes")		# a note
	expunge(world, 1)
	run("sync")
	run("restore", "w", "-n", "--to", "1h")
	run("restore", "w", "--to", "1h")
	run("restore", "w", "--to", "1h")
	run("sync")
	expunge(world, 3)
	run("sync")
	for day, folder, name in kept(world):
		os.unlink("%s/.mailtern/attic/tmp/%s/%s/%s" % (
		    world.maildir.root, day, folder, name))
	run("restore", "w", "--to", "1h", rc=1)	# lost: a problem
	verify_something(world, run)
	import_something(world, run)
	# A folder that can't be: items, of both kinds.
	os.rename(world.maildir.root, world.maildir.root + ".away")
	run("sync", rc=1)
	run("status", rc=None)
	return out


def test_lines_of_all_commands(make_world):
	seen = {}
	for event in lines_of_all_commands(make_world):
		assert faults(event) == [], event
		seen.setdefault(event["event"], []).append(event)
	assert set(seen) == set(SCHEMAS)
	assert {e["outcome"] for e in seen["restore"]} >= {"restored",
	    "there", "lost"}
	for name, schema in SCHEMAS.items():
		keys = {k for e in seen[name] for k in e}
		assert keys == set(schema["properties"]), name


def test_no_more_and_no_less(make_world):
	"""A key too many, one that is missing, and a value of another kind
	fail, whatever the event."""
	done = set()
	for event in lines_of_all_commands(make_world):
		name = event["event"]
		if name in done:
			continue
		done.add(name)
		assert faults(dict(event, another=1))
		for key in set(event) - {"event"}:
			less = {k: v for k, v in event.items() if k != key}
			if key in SCHEMAS[name]["required"]:
				assert faults(less), (name, key)
			assert faults(dict(event, **{key: [1]})), (name, key)
	assert done == set(SCHEMAS)
	for side in ("pulled", "pushed"):
		assert SCHEMAS["summary"]["properties"][side][
		    "additionalProperties"] is False
