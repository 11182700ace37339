/*
 * A folder: its directories are read, then its rows are gone through, each with
 * the file that it names; then the names that no row has just so.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/os.h"
#include "maildir/scan.h"
#include "maildir/strangers.h"
#include "observe/draft.h"
#include "run/inspect_repair.h"
#include "run/inspect_row.h"

#define ROWS		32
#define ODD_MAX		1000

/* --- the directories --- */

static void
tell_folder(struct folder_inspection *f, enum verify_kind kind,
    const char *met)
{
	inspect_tell(f->in, kind, &(struct found){ .folder = f->folder->name,
	    .met = met });
}

/* cur, new and tmp are there. */
static bool
parts_are_there(struct folder_inspection *f)
{
	static const char *const name[3] = { "cur", "new", "tmp" };
	enum maildir_part part[3];
	struct err why;
	bool missing[3], all = true, lacks = false;
	int i;

	if (maildir_parts(&f->in->account->md, f->folder->path, part,
	    &why) == -1) {
		if (why.kind == ERR_STALE)
			tell_folder(f, V_DIR_GONE, f->folder->path);
		else
			tell_folder(f, V_DIR_UNREAD, why.msg);
		return false;
	}
	if (part[0] == PART_GONE && part[1] == PART_GONE &&
	    part[2] == PART_GONE) {
		tell_folder(f, V_DIR_GONE, f->folder->path);
		return false;
	}
	for (i = 0; i < 3; i++) {
		if (part[i] == PART_GONE)
			tell_folder(f, V_DIR_PART, name[i]);
		else if (part[i] == PART_OTHER)
			tell_folder(f, V_DIR_OTHER, name[i]);
		all &= part[i] == PART_DIR || i == 2;
		missing[i] = part[i] == PART_GONE;
		lacks |= missing[i];
	}
	if (lacks && repair_parts(f->in, f->folder, missing))
		return part[0] != PART_OTHER && part[1] != PART_OTHER;
	return all;
}

static void
on_stranger(void *arg, enum maildir_stranger kind, const char *file)
{
	struct folder_inspection *f = arg;
	static const enum verify_kind as[] = {
		[STRANGER_FILE] = V_DIR_FILE, [STRANGER_DOT] = V_DIR_DOT_FILE,
		[STRANGER_TMP] = V_DIR_TMP,
	};

	if (inspect_wants(f->in, f->folder->name, file, 0))
		tell_folder(f, as[kind], file);
}

/* --- what lies there --- */

/* What the set of names passes over. */
static int
meet_name(void *arg, const struct maildir_entry *e, struct err *err)
{
	struct folder_inspection *f = arg;

	(void)err;
	name_set_meet(&f->names, e);
	if ((e->odd || e->file[0] == '.') && f->n_odd < ODD_MAX)
		*VEC_ADD(f->odd, f->n_odd, f->cap_odd) = (struct odd_name){
			xstrdup(e->file), e->in_new, e->odd };
	return 0;
}

static void
meet_anew(void *arg)
{
	struct folder_inspection *f = arg;

	name_set_restart(&f->names);
	while (f->n_odd > 0)
		free(f->odd[--f->n_odd].file);
}

/* 1: done; 0: it can't be read, which was told; -1. */
static int
meet_names(struct folder_inspection *f, struct err *err)
{
	const struct maildir_visit visit = { f, meet_name, meet_anew };
	struct maildir *md = &f->in->account->md;
	struct maildir_scan scanned;
	struct err why;

	if (name_set_load(&f->names, f->in->account->ix, f->folder->id,
	    err) == -1)
		return -1;
	if (maildir_look_open(&f->look, md, f->folder->path, &why) == -1 ||
	    maildir_scan(md, f->folder->path, &visit, &scanned, &why) == -1) {
		tell_folder(f, V_DIR_UNREAD, why.msg);
		return 0;
	}
	name_set_seal(&f->names);
	return 1;
}

/* --- rows --- */

static int
inspect_rows_page(struct folder_inspection *f, struct index_verified *v, int n,
    struct err *err)
{
	int i, rc = 0;

