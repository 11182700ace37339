"""Mutants: folders that were renamed on disk."""

from .common import SYNC

PLAN = "src/plan/rename.c"
UNIT = "unit plan_rename_test"
SEND = SYNC + "apply/folder_send_renames.c"
HERE = SYNC + "observe/folder_renamed.c"
FLOW = "flow renames_test"

ROWS = [
    ("half-of-the-files-are-enough", PLAN, UNIT,
	("h->found * 2 > h->known", "h->found * 2 >= h->known")),
    ("a-backup-is-a-rename", PLAN, UNIT,
	("h->changed >= h->seen - OLDER_NS", "true")),
    ("a-rename-takes-anything-along", PLAN, UNIT,
	("!t->burdened &&", "true &&")),
    ("a-taken-name-is-asked-for", PLAN, UNIT, ("t->free && ", "")),
    ("a-rename-is-tried-for-ever", PLAN, UNIT,
	("!t->tried ? RENAME_SEND", "true ? RENAME_SEND")),
    ("our-mark-is-no-proof", PLAN, UNIT,
	("if (l->own && l->same_validity)", "if (false)")),
    ("our-mark-is-proof-enough", PLAN, UNIT,
	("if (l->own && l->same_validity)", "if (l->own)")),
    ("renamed-is-deleted-and-made", SEND, FLOW,
	("one->op = rename_send(&at);",
	"one->op = rename_send(&at), one->op = RENAME_COPY;")),
    ("what-is-not-synced-goes-along", SEND, FLOW,
	("if (l->selectable && folder_below(l->name,",
	"if (false && folder_below(l->name,")),
    ("its-mark-is-not-made", SEND, FLOW,
	("one->op == RENAME_COPY ? 0 : now", "0")),
    ("nobody-subscribes", SEND, FLOW,
	("\t\timap_subscribe_start(session",
	"\t\tif (false) imap_subscribe_start(session")),
    ("what-was-empty-stays-behind", HERE, FLOW,
	("const struct folder *dir = directory_along(run, r, gone);",
	"const struct folder *dir = NULL;")),
    ("any-new-directory-is-it", HERE, FLOW,
	("return rename_here_is_proven(&here);", "return 1;")),
    ("renamed-twice-is-two", SYNC + "apply/folder_rename.c", FLOW,
	("rc = folder_find_directory(r->run, one->f, &one->dir, err);", "")),
    ("what-is-new-in-it-holds-it", SYNC + "apply/folder_rename.c", FLOW,
	("if (!f->row.local || is_fresh(f) ||", "if (!f->row.local ||")),
    ("ok-to-a-rename-is-believed", SYNC + "run/connect.c", FLOW,
	("\tif (!c->names_sent)\n", "\tif (true)\n")),
    ("a-dry-run-renames", SEND, FLOW,
	("if (!s->pass.run->opt.dry_run)\n\t\treturn task_next(t, send_next);",
	"return task_next(t, send_next);")),
]
