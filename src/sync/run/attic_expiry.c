/*
 * The attic: what need not go there, and when what is in it may go. The last
 * thing a run does; mostly it finds that no day in there is that old.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "maildir/attic.h"
#include "maildir/look.h"
#include "run/phases.h"

#define EXPIRE_FILES	500	/* in one job, so that signals are heeded */
#define HOUR		3600
#define DAY		(24 * HOUR)
#define WEEK		(7 * DAY)
#define SEASON		(90 * DAY)

static enum task_result attic_expired(struct task *);

/* --- is the content kept anyway? --- */

static const struct folder *
folder_by_id(const struct account *a, int64_t folder)
{
	size_t i;

	for (i = 0; i < a->n_folder; i++)
		if (a->folder[i].row.id == folder)
			return &a->folder[i];
	return NULL;
}

int
attic_twin_find(struct account *a, const struct place *p,
    struct attic_twin *out, struct err *err)
{
	const struct folder *f;
	struct place other;
	int found = index_content_on_disk(a->ix, p->content, p->id, &other,
	    err);

	if (found != 1)
		return found;
	f = folder_by_id(a, other.folder);
	if (f != NULL) {
		*out = (struct attic_twin){
			.path = xstrdup(f->row.path), .file =
			    xstrdup(other.file),
			.in_new = other.in_new, .hint = other.hint,
		};
	}
	place_release(&other);
	return 0;
}

bool
attic_twin_is_there(struct maildir *md, const struct attic_twin *t)
{
	struct maildir_look look;
	struct file_hint now;
	struct err ignored;
	bool there;

	if (t->file == NULL ||
	    maildir_look_open(&look, md, t->path, &ignored) == -1)
		return false;
	there = maildir_look(&look, t->in_new, t->file, &now) == LOOKED_FILE &&
	    file_hint_equal(&t->hint, &now);
	maildir_look_close(&look);
	return there;
}

void
attic_twin_release(struct attic_twin *t)
{
	free(t->path);
	free(t->file);
	*t = (struct attic_twin){ .path = NULL };
}

/* --- expiry --- */

static int
get_seconds(struct account *a, const char *key, int64_t *out, struct err *err)
{
	char *text;

	if (index_get(a->ix, key, &text, err) == -1)
		return -1;
	*out = text == NULL ? 0 : strtoll(text, NULL, 10);
	free(text);
	return 0;
}

static int
put_seconds(struct account *a, const char *key, int64_t at, struct err *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, at);
	return index_set(a->ix, key, text, err);
}

/*
 * A clock that jumped since something was to expire is not believed: one that
 * is years ahead for a run must not empty the attic. It has to go on from there
 * for a day; the first run after the jump may come late, for some are rare.
 */
static int
clock_is_steady(struct account *a, int64_t now, bool *out, struct err *err)
{
	int64_t seen, jumped;
	bool jumps;
	int rc;

	if (get_seconds(a, "attic-seen", &seen, err) == -1 ||
	    get_seconds(a, "attic-jump", &jumped, err) == -1)
		return -1;
	jumps = now < seen || now - seen > (seen == jumped ? SEASON : WEEK);
	*out = !jumps && now - jumped > DAY;
	if (*out && now - seen < HOUR)
		return 0;
	rc = index_begin(a->ix, err);
	if (rc == 0 && jumps)
		rc = put_seconds(a, "attic-jump", now, err);
	if (rc == 0)
		rc = put_seconds(a, "attic-seen", now, err);
	return index_end(a->ix, rc, err);
}

static int
expire_work(struct account *a, struct err *err)
{
	int64_t now = clock_wall();
	bool steady;

	if (clock_is_steady(a, now, &steady, err) == -1)
		return -1;
	a->turns->attic_left = false;
	return !steady ? 0 : maildir_attic_expire(&a->md, now,
	    a->conf->attic_days, EXPIRE_FILES, &a->turns->attic_left, err);
}

static int
look_work(struct account *a, struct err *err)
{
	return maildir_attic_expire(&a->md, clock_wall(), a->conf->attic_days,
	    0, &a->turns->attic_left, err);
}

enum task_result
attic_begin(struct task *t)
{
	struct account *a = (struct account *)t;

	if (a->opt.dry_run)
		return task_next(t, account_end);
	return account_job(a, look_work, attic_expired);
}

static enum task_result
attic_expired(struct task *t)
{
	struct account *a = (struct account *)t;

	if (!a->turns->attic_left)
		return task_next(t, account_end);
	return account_job(a, expire_work, attic_expired);
}
