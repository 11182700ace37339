"""Mutants: files and names as they are; the attic's place."""

from .common import MAILDIR, SYNC

ROWS = [
    # -- names --
    ("dotted-is-nothing", SYNC + "observe/folders.c", "flow files_test",
	("\t\t\tleave_stray(run, v[i].path);", "\t\t\t;")),
    ("other-marks-are-none", MAILDIR + "name.c", "unit maildir_name_test",
	("strchr(OTHER_MARKS, p[-INFO_LEN]) == NULL)", "true)")),
    ("marks-are-not-kept", MAILDIR + "name.c", "flow files_test",
	("\t\tout[unique.n] = name->mark;", "\t\t;")),
    ("nameless-is-nothing", SYNC + "observe/local_file.c",
	"flow files_test",
	("return seen.hint.inode == 0 ? 0 : see_fresh(k, &seen, err);",
	"return 0;")),
    ("long-name-takes-no-flag", MAILDIR + "store.c", "flow files_test",
	("if (!fits || (r < 0 && err->number == ENAMETOOLONG)) {",
	"if (false) {")),
    ("short-name-is-not-recorded", SYNC + "apply/flags.c",
	"flow files_test",
	("\tp->unique = span_dup(name.unique);",
	"\tp->unique = xstrdup(p->file);")),

    # -- what is no message --
    ("leftover-is-a-message", SYNC + "observe/local_file.c",
	"flow files_test",
	("\tif (p->id == 0 || !p->local.present || p->file == NULL)\n"
	"\t\treturn false;", "\tif (p->id == 0)\n\t\treturn true;")),
    ("leftover-hides-nothing", SYNC + "observe/local.c",
	"flow files_test",
	("if (name_set_has_beside(&s->names, name.unique)) {",
	"if (false) {")),
    ("known-leftover-is-none", SYNC + "observe/local_file.c",
	"flow files_test",
	("(maildir_name_parse(file, &name) && name.mark == '\\0') ||",
	"")),
    ("swap-file-says-nothing", MAILDIR + "scan.c", "flow files_test",
	("if (name[0] == '.' && !maildir_name_is_leftover(name, &ignored))",
	"if (name[0] == '.')")),
    ("odd-file-is-not-named", SYNC + "observe/local.c",
	"flow files_test",
	("\tif (s->names.n_odd > 0)\n\t\tname_odd(run, s);", "")),
    ("odd-file-is-named-once", SYNC + "observe/local.c",
	"flow files_test",
	("\ts->known.unsure |= s->out->named;\n", "")),
    ("odd-file-is-no-file", SYNC + "observe/name_set.c",
	"flow files_test",
	("\tlist_add(&w->stray, name.unique);\n\tif (e->odd)",
	"\tif (!e->odd)\n\t\tlist_add(&w->stray, name.unique);\n"
	"\tif (e->odd)")),

    # -- directories, huge files, links --
    ("missing-tmp-is-no-folder", MAILDIR + "folders.c", "flow files_test",
	("\twalk_mend(w, fd);\n", "")),
    ("huge-file-is-read", MAILDIR + "source.c",
	"unit maildir_store_test",
	("if ((uint64_t)s->st.st_size > LIMIT_MESSAGE)", "if (false)")),
    ("index-behind-a-link", "src/index/index.c", "unit index_open_test",
	("\tr = refuse_links(ix, err);", "\tr = 0;")),

    # -- drafts --
    ("draft-goes-at-once", SYNC + "observe/draft.c", "flow drafts_test",
	("waits = before != now || slot == SLOTS ||",
	"waits = slot == SLOTS ||")),
    ("old-draft-stays", SYNC + "observe/draft.c", "flow drafts_test",
	("\treturn SETTLED_GO;", "\treturn SETTLED_DROP;")),
    ("any-edit-is-of-a-draft", SYNC + "observe/draft.c",
	"flow drafts_test", ("if (!is_draft(k, seen) || !p->remote", "if (!p->remote")),
    ("joined-draft-is-lost", SYNC + "match/join.c", "flow drafts_test",
	("draft_joined(ix, known, p, err) == -1 ||\n\t    ", "")),

    # -- the attic --
    ("attic-stays-a-folder", MAILDIR + "maildir.c",
	"unit maildir_attic_test", ("\tmaildir_attic_tidy(m);\n", "")),
]
