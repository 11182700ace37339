"""Mutants: what a server says of COPY and MOVE is no fact."""

from .common import SYNC

ROWS = [
    ("copied-by-word-alone", SYNC + "apply/transfer.c", "flow copies_test",
	("\t\t\tv->state = TRANSFER_SENT;\n\t\t\topen |=",
	"\t\t\tv->state = TRANSFER_DONE;\n\t\t\topen |=")),
    ("copied-without-a-row", SYNC + "apply/remove_trash.c",
	"flow copies_test",
	("uids_of_transfers(r, TRANSFER_DONE);",
	"uids_of_transfers(r, TRANSFER_SENT);")),
    ("any-row-is-a-copy", "src/plan/copied.c", "flow copies_test",
	("return r->size == s->size;", "return true;")),
    ("a-row-is-two-copies", "src/plan/copied.c", "unit plan_copied_test",
	("\tr->taken = true;\n", "")),
    ("copied-by-the-uid-told", "src/plan/copied.c", "flow copies_test",
	("pass == 0);\n\tfor", "true);\n\tfor")),
    ("what-may-be-a-copy-is-none", "src/plan/copied.c",
	"unit plan_copied_test",
	("may_be_any(row, n_row, &source[i]);", "false;")),
    ("a-late-copy-is-sent-again", SYNC + "apply/transfer_look.c",
	"flow copies_test",
	("l->next, in->again) == UPLOAD_AGAIN", "0, in->again) =="
	" UPLOAD_AGAIN")),
    ("a-copy-is-sent-for-ever", SYNC + "apply/transfer_look.c",
	"flow copies_test", ("l->next, in->again)", "l->next, false)")),
    ("a-copy-is-not-sent-again", SYNC + "apply/transfer_look.c",
	"flow copies_test", ("if (!first && upload_lacking",
	"if (false && upload_lacking")),
    ("sent-again-at-once", SYNC + "apply/transfer_look.c",
	"flow copies_test", ("if (!first && upload_lacking",
	"if (upload_lacking")),
    ("unshown-and-silent", SYNC + "apply/remove_trash.c",
	"flow copies_test", ("r->unshown += tries.n > 0;", ";")),
    ("others-are-copies", SYNC + "apply/transfer_look.c",
	"flow copies_test", ("r->taken |= p.content != 0 &&",
	"r->taken |= false &&")),
]
