"""Mutants: sizes and dates are hints; what was not looked at waits; contents of
older forms."""

from .common import SYNC

ROWS = [
    # -- sizes and dates --
    ("another-size-is-another-message", SYNC + "observe/remote.c",
	"flow hints_test",
	("doubts_are_there(o) ? observe_doubts :\n\t    observe_told",
	"observe_told")),
    ("unstable-dates-are-not-learned", SYNC + "core/learned.c",
	"flow hints_test", ("dates >= WRONG_LEAST", "false")),
    ("unstable-sizes-are-not-learned", SYNC + "core/learned.c",
	"flow hints_test", ("sizes >= WRONG_LEAST,", "false,")),
    ("estimates-are-exact", SYNC + "core/learned.c", "flow unlooked_test",
	("l->sizes_inexact = l->sizes_wrong >= WRONG_LEAST;",
	"l->sizes_inexact = false;")),
    ("no-date-is-now", SYNC + "apply/pull_bodies.c", "flow hints_test",
	("m->fp.has_sent ? &m->fp.sent : NULL;", "NULL;")),
    ("header-of-another-is-the-same", SYNC + "observe/headers.c",
	"flow hints_test", ("header_is_of(&one->fp, &c) ? HEADER_SAME :",
	"true ? HEADER_SAME :")),
    ("date-of-1970-is-none", "src/index/seen.c", "unit index_seen_test",
	("if (seen->has_date && (!p->has_date ||",
	"if (seen->date != 0 && (!p->has_date ||")),

    # -- what was not looked at waits --
    ("refused-look-is-an-absence", SYNC + "apply/push.c",
	"flow unlooked_test",
	("if (unlooked_may_be_file(&p->unlooked, &m->row.place, &m->fp)) {",
	"if (false) {")),
    ("unread-files-are-absent", SYNC + "apply/pull_pick.c",
	"flow unlooked_test",
	("if (!unlooked_may_be_message(&p->unread, place->size)) {",
	"if (true) {")),
    ("estimates-tell-files-apart", SYNC + "match/unlooked.c",
	"flow unlooked_test",
	("return u->n > 0 && (u->any_size ||\n\t    has_between(u, least, fp",
	"return u->n > 0 && (\n\t    has_between(u, least, fp")),
    ("what-is-refused-for-good-holds-all", SYNC + "match/unlooked.c",
	"flow unlooked_test",
	("*out = messages.n > 0 ? !unpaired : files.n > 0;",
	"*out = false;")),
    ("adopt-does-not-let-go", SYNC + "match/unlooked.c",
	"flow unlooked_test",
	("found == -1 ? -1 : run->opt.adopt;", "found == -1 ? -1 : 0;")),

    # -- unlike messages --
    ("doubles-pair-by-their-header", SYNC + "match/pair.c",
	"flow prove_test", ("\t\tif (!has_double(p, p->at_alike))\n", "")),
    ("a-date-is-an-identity", "src/index/content.c", "flow merge_test",
	("\"SELECT id, message_id <> ''\"", "\"SELECT id, has_identity\"")),

    # -- forms --
    ("old-form-is-another-content", "src/index/content.c",
	"unit index_migrate_test",
	("r = find_first_form(ix, fp, id_out, err);", "r = 0;")),
    ("shared-content-is-taken-along", "src/index/content.c",
	"unit index_migrate_test",
	("if (r != 0 || shared)\n\t\treturn r < 0 ? -1 : 0;",
	"if (r != 0)\n\t\treturn r < 0 ? -1 : 0;")),
    ("old-sums-do-not-hold", "src/index/row.c", "unit index_migrate_test",
	("\tif (bits == 0 && p->lineage == 0)\n\t\treturn sum;\n", "")),
    ("new-columns-are-not-summed", "src/index/row.c",
	"unit index_damage_test",
	("\treturn sum_later(sum, p);", "\treturn sum;")),
    ("masked-octets-are-others", "src/index/content.c",
	"unit index_masked_test",
	("\t\tr = masked_twin(ix, p, &twin, err);", "\t\tr = 0;")),
    ("x-tuid-is-a-field-like-others", "src/mail/fingerprint.c",
	"unit mail_fingerprint_test",
	("{ \"X-TUID\", FIELD_REMOVED_NOW },", "{ \"X-TUID\", FIELD_OTHER },")),
]
