"""Mutants: what verify finds, and what it may repair."""

from .common import PLAN, SYNC

E2E = "e2e test_verify.py -k "
SERVER = "e2e test_verify_server.py -k "
REPAIR = "e2e test_verify_repair.py -k "

ROWS = [
    # -- the judge --
    ("rot-is-an-edit", PLAN + "verify.c", "unit plan_verify_test",
	("\t\treturn V_FILE_ROTTEN;", "\t\treturn V_FILE_CONTENT;")),
    ("vanished-row-wants-a-content", PLAN + "verify.c",
	"unit plan_verify_test",
	("\tbool agreed = p->base_local.present && p->local.present &&\n"
	"\t    p->remote.present;", "\tbool agreed = true;")),
    ("twin-wants-a-uid", PLAN + "verify.c", "unit plan_verify_test",
	(" && !place_is_twin(p),\n\t    V_ROW_NO_UID", ",\n"
	"\t    V_ROW_NO_UID")),
    ("not-listed-is-gone", PLAN + "verify.c", "unit plan_verify_test",
	("!s->shown && s->listed &&", "!s->shown &&")),
    ("part-forgets-the-folder", PLAN + "verify.c", "unit plan_verify_test",
	("fnv1a(FNV1A_START, folder, strlen(folder) + 1);",
	"FNV1A_START + (*folder == 0);")),

    # -- the index, and the disk --
    ("wrong-row-ends-the-stream", "src/index/verify.c",
	"unit index_verify_test",
	("\t\tq->ix->damaged = damaged;\n", "\t\t(void)damaged;\n")),
    ("renamed-file-is-gone", SYNC + "run/inspect_row.c",
	E2E + "told", ("\tif (name_set_has_stray(&f->names, unique))\n"
	"\t\tc->row.disk = DISK_UNKNOWN;\n\telse if",
	"\tif")),
    ("time-does-not-end-it", SYNC + "run/inspect.c", E2E + "time_is_up",
	("\t\tin->out->stopped = true;", "\t\t;")),

    # -- the server --
    ("set-that-is-refused-is-not-halved", SYNC + "run/inspect_remote.c",
	SERVER + "of_the_server",
	("\t\tr->alone = true;\n\t\tr->next = r->first;\n"
	"\t\treturn task_next(t, remote_ask);\n", "\t\tr->alone = true;\n")),
    ("verify-selects", SYNC + "run/inspect_remote.c", SERVER + "only_reads",
	("struct imap_select_args args = { .examine = true };",
	"struct imap_select_args args = { .examine = false };")),
    ("rewritten-body-is-another", SYNC + "run/inspect_remote.c",
	SERVER + "rewrites",
	("\tif (!r->run.learned.rewrites) {\n", "\tif (true) {\n")),

    ("row-is-not-read-again", SYNC + "run/inspect_shown.c",
	SERVER + "changes_meanwhile", ("\tint rc = n == 0 ? 0 : "
	"is_as_read(s, p, err);", "\tint rc = 1;")),
    ("begins-where-it-always-did", SYNC + "run/inspect.c",
	E2E + "begins_anywhere", ("\tif (os_random(&chance, sizeof(chance)) "
	"== 0)\n\t\t*out =", "\tif (false)\n\t\t*out =")),

    # -- beside a sync --
    ("marker-is-looked-at-once", SYNC + "observe/root.c",
	"e2e test_quiet.py -k marker", ("MARKER_LOOKS\t4", "MARKER_LOOKS\t1")),

    # -- repairs --
    ("empty-cur-in-place-of-a-lost-one", SYNC + "run/inspect_repair.c",
	REPAIR + "made_again", ("\t\tif (missing[i] && u.has[i])\n"
	"\t\t\treturn false;\n", "")),
    ("file-goes-with-its-flags", SYNC + "run/inspect_repair.c",
	REPAIR + "flags_wait", (" same_state(&p->local, &p->base_local) &&\n",
	" true &&\n")),
    ("file-goes-without-the-server", SYNC + "run/inspect_remote.c",
	REPAIR + "server_has_it_not", ("(octets == OCTETS_SAME &&\n",
	"(octets != OCTETS_UNKNOWN &&\n")),
    ("repairs-another-maildir", SYNC + "run/inspect_root.c",
	REPAIR + "another_maildir",
	("in->repairs = in->request->repair && in->current;",
	"in->repairs = in->request->repair;")),
    ("row-lost-its-file", SYNC + "run/inspect_repair.c",
	REPAIR + "takes_it_not", ("\t\treturn take_up_again(r, err);",
	"\t\treturn 0;")),
    ("base-stays-with-the-file-gone", SYNC + "run/inspect_repair.c",
	REPAIR + "comes_back",
	('\tstate_set(&r->now.base_local, false, 0, "");\n'
	'\tstate_set(&r->now.base_remote, false, 0, "");\n', "")),
]
