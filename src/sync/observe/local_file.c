/* Holds files against the rows that know their names (local_file.h). */
#include "observe/local_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "maildir/name.h"
#include "observe/draft.h"

int
known_files_open(struct known_files *k, struct index *ix, struct maildir *md,
    const struct index_folder *folder, struct err *err)
{
	*k = (struct known_files){ .ix = ix, .md = md, .folder = folder,
	    .look = { .fd = { -1, -1 } } };
	return maildir_look_open(&k->look, md, folder->path, err);
}

void
known_files_close(struct known_files *k)
{
	maildir_look_close(&k->look);
}

/* --- the same message? --- */

enum likeness { LIKE_SAME, LIKE_OTHER, LIKE_UNKNOWN, LIKE_FAILED };

/* Reads the file. Who edits or moves it right now will be met next time. */
static enum likeness
compare_content(struct known_files *k, const struct place *p,
    const struct index_seen_local *seen, struct err *err)
{
	const struct maildir_message at = {
		k->folder->path, seen->in_new, seen->file,
	};
	struct index_content known;
	struct fingerprint fp;
	struct err ignored;
	int64_t mtime;
	int r = index_content_by_id(k->ix, p->content, &known, err);

	if (r == -1)
		return LIKE_FAILED;
	if (r == 0)
		return LIKE_SAME;	/* nothing to compare it with */
	if (maildir_fingerprint(k->md, &at, &fp, &mtime, &ignored) == -1)
		return LIKE_UNKNOWN;
	if (!fingerprint_is(&fp, known.form, known.digest))
		return LIKE_OTHER;
	return index_content_renew(k->ix, &known, &fp, err) == -1 ?
	    LIKE_FAILED : LIKE_SAME;
}

static enum likeness
compare(struct known_files *k, const struct place *p,
    const struct index_seen_local *seen, struct err *err)
{
	enum likeness like;

	if (p->content == 0 || seen->hint.inode == 0 ||
	    file_hint_equal(&p->hint, &seen->hint))
		return LIKE_SAME;
	like = compare_content(k, p, seen, err);
	k->unsure |= like == LIKE_UNKNOWN;
	return like;
}

/* What a name tells. */
static struct index_seen_local
seen_as(bool in_new, const char *file)
{
	struct index_seen_local seen = { .in_new = in_new, .file = file };
	struct maildir_name name;

	if (maildir_name_parse(file, &name))
		seen.flags = name.flags;
	return seen;
}

/* The name holds another message: a new one, or what a draft has become. */
static int
replace(struct known_files *k, struct place *p,
    const struct index_seen_local *seen, struct err *err)
{
	const int64_t old = p->id;
	const enum draft draft = draft_judge(k, p, seen, err);
	const bool edited = draft == DRAFT_EDITED;
	char *unique;
	int rc;

	if (draft == DRAFT_FAILED)
		return -1;
	if (draft == DRAFT_WAITS) {
		k->unsure = true;
		k->edits++;
		return 0;
	}
	k->changed = true;
	unique = xstrdup(p->unique);
	rc = index_replace_local(k->ix, p, seen, err);
	k->replaced |= edited;
	if (rc == 0 && edited)
		rc = draft_replaced(k, old, unique, err);
	free(unique);
	return rc;
}

int
known_file_check(struct known_files *k, struct place *p, struct err *err)
{
	struct index_seen_local seen = seen_as(p->in_new, p->file);

	switch (maildir_look(&k->look, seen.in_new, seen.file, &seen.hint)) {
	case LOOKED_FILE:
		break;
	case LOOKED_UNKNOWN:
		k->unsure = true;
		return 0;
	case LOOKED_OTHER:
	case LOOKED_GONE:
		return 0;
	}
	switch (compare(k, p, &seen, err)) {
	case LIKE_SAME:
		return file_hint_equal(&p->hint, &seen.hint) ? 0 :
		    index_hint_local(k->ix, p->id, &seen.hint, err);
	case LIKE_OTHER:
		return replace(k, p, &seen, err);
	case LIKE_UNKNOWN:
		return 0;
	case LIKE_FAILED:
		break;
	}
	return -1;
}

/* --- a name that is not known just so --- */

/* Into the row that the name leads to, or a new one. */
static int
see(struct known_files *k, struct place *p, struct index_seen_local *seen,
    struct err *err)
{
	enum likeness like = compare(k, p, seen, err);
	bool changed;
	int rc;

	if (like == LIKE_FAILED)
		return -1;
	if (like == LIKE_OTHER)
		return replace(k, p, seen, err);
	if (like == LIKE_UNKNOWN)
		seen->hint.inode = 0;	/* the next look reads it again */
	rc = index_place_see(k->ix, p, seen, &changed, err);
	k->changed |= changed;
	return rc;
}

