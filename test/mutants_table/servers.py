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
    ("renamed-with-its-number-alone", "src/plan/rename.c",
	"flow uidvalidity_test",
	("!(l->same_validity || l->by_content))", "!l->same_validity)")),
    ("weeded-is-another", "src/plan/rename.c", "flow uidvalidity_test",
	("#define AWAY_OF		2", "#define AWAY_OF		5")),
    ("not-looked-for-at-home", SYNC + "observe/folder_moves.c",
	"flow uidvalidity_test",
	("	if (f->listed.uidvalidity != f->row.uidvalidity)\n"
	"\t\tadd_home(s, f);\n", "")),
    ("ousted-by-numbers-alone", SYNC + "apply/folder_rename.c",
	"flow uidvalidity_test",
	("		    !is_ousted(moves, f)))", "		    true))")),
    ("misnamed-is-merged", SYNC + "observe/remote_doubts.c",
	"flow uidvalidity_test", ("if (may_be_misnamed(o))", "if (false)")),
    ("doubts-are-forgotten", SYNC + "run/connect.c",
	"flow uidvalidity_test",
	("run->seeks_all = seeks != 0;", "run->seeks_all = false;")),
]
