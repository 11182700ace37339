"""Which folder is which, and whether it is gone."""

from .common import SYNC

FLOW = "flow names_test"

ROWS = [
    ("one-list-is-believed", "src/plan/folder.c", FLOW,
	("\tif (l->answered)\n", "\tif (false)\n")),
    ("lacked-is-gone", "src/plan/folder.c", FLOW,
	("if (l->nonexistent || !l->known)", "if (true)")),
    ("no-hour-between", "src/plan/folder.c", FLOW,
	("l->now - l->since >= FOLDER_ABSENT_S", "l->now >= l->since")),
    ("renames-not-known", "src/plan/rename.c", FLOW,
	("return l->same_validity && l->found > 0 &&",
	"return false && l->found > 0 &&")),
    ("case-never-counts", SYNC + "observe/folders.c", FLOW,
	("maildir_folds_case(run->md)", "true")),
    ("healed-is-new", SYNC + "observe/folders.c", FLOW,
	("unsee_all(run, row, err);", "folder_left_remote(run, f, err);")),
    ("inbox-only-by-list", SYNC + "observe/folders.c", FLOW,
	("\t\tadd_inbox(l);\n", "")),
    ("passed-over-in-silence", SYNC + "observe/folders.c", FLOW,
	("\t\tsay_passed(l->run, list);\n", "")),
    ("not-subscribed", SYNC + "apply/folder_make.c", FLOW,
	("imap_subscribe_start", "imap_unsubscribe_start")),
    ("raw-names-do-not-count", SYNC + "observe/folders.c", FLOW,
	("f = folder_by_raw(&l->table, seen->raw);", "f = NULL;")),
]
