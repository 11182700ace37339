"""Mutants: what is taken over of other programs."""

from .common import SYNC

TAKEOVER = SYNC + "run/takeover.c"
SCAN = SYNC + "run/takeover_scan.c"

ROWS = [
    ("moved-file-is-the-one-that-was-there", TAKEOVER,
	"e2e test_import.py -k moved_file",
	("f->from->mark == NULL && another_lacks(", "false && another_lacks(")),
    ("any-file-may-be-a-moved-one", TAKEOVER,
	"e2e test_import.py -k moved_file",
	("written - COARSE_NS;", "0;")),
    ("taken-over-is-proven", TAKEOVER,
	"e2e test_import.py -k another_message",
	("	p->likely = true;\n", "")),
    ("base-for-any-server", TAKEOVER,
	"e2e test_import.py -k another_server",
	("		rc = root_record_server(t->run, err);\n", "		;\n")),
    ("base-without-asking", TAKEOVER, "e2e test_import.py -k dots",
	("t->t->asks || t->asks ||", "t->asks ||")),
    ("first-of-two-files", SCAN, "e2e test_import.py -k two_files",
	("	    (at + 1 < f->n && f->file[at + 1].near == near))",
	"	    false)")),
    ("put-aside-is-gone", SCAN, "e2e test_import.py -k put_aside",
	("	if (near != 0)\n", "	if (near != 0 && "
	"!maildir_name_is_leftover(e->file, &of))\n")),
    ("mark-of-any-folder", SCAN, "e2e test_import.py -k file_of_another",
	("mark == NULL || strstr(e->file, mark) != NULL ?", "true ?")),
    ("taken-over-is-a-dry-pair", SYNC + "observe/root.c",
	"e2e test_import.py -k as_its_next_run",
	("	if (id == NULL && from == NULL && *known",
	"	if (id == NULL && *known")),
    ("other-numbers-on-disk", "src/import/mbsync_base.c",
	"e2e test_import.py -k numbered_anew",
	("!speaks_of_files(r, &s))", "false)")),
    ("a-backup-has-deleted", "src/sync/run/takeover.c",
	"e2e test_import.py -k maildir_of_a_backup",
	("return f->touched ? 1 : 0;", "return 1;")),
    ("a-restored-server-is-no-other", "src/sync/observe/remote.c",
	"e2e test_import.py -k server_of_a_backup",
	(" ||\n\t    b->uidnext <= o->known))", "))")),
    ("what-is-not-known-is-new", "src/sync/run/takeover.c",
	"e2e test_import.py -k nothing_is_known",
	("\t\tt->asks |= f->files > 0;\n", "")),
    ("placeholders-are-messages", "src/import/mbsync_base.c",
	"e2e test_import.py -k placeholders",
	("	if (kinds->dummies > 0)", "	if (false)")),
    ("cut-state-is-whole", "src/index/status.c", "unit index_status_test",
	("	if (check_whole(db, path, err) == -1)\n		return -1;\n", "")),
]