	for (i = 0; i < n; i++) {
		if (rc == 0 && inspect_wants(f->in, f->folder->name,
		    v[i].place.unique, v[i].place.uid) &&
		    inspect_goes_on(f->in)) {
			f->in->out->messages++;
			rc = inspect_row(f, &v[i], err);
		}
		place_release(&v[i].place);
	}
	return rc;
}

static int
inspect_range(struct folder_inspection *f, int64_t after, int64_t upto,
    struct err *err)
{
	struct index_verify_stream rows = { f->folder->id, after, upto };
	struct index_verified v[ROWS];
	int n, rc;

	do {
		n = index_verify_rows(f->in->account->ix, &rows, v, ROWS, err);
		if (n <= 0)
			return n;
		rows.after = v[n - 1].id;
		rc = inspect_rows_page(f, v, n, err);
	} while (rc == 0 && n == ROWS && !f->in->out->stopped);
	return rc;
}

/* Where time is short it begins at one by chance, and goes round. */
static int
inspect_rows(struct folder_inspection *f, struct err *err)
{
	int64_t at;

	if (inspect_begin_at(f->in, &at, err) == -1 ||
	    inspect_range(f, at, INT64_MAX, err) == -1)
		return -1;
	return at == 0 || f->in->out->stopped ? 0 :
	    inspect_range(f, 0, at, err);
}

/* --- names that no row has just so --- */

/* The file of the row lies there under its own name, too. */
static bool
is_second(struct folder_inspection *f, const struct place *p,
    const struct file_at *at, struct verify_name *n)
{
	struct file_hint own, hint;

	if (!p->local.present || p->file == NULL ||
	    (p->in_new == at->in_new && strcmp(p->file, at->file) == 0) ||
	    maildir_look(&f->look, p->in_new, p->file, &own) != LOOKED_FILE)
		return false;
	n->twice = true;
	n->linked = maildir_look(&f->look, at->in_new, at->file, &hint) ==
	    LOOKED_FILE && hint.inode == own.inode;
	return true;
}

static void
tell_name(struct folder_inspection *f, const struct file_at *at,
    const struct verify_name *n)
{
	enum verify_kind kind[VERIFY_MOST];
	size_t i, found = verify_name(n, kind);
	struct maildir_name name;
	char *unique = NULL;

	if (maildir_name_parse(at->file, &name) && name.unique.n > 0)
		unique = span_dup(name.unique);
	for (i = 0; i < found; i++)
		inspect_tell(f->in, kind[i], &(struct found){
			f->folder->name, unique != NULL ? unique : at->file,
			0, NULL });
	free(unique);
}

/* As a scan takes it (observe/local_file.c): what an editor left is a message
 * only where it was one before. */
static bool
is_left_over(const struct place *p, const char *file)
{
	struct maildir_name name;
	struct span of;

	if (!maildir_name_is_leftover(file, &of))
		return false;
	return !p->local.present || p->file == NULL ||
	    (!(maildir_name_parse(file, &name) && name.mark == '\0') &&
	    !maildir_name_is_leftover(p->file, &of));
}

static int
inspect_known_name(struct folder_inspection *f, struct place *p,
    const struct file_at *at, struct err *err)
{
	struct verify_name n = { .known = true,
	    .editor = is_left_over(p, at->file),
	    .bad_info = inspect_has_bad_info(at->file) };
	const bool second = is_second(f, p, at, &n);

	tell_name(f, at, &n);
	if (n.editor)
		return 0;
	/* Just the name of the row was looked at with the row. */
	if (second || (p->local.present && p->file != NULL &&
	    p->in_new == at->in_new && strcmp(p->file, at->file) == 0))
		return 0;
	return inspect_renamed(f, p, at, err);
}

static void
inspect_new_name(struct folder_inspection *f, struct span unique,
    const struct file_at *at)
{
	struct verify_name n = {
		.bad_info = inspect_has_bad_info(at->file),
		.no_unique = unique.n == 0,
		.twice = unique.n > 0 &&
		    name_set_has_twins(&f->names, unique),
	};
	struct file_hint hint;
	struct span of;

	switch (maildir_look(&f->look, at->in_new, at->file, &hint)) {
	case LOOKED_GONE:
		return;
	case LOOKED_FILE:
	case LOOKED_OTHER:
	case LOOKED_UNKNOWN:
		break;
	}
	n.empty = hint.inode != 0 && hint.size == 0;
	n.editor = maildir_name_is_leftover(at->file, &of);
	f->in->out->messages += !n.editor;
	tell_name(f, at, &n);
}

