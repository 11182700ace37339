"""Mutants: the plan, who reads it, and an account that is kept open."""

from .common import SYNC

ROWS = [
    # -- the plan --
    ("plan-leaves-a-verdict-out", SYNC + "core/pick.c",
	"flow account_test",
	(".ops = visit->ops,",
	".ops = visit->ops & ~(unsigned)OP_REMOVE_LOCAL,")),
    ("plan-row-of-another-phase", SYNC + "core/pick.c",
	"flow account_test",
	("run = run, .folder = f, .ops = visit->ops,",
	"run = run, .folder = f, .ops = ~0u,")),
    ("plan-drops-the-rest-of-a-page", SYNC + "core/pick.c",
	"flow plan_test",
	("k->end = got < PAGE && i == got;", "k->end = got < PAGE;")),

    # -- a dry run --
    ("preview-misses-an-operation", SYNC + "run/preview.c",
	"flow plan_test",
	("{ OP_PUSH, SYNC_PUSH },", "{ OP_NONE, SYNC_PUSH },")),
    ("preview-details-of-the-other-side", SYNC + "run/preview.c",
	"flow plan_test",
	("told[i].bit == OP_FLAG_LOCAL,", "true,")),
    ("preview-renames-a-missing-file", SYNC + "run/preview.c",
	"flow plan_test",
	(".narrow = narrow_flags, .tell = tell_flags", ".tell = tell_flags")),
    ("preview-removes-what-waits", SYNC + "run/preview.c",
	"flow plan_test",
	(".narrow = narrow_removal, .tell = tell_removal",
	".tell = tell_removal")),
    ("preview-removes-what-is-held", SYNC + "run/preview.c",
	"flow plan_test",
	[(".ops = removals_allowed(conn->account->run, f),",
	".ops = REMOVE_OPS,"),
	("remove_narrow(run, p, removals_allowed(run, f), run->hold_push,",
	"remove_narrow(run, p, REMOVE_OPS, run->hold_push,")]),

    # -- an account that is kept open --
    ("each-run-closes-the-account", SYNC + "run/close.c",
	"flow account_test", ("if (!run->account->closing)", "if (false)")),
    ("secret-asked-each-time", SYNC + "run/login.c", "flow account_test",
	("\tif (l->secret != NULL)\n\t\treturn task_next(t, login_connect);\n",
	"")),
    ("session-counted-from-its-beginning", SYNC + "core/conn.c",
	"flow account_test", ("\tc->counted = now;\n", "")),
]
