"""Mutants: what a server has and does not show; servers with limits."""

from .common import SYNC

ROWS = [
    # -- windows --
    ("what-slides-out-is-gone", "src/plan/window.c", "flow window_test",
	("return w->looks + 1 < LOOKS ? WINDOW_WAITS : WINDOW_OUT;",
	"return WINDOW_GONE;")),
    ("one-look-makes-a-window", "src/plan/window.c",
	"unit plan_window_test", ("#define LOOKS\t3", "#define LOOKS\t1")),
    ("usual-numbers-are-none", "src/plan/window.c", "flow window_test",
	("window_is_usual(w->exists);", "false;")),
    ("waits-for-ever", SYNC + "observe/remote_sight.c", "flow window_test",
	("    o->exists != o->pass.folder->row.exists;", "    false;")),
    ("trash-is-a-window", SYNC + "observe/remote_sight.c",
	"flow window_test",
	("if (uidset_empty(missing) || o->pass.folder->is_trash)",
	"if (uidset_empty(missing))")),
    ("told-as-gone-in-spite-of-the-key", SYNC + "observe/remote_sight.c",
	"flow window_test",
	("has_key(o) && !uidset_empty(&o->vanished) ?", "false ?")),
    ("dates-make-no-window", SYNC + "observe/remote_sight.c",
	"flow window_test", ("if (days == 0 || !has_key(o))", "if (true)")),
    ("out-of-sight-is-not-counted", SYNC + "observe/remote_sight.c",
	"flow window_test",
	("*out = o->sight.hidden - (int64_t)unseen;",
	"*out = o->sight.hidden;")),
    ("unseen-is-asked-for", SYNC + "core/pick.c", "flow window_test",
	("leave_unseen(k, p);", ";")),
    ("old-files-are-new", SYNC + "core/pick.c", "flow window_test",
	("if (k->sends && sight_holds", "if (false && sight_holds")),

    # -- counted and never listed --
    ("hidden-is-never-found", SYNC + "observe/remote_sight.c",
	"flow window_test", ("s->lacks + 1 >= HIDDEN_RUNS;", "false;")),
    ("hidden-at-once", SYNC + "observe/remote_sight.c",
	"flow window_test", ("s->lacks + 1 >= HIDDEN_RUNS;", "true;")),
    ("what-is-counted-is-gone", SYNC + "observe/remote_sight.c",
	"flow window_test",
	("uidset_join(&o->sight.out, &missing);", ";")),

    # -- answers in parts, sets that are not read --
    ("a-part-of-rows-is-all", "src/imap/fetchcmd.c", "flow limits_test",
	("if (r->code.kind == CODE_MESSAGELIMIT) {", "if (false) {")),
    ("a-part-of-what-is-found-is-all", "src/imap/searchcmd.c",
	"flow limits_test", ("p->limited = r->code.number > 1;",
	"p->limited = false;")),
    ("absent-uids-refuse-all", "src/imap/fetchcmd.c", "flow limits_test",
	("\treturn fetch_search(f);\n}", "\treturn false;\n}")),
    ("high-uids-refuse-all", "src/imap/fetchcmd.c", "flow limits_test",
	("if (fetch_lower(f))", "if (false)")),
    ("uidnext-of-status-is-not-compared", SYNC + "observe/remote.c",
	"flow limits_test", ("if (!wants_uidnext(o))", "if (true)")),

    # -- a merge is one-sided --
    ("merge-forgets-deletions", "src/index/seen.c", "flow merge_test",
	("\tif (is_lost_here(p)) {", "\tif (false) {")),
    ("merge-brings-flags-back", "src/index/seen.c", "flow merge_test",
	("\tif (p->base_local.present)\n\t\tkeep_taken_away(p);", "\t;")),
    ("deleted-messages-are-new", SYNC + "apply/pull_record.c",
	"flow merge_test", ("b->p->lost_here == LOST_SOME)", "false)")),
    ("files-that-are-back-are-gone", "src/index/seen_local.c",
	"unit index_seen_test", ("\trevive(p);\n", "")),
]