static int
inspect_name(struct folder_inspection *f, const struct file_at *at,
    struct err *err)
{
	struct maildir_name name;
	struct place p;
	struct err wrong;
	char *unique;
	int found;

	if (!maildir_name_parse(at->file, &name))
		return 0;
	unique = span_dup(name.unique);
	if (!inspect_wants(f->in, f->folder->name, name.unique.n > 0 ? unique :
	    at->file, 0) || !inspect_goes_on(f->in)) {
		free(unique);
		return 0;
	}
	found = name.unique.n == 0 ? 0 : index_place_by_unique(
	    f->in->account->ix, f->folder->id, unique, &p, &wrong);
	free(unique);
	if (found == 0)
		inspect_new_name(f, name.unique, at);
	if (found != 1)
		return 0;	/* a row that is wrong was told */
	found = inspect_known_name(f, &p, at, err);
	place_release(&p);
	return found;
}

static int
inspect_met_name(void *arg, const struct maildir_entry *e, struct err *err)
{
	struct folder_inspection *f = arg;
	const struct file_at at = { e->in_new, e->file };

	if (e->odd || name_set_was_met(&f->names, index_name_sum(e->in_new,
	    e->file, e->inode)))
		return 0;
	return inspect_name(f, &at, err);
}

static void
meet_no_more(void *arg)
{
	(void)arg;
}

/* Of very many the directory is read once more. */
static int
inspect_names(struct folder_inspection *f, struct err *err)
{
	const struct maildir_visit visit = { f, inspect_met_name,
	    meet_no_more };
	const struct buf *names = &f->names.stray_names;
	struct maildir_scan again;
	size_t at;

	if (f->names.too_many)
		return maildir_scan(&f->in->account->md, f->folder->path,
		    &visit, &again, err);
	for (at = 0; at < names->len; ) {
		const char *p = (const char *)names->data + at;
		const struct file_at file = { *p == 'n', p + 1 };

		if (inspect_name(f, &file, err) == -1)
			return -1;
		at += strlen(p) + 1;
	}
	return 0;
}

/* A row whose name leads to it has told so. */
static void
inspect_odd_names(struct folder_inspection *f)
{
	size_t i;

	for (i = 0; i < f->n_odd; i++) {
		const struct file_at at = { f->odd[i].in_new,
		    f->odd[i].file };
		struct verify_name n = { .odd = f->odd[i].odd,
		    .editor = !f->odd[i].odd };
		struct maildir_name name;
		struct place p;
		struct err ignored;
		char *unique;

		if (maildir_name_parse(at.file, &name)) {
			unique = span_dup(name.unique);
			n.known = index_place_by_unique(f->in->account->ix,
			    f->folder->id, unique, &p, &ignored) == 1;
			if (n.known)
				place_release(&p);
			free(unique);
		}
		if (inspect_wants(f->in, f->folder->name, at.file, 0))
			tell_name(f, &at, &n);
	}
}

/* --- all of it --- */

static int
inspect_disk(struct folder_inspection *f, struct err *err)
{
	const struct maildir_strangers visit = { f, on_stranger };

	if (inspect_names(f, err) == -1)
		return -1;
	inspect_odd_names(f);
	maildir_strangers(&f->in->account->md, f->folder->path, &visit);
	return 0;
}

int
inspect_folder(struct inspection *in, const struct index_folder *folder,
    struct err *err)
{
	struct folder_inspection f = { .in = in, .folder = folder,
	    .look = { .fd = { -1, -1 } },
	    .drafts = draft_is_folder(folder->name) };
	int rc = 0;

	if (in->on_disk && folder->local && folder->path != NULL &&
	    parts_are_there(&f))
		rc = meet_names(&f, err);
	f.on_disk = rc == 1;
	if (rc != -1)
		rc = inspect_rows(&f, err);
	if (rc == 0 && f.on_disk && !in->out->stopped)
		rc = inspect_disk(&f, err);
	maildir_look_close(&f.look);
	name_set_release(&f.names);
	while (f.n_odd > 0)
		free(f.odd[--f.n_odd].file);
	free(f.odd);
	return rc;
}
