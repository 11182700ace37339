/*
 * One row at a time. A sync may be at work meanwhile: what looks wrong is read
 * from the index once more, and counts if that is still what it was.
 */
#include "run/inspect_row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/os.h"
#include "index/content.h"
#include "mail/flags.h"
#include "maildir/store.h"
#include "run/inspect_repair.h"

/* A row, and what was met for it. */
struct row_case {
	struct verify_row row;
	char *why;		/* it could not be read; NULL */
};

bool
inspect_has_bad_info(const char *file)
{
	struct maildir_name name;
	size_t i;

	if (!maildir_name_parse(file, &name))
		return false;
	if (name.mark == '\0')
		return strchr(file, ':') != NULL;
	for (i = 0; i < name.letters.n && name.letters.p[i] != ','; i++)
		if ((name.letters.p[i] | 0x20) < 'a' ||
		    (name.letters.p[i] | 0x20) > 'z')
			return true;
	return false;
}

/* --- the octets --- */

/* 0 where nobody knows: it is being written, or its content is not known. */
static int
compare_octets(struct folder_inspection *f, struct row_case *c,
    const struct file_at *at, struct err *err)
{
	const struct maildir_message msg = {
		f->folder->path, at->in_new, at->file,
	};
	struct verify_row *r = &c->row;
	struct index_content known;
	struct fingerprint fp;
	struct err why;
	int64_t mtime;
	int found;

	if (maildir_fingerprint(&f->in->account->md, &msg, &fp, &mtime,
	    &why) == -1) {
		r->disk = why.kind == ERR_STALE ? DISK_UNKNOWN : DISK_UNREAD;
		if (r->disk == DISK_UNREAD)
			c->why = xstrdup(why.msg);
		return 0;
	}
	if (r->place->content == 0 || !r->has_content)
		return 0;
	found = index_content_by_id(f->in->account->ix, r->place->content,
	    &known, err);
	if (found == 1)
		r->octets = fingerprint_is(&fp, known.form, known.digest) ?
		    OCTETS_SAME : OCTETS_OTHER;
	return found == -1 ? -1 : 0;
}

static void
see_name(struct row_case *c, const struct file_at *at)
{
	struct maildir_name name;

	c->row.in_new = at->in_new;
	if (maildir_name_parse(at->file, &name))
		c->row.flags = name.flags;
}

static int
look_at_octets(struct folder_inspection *f, struct row_case *c,
    const struct file_at *at, struct err *err)
{
	const enum maildir_looked looked = maildir_look(&f->look, at->in_new,
	    at->file, &c->row.hint);

	switch (looked) {
	case LOOKED_FILE:
		see_name(c, at);
		c->row.disk = DISK_FILE;
		return compare_octets(f, c, at, err);
	case LOOKED_OTHER:
		c->row.disk = DISK_ODD;
		break;
	case LOOKED_GONE:
		c->row.disk = DISK_GONE;
		break;
	case LOOKED_UNKNOWN:
		c->row.disk = DISK_UNREAD;
		c->why = xstrdup(os_error_text(errno, (char[OS_ERROR_MAX]){
		    0 }));
		break;
	}
	return 0;
}

/* --- the row --- */

static void
row_case_init(const struct folder_inspection *f, struct row_case *c,
    const struct place *p, const struct index_verified *v)
{
	struct maildir_name name;

	*c = (struct row_case){ .row = {
		.place = p, .seen_right = v == NULL || v->seen_right,
		.has_content = v == NULL ? p->content != 0 : v->has_content,
		.name_fits = true, .name_flags = p->local.flags,
		.drafts = f->drafts, .told = v == NULL,
	} };
	if (p->file == NULL || !maildir_name_parse(p->file, &name)) {
		c->row.name_fits = p->file == NULL;
		return;
	}
	c->row.name_flags = name.flags;
	c->row.name_fits = p->unique == NULL || span_eq(name.unique,
	    p->unique);
}

/* Under the name that the row has. What was renamed is met among the names
 * that no row has. */