/* The place to which the name leads; a fresh one when there is none. 0, -1. */
static int
place_of(struct known_files *k, const char *file, struct place *out,
    struct err *err)
{
	struct maildir_name name;
	char *unique;
	int r;

	if (!maildir_name_parse(file, &name))
		return err_set(err, ERR_IO, "impossible file name %s", file);
	unique = span_dup(name.unique);
	r = index_place_by_unique(k->ix, k->folder->id, unique, out, err);
	if (r == 0) {
		place_init(out);
		out->folder = k->folder->id;
		out->unique = unique;
		return 0;
	}
	free(unique);
	return r == -1 ? -1 : 0;
}

/* A second file with the name: it gets one of its own. */
static int
see_fresh(struct known_files *k, struct index_seen_local *seen,
    struct err *err)
{
	const struct maildir_message at = {
		k->folder->path, seen->in_new, seen->file,
	};
	char file[MAILDIR_NAME_MAX + 1];
	struct err failed;
	struct place p;
	int rc;

	k->unsure |= k->md->look_only;
	if (k->md->look_only)
		return 0;
	if (maildir_rename_fresh(k->md, &at, file, &failed) == -1) {
		k->unsure = true;
		if (failed.kind == ERR_STALE)
			return 0;
		*err = failed;
		return -1;
	}
	seen->file = file;
	if (place_of(k, file, &p, err) == -1)
		return -1;
	rc = see(k, &p, seen, err);
	place_release(&p);
	return rc;
}

enum twin { TWIN_NONE, TWIN_LEFTOVER, TWIN_MESSAGE };

/*
 * What lies under the name that the row knows, while the file at hand has
 * another. With a link made first and the old name removed after, cur/ is where
 * the message goes: then that is the name to follow.
 */
static enum twin
twin_of(struct known_files *k, const struct place *p,
    const struct index_seen_local *seen)
{
	struct file_hint hint;

	if (!p->local.present || p->file == NULL ||
	    (p->in_new == seen->in_new && strcmp(p->file, seen->file) == 0))
		return TWIN_NONE;
	switch (maildir_look(&k->look, p->in_new, p->file, &hint)) {
	case LOOKED_GONE:
		return TWIN_NONE;	/* it was renamed */
	case LOOKED_UNKNOWN:
		k->unsure = true;
		return TWIN_LEFTOVER;
	case LOOKED_OTHER:
	case LOOKED_FILE:
		break;
	}
	if (seen->hint.inode == 0)
		return TWIN_LEFTOVER;	/* a link beside a message */
	if (hint.inode != seen->hint.inode)
		return TWIN_MESSAGE;
	k->unsure = true;	/* each run has to meet it */
	maildir_note_leftover(k->md, k->folder->path, seen->file);
	return p->in_new && !seen->in_new ? TWIN_NONE : TWIN_LEFTOVER;
}

static int
see_at(struct known_files *k, struct place *p, struct index_seen_local *seen,
    struct err *err)
{
	switch (twin_of(k, p, seen)) {
	case TWIN_NONE:
		return see(k, p, seen, err);
	case TWIN_LEFTOVER:
		return 0;
	case TWIN_MESSAGE:
		break;
	}
	return see_fresh(k, seen, err);
}

/*
 * What an editor left is a message only if that very thing was one before: by
 * its unique part, which is not that of what it lies beside, or by its name.
 */
static bool
is_message(const char *file, const struct place *p)
{
	struct maildir_name name;
	struct span of;

	if (!maildir_name_is_leftover(file, &of))
		return true;
	if (p->id == 0 || !p->local.present || p->file == NULL)
		return false;
	return (maildir_name_parse(file, &name) && name.mark == '\0') ||
	    maildir_name_is_leftover(p->file, &of);
}

int
known_file_see(struct known_files *k, bool in_new, const char *file,
    struct err *err)
{
	struct index_seen_local seen = seen_as(in_new, file);
	struct maildir_name name;
	struct place p;
	int rc = 0;

	switch (maildir_look(&k->look, in_new, file, &seen.hint)) {
	case LOOKED_GONE:
		return 0;
	case LOOKED_OTHER:	/* since it was scanned */
		k->unsure = true;
		return 0;
	case LOOKED_UNKNOWN:
		k->unsure = true;
		break;
	case LOOKED_FILE:
		break;
	}
	/* Without a unique part it could be any of them. */
	if (maildir_name_parse(file, &name) && name.unique.n == 0)
		return seen.hint.inode == 0 ? 0 : see_fresh(k, &seen, err);
	if (place_of(k, file, &p, err) == -1)
		return -1;
	if (is_message(file, &p))
		rc = see_at(k, &p, &seen, err);
	place_release(&p);
	return rc;
}
