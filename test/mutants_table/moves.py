"""Mutants: what moved or was copied travels once, and takes all along."""

from .common import PLAN, SYNC

INDEX = "src/index/"

ROWS = [
    ("a-move-may-be-any-copy", PLAN + "match.c", "unit plan_match_test",
	("(match_is_move(s) ? 4u : 0)", "0u")),
    ("twins-come-from-one", PLAN + "match.c", "unit plan_match_test",
	("(s->taken ? 0 : 2u)", "0u")),
    ("what-is-known-is-sent", SYNC + "run/phases.c", "flow moves_test",
	("\t{ copies_start, may_copy },\n", "")),
    ("a-copy-forgets-what-was-agreed", SYNC + "match/copies.c",
	"flow moves_test", ("\tstate_set(&t->base_local, true, l->flags,"
	" l->keywords);\n\tstate_set(&t->base_remote, true, r->flags,"
	" r->keywords);\n",
	"\tstate_set(&t->base_local, true, 0, \"\");\n"
	"\tstate_set(&t->base_remote, true, 0, \"\");\n"
	"\t(void)l, (void)r;\n")),
    ("a-copy-without-a-uid-forgets-it", SYNC + "match/copies.c",
	"flow moves_test", ("was->flags & ~(local->flags & remote->flags);", "0;")),
    ("keywords-stay-behind", SYNC + "match/copies.c", "flow moves_test",
	("c->left ?\n\t    s->base_local.keywords", "c->left ?\n\t    \"\"")),
    ("another-message-is-copied", SYNC + "apply/copy.c", "flow moves_test",
	("c->row[i].there =\n\t\t\t\t    c->doubts.v[k].is ==",
	"c->row[i].there = true ||\n\t\t\t\t    c->doubts.v[k].is ==")),
    ("a-refused-set-is-not-parted", SYNC + "apply/copy.c",
	"flow moves_test", ("\t\tc->alone = true;\n\t\tc->at = c->again;\n",
	"")),
    ("uploads-forget-copies", SYNC + "apply/push.c", "flow moves_test",
	(".uidnext = folder_next_uid(p->pass.folder)",
	".uidnext = p->pass.folder->row.uidnext")),
    ("what-the-server-had-twice-is-filed", INDEX + "source.c",
	"flow moves_test", (" AND EXISTS (SELECT 1 FROM log INDEXED BY log_content\"\n"
	"\t    \" WHERE log.content = ?1", " AND EXISTS (SELECT 1 FROM log INDEXED BY log_content\"\n"
	"\t    \" WHERE log.content = ?1 OR 1")),
    ("what-was-filed-before-is-trashed", INDEX + "source.c",
	"flow moves_test", ("'copied-remote', ", "")),
    ("a-copy-of-ours-is-not-looked-at", INDEX + "content.c",
	"flow moves_test", (" AND intent.uidnext <= place.uid", " AND 0")),
    ("what-was-filed-is-trashed", SYNC + "apply/remove.c", "flow moves_test",
	("if (filed == r->filed)\n\t\treturn 0;",
	"if (filed == r->filed || true)\n\t\treturn 0;")),
    ("a-copy-that-stays-is-filed", INDEX + "source.c", "flow moves_test",
	("AND id > ?2 AND base", "AND id <> ?2 AND base")),
    ("a-mark-is-copied-along", INDEX + "source.c", "flow moves_test",
	[("& ?2 END = 0", "& ?2 END >= 0"), (SYNC + "apply/copy.c",
	"\t    !(s->remote.flags & s->base_remote.flags & FLAG_DELETED) &&\n",
	"")]),
    ("unread-messages-are-copied-over", SYNC + "match/copies.c",
	"flow moves_test", ("any = u.n > 0 || u.unlisted_to > 0;",
	"any = false;")),
    ("a-copy-of-two-is-made-again", SYNC + "match/copies.c",
	"flow moves_test", ("if (found == 0 && !has)", "if (found == 0)")),
]
