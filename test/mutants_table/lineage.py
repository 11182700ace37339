"""Mutants: what was moved or copied on the server comes from disk."""

from .common import SYNC

INDEX = "src/index/"
FLOW = "flow lineage_test"

ROWS = [
    ("what-was-moved-there-is-pulled", SYNC + "apply/pull_disk.c", FLOW,
	("\t\tif (b->msg[i].kin.path != NULL)\n\t\t\treturn true;",
	"\t\tif (false)\n\t\t\treturn true;")),
    ("any-file-is-the-message", SYNC + "apply/pull_disk.c", FLOW,
	("rc == -1 || !fingerprint_is(&m->fp, k->form, k->content)",
	"rc == -1")),
    ("marks-stay-where-it-was", SYNC + "apply/pull_disk.c", FLOW,
	("\ttake_flags_along(b, m);\n", "")),
    ("moved-is-not-waited-for", SYNC + "apply/pull_disk.c", FLOW,
	("f != p->pass.folder && folder_wants_look(p->pass.run, f)",
	"false && folder_wants_look(p->pass.run, f)")),
    ("it-is-waited-for-in-vain", SYNC + "apply/pull_disk.c", "flow moves_test",
	("f != p->pass.folder && folder_wants_look(p->pass.run, f)",
	"f != p->pass.folder && folder_in_play(f)")),
    ("put-off-comes-first", SYNC + "run/folder_tasks.c", FLOW,
	("\t\tif (f->waits_for_all)\n\t\t\tput_last(all);\n", "")),
    ("size-is-no-matter", INDEX + "source.c", FLOW,
	("AND size = ?3 AND (date", "AND ?3 > 0 AND (date")),
    ("date-is-no-matter", INDEX + "source.c", FLOW,
	("(date = ?4 OR NOT ?5", "(?4 IS NOT NULL OR NOT ?5")),
    ("x-guid-is-taken-for-granted", SYNC + "core/learned.c", FLOW,
	("run->learned.guid == GUID_KNOWN;", "true;")),
    ("x-guid-is-asked-each-time", SYNC + "core/learned.c", FLOW,
	("run->learned.guid != GUID_UNASKED;", "false;")),
    ("several-are-one", INDEX + "source.c", FLOW,
	("else if (kin.content != out->content)\n\t\t\tn = 2;",
	"else if (false)\n\t\t\tn = 2;")),
]
