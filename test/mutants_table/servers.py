"""Mutants: what was found on real servers."""

from .common import SYNC

ROWS = [
    ("nothing-known-is-merged", SYNC + "observe/remote.c",
	"flow uidvalidity_test",
	("\tif (o->merges) {\n", "\tif (o->fault != NULL) {\n")),
    ("nothing-known-is-told-of-all", "src/index/seen.c",
	"flow uidvalidity_test",
	("\t\t\tknown |= is_known_there(&row[i]);\n", "\t\t\t;\n")),
    ("appends-to-an-open-folder", SYNC + "apply/push.c",
	"flow uidvalidity_test",
	("imap_quirk_on(s, QUIRK_APPEND_CLOSED) &&", "false &&")),
    ("offlineimap-header-is-content", "src/mail/fingerprint.c",
	"e2e test_adopt.py -k test_offlineimap_uploaded",
	("{ \"X-OfflineIMAP\", FIELD_REMOVED_NOW },",
	"{ \"X-OfflineIMAP\", FIELD_OTHER },")),
]
