"""Mutants: a server that says what it must not."""

from .common import SYNC

OBSERVE = SYNC + "observe/remote.c"

ROWS = [
    ("empty-is-a-list", OBSERVE, "flow unlooked_test",
	("return imap_box_exists(o->pass.conn->session) == 0 && !(o->full &&",
	"return imap_box_exists(o->pass.conn->session) == 0 && !(false &&")),
    ("unlisted-is-not-there", SYNC + "match/unlooked.c",
	"flow unlooked_test",
	("if (p->id <= u->unlisted_to)", "if (false)")),
    ("unlisted-holds-what-is-new", SYNC + "match/unlooked.c",
	"flow unlooked_test",
	("if (p->id <= u->unlisted_to)", "if (u->unlisted_to > 0)")),
    ("vanished-without-qresync", "src/imap/reply.c",
	"unit imap_session_test",
	("return r->kind == IMAP_VANISHED &&\n\t    !(s->enabled",
	"return false &&\n\t    !(s->enabled")),
]