static int
look_at_file(struct folder_inspection *f, struct row_case *c, struct err *err)
{
	const struct place *p = c->row.place;
	const struct file_at at = { p->in_new, p->file };
	const struct span unique = span_of(p->unique != NULL ? p->unique : "");

	if (!f->on_disk || !p->local.present || p->file == NULL)
		return 0;
	if (look_at_octets(f, c, &at, err) == -1)
		return -1;
	if (c->row.disk != DISK_GONE)
		return 0;
	if (name_set_has_stray(&f->names, unique))
		c->row.disk = DISK_UNKNOWN;
	else if (name_set_has_beside(&f->names, unique))
		c->row.disk = DISK_HELD;
	return 0;
}

/* --- telling --- */

static const char *
flags_change(const struct verify_row *r, char out[40])
{
	char was[7], is[7];

	flag_letters(r->name_flags, was);
	flag_letters(r->flags, is);
	snprintf(out, 40, "%s, and before %s", *is != '\0' ? is : "none",
	    *was != '\0' ? was : "none");
	return out;
}

static void
tell_row(struct folder_inspection *f, const struct row_case *c,
    enum verify_kind kind)
{
	const struct place *p = c->row.place;
	struct found about = { f->folder->name, p->unique, p->uid, NULL };
	char text[40];

	switch (kind) {
	case V_FILE_UNREAD:
		about.met = c->why;
		break;
	case V_FILE_FLAGS:
		about.met = flags_change(&c->row, text);
		break;
	case V_ROW_NAME:
	case V_ROW_FLAGS:
	case V_FILE_CONTENT:
	case V_FILE_ROTTEN:
		about.met = p->file;
		break;
	default:
		break;
	}
	inspect_tell(f->in, kind, &about);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The row is what it was when it was read. 1, 0, -1. */
static int
stands_still(struct folder_inspection *f, const struct place *p,
    struct err *err)
{
	struct place now;
	int same, found = index_place_by_id(f->in->account->ix, p->id, &now,
	    err);

	if (found <= 0)
		return found;
	same = same_text(p->file, now.file) && p->in_new == now.in_new &&
	    p->content == now.content && p->uid == now.uid &&
	    p->local.present == now.local.present &&
	    p->local.flags == now.local.flags &&
	    p->hint.mtime == now.hint.mtime;
	place_release(&now);
	return same;
}

static int
tell_case(struct folder_inspection *f, const struct row_case *c,
    struct err *err)
{
	enum verify_kind kind[VERIFY_MOST];
	size_t i, n = verify_row(&c->row, kind);
	int rc = n == 0 ? 0 : stands_still(f, c->row.place, err);

	for (i = 0; rc == 1 && i < n; i++) {
		tell_row(f, c, kind[i]);
		/* Under another name it has other flags. */
		if (!c->row.told && (kind[i] == V_FILE_ROTTEN ||
		    kind[i] == V_FILE_EMPTY))
			repair_note_file(f->in, c->row.place, &c->row.hint,
			    kind[i]);
		if (kind[i] == V_ROW_SEEN && repair_row(f->in,
		    &(struct found){ f->folder->name, c->row.place->unique,
		    c->row.place->uid, NULL }, c->row.place->id, err) == -1)
			return -1;
	}
	return rc == -1 ? -1 : 0;
}

int
inspect_row(struct folder_inspection *f, struct index_verified *v,
    struct err *err)
{
	const struct place *p = &v->place;
	struct row_case c;
	int rc;

	if (!v->sum_right) {
		inspect_tell(f->in, V_ROW_SUM, &(struct found){
			f->folder->name, p->unique, p->uid, NULL });
		return 0;
	}
	row_case_init(f, &c, p, v);
	rc = look_at_file(f, &c, err);
	if (rc == 0)
		rc = tell_case(f, &c, err);
	if (rc == 0 && c.row.disk == DISK_FILE && inspect_has_bad_info(p->file))
		tell_row(f, &c, V_NAME_INFO);
	free(c.why);
	return rc;
}

int
inspect_renamed(struct folder_inspection *f, struct place *p,
    const struct file_at *at, struct err *err)
{
	struct row_case c;
	int rc;

	row_case_init(f, &c, p, NULL);
	rc = look_at_octets(f, &c, at, err);
	if (rc == 0 && c.row.disk != DISK_GONE)
		rc = tell_case(f, &c, err);
	free(c.why);
	return rc;
}
