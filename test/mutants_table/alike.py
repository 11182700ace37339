"""Mutants: what was moved on a server without lineage comes from disk."""

from .common import SYNC

DISK = SYNC + "apply/pull_disk.c"
FLOW = "flow alike_test"

ROWS = [
    ("a-copy-is-known-by-its-looks", DISK, FLOW,
	("if (m->kin.place.remote.present || has_twin", "if (has_twin")),
    ("looks-are-enough", DISK, FLOW,
	("found == 1 && header_has_head(&h->fp, &c)", "found == 1")),
    ("looks-are-nothing", DISK, FLOW,
	("k->by_looks = found == 1;", "found = 0;")),
    ("estimates-tell", DISK, FLOW, ("!l->sizes_inexact && ", "")),
    ("the-header-is-asked-again", DISK, FLOW,
	("p->pass.folder->loss[STEP_PULL].all == 0", "true")),
    ("looks-are-a-proof", DISK, FLOW,
	("k->place.likely || k->by_looks", "k->place.likely")),
    ("marks-stay-where-it-looked-so", DISK, FLOW,
	("&c))\n\t\treturn take_along(b, m, err);", "&c))\n\t\treturn 0;")),
    ("marks-wait-for-the-next-run", SYNC + "apply/pull.c", FLOW,
	("b->p->keeps_line |= has_flags_to_push", "(void)has_flags_to_push")),
    ("own-copies-are-pulled", SYNC + "match/pair.c", "flow moves_test",
	("rc = own ? 0 : is_filed_here", "rc = is_filed_here")),
]
