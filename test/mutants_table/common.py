"""What rows of several files share."""

SYNC = "src/sync/"
PLAN = "src/plan/"
MAILDIR = "src/maildir/"
HISTORIES = "fault histories.py --points 200 --seed 1 --shrink 0"
SIZE_12 = "fault disasters.py --sizes 12 --only "

INDEX_FIRST = [(SYNC + "apply/pull_record.c",
    "\tmaildir_batches_commit(commit, used);\n",
    "\tfor (i = 0; i < used; i++)\n\t\tcommit[i].result = 0;\n"),
    (SYNC + "apply/pull_record.c",
    "\trc = index_end(ix, rc, &err);\n\tfor (k = 0; k < n; k++) {\n",
    "\trc = index_end(ix, rc, &err);\n\tfor (k = 0; k < n; k++) {\n"
    "\t\tb = OWNER_OF(job[k], struct pull_batch, job);\n"
    "\t\tif (rc == 0 && b->store != NULL) {\n"
    "\t\t\tstruct maildir_commit c = { .batch = b->store };\n"
    "\t\t\tmaildir_batches_commit(&c, 1);\n"
    "\t\t\trc = c.result;\n\t\t}\n")]
