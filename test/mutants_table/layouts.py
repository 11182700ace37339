"""How folders lie on disk, and how that changes."""

from .common import MAILDIR, SYNC

FLAT = "unit maildir_flat_test"
MOVE = "unit maildir_relayout_test"
E2E = "e2e test_layout.py"

ROWS = [
    ("separator-is-written-as-it-is", MAILDIR + "layout_dir.c", FLAT,
	("\t\tmemcpy(out + n, escape, ESCAPE_LEN);\n\t\tn += ESCAPE_LEN;",
	"\t\tout[n++] = *p;")),
    ("our-directory-is-a-folders", MAILDIR + "layout_dir.c", FLAT,
	("return l->dotted ? make_way(dir) : dir;", "return dir;")),
    ("any-name-is-a-folders", MAILDIR + "layout_dir.c", FLAT,
	("\tif (path == NULL || !maildir_path_is_safe(path) ||\n"
	"\t    !is_same(back, dir)) {", "\tif (path == NULL) {")),
    ("flat-folders-lie-in-each-other", MAILDIR + "layout_dir.c",
	E2E + " -k renamed_on_the_server",
	("return layout_nests(l) && strncmp(inner", "return strncmp(inner")),
    ("long-directory-is-not-cut", MAILDIR + "layout.c", FLAT,
	("\tif (dir == NULL) {\n\t\tcut_hash", "\tif (false) {\n\t\tcut_hash")),
    ("root-is-no-folder", MAILDIR + "folders.c", FLAT,
	("(path[0] == '\\0' && !w->m->layout.dotted)", "path[0] == '\\0'")),
    ("what-waits-is-forgotten", MAILDIR + "relayout.c", MOVE,
	("if (m->moving && put_all(", "if (false && put_all(")),
    ("recorded-before-all-wait", MAILDIR + "relayout.c", MOVE,
	("\t    take_all(&r, err) == 0 ? maildir_layout_record(m, want, err) : "
	"-1;", "\t    maildir_layout_record(m, want, err) == 0 ? "
	"take_all(&r, err) : -1;")),
    ("nothing-is-in-the-way", MAILDIR + "relayout.c", MOVE,
	("gather(&r, err) == 0 && check_all(&r, err) == 0 &&",
	"gather(&r, err) == 0 &&")),
    ("outer-ones-are-taken-first", MAILDIR + "relayout.c", MOVE,
	("take_folder(r->m, &r->v[i - 1], err)",
	"take_folder(r->m, &r->v[r->n - i], err)")),
    ("layout-is-not-recorded", MAILDIR + "maildir.c", MOVE,
	("if (!layout_equal(&mark.layout, &m->layout) &&", "if (false &&")),
    ("status-believes-what-moves", SYNC + "observe/root.c",
	E2E + " -k stopped_in_between",
	("return find_root(a, err) == -1 ? -1 : layout_refuse_moving(a, err);",
	"return find_root(a, err);")),
    ("old-spelling-stays", SYNC + "observe/layout.c",
	E2E + " -k directories_of_offlineimap",
	("if (n > 0 && respell_all(run, err) == -1)", "if (false)")),
    ("long-path-stays", SYNC + "observe/folders.c", E2E + " -k too_long",
	("\t\tshorten_path(run, &f->row);\n", "")),
]
