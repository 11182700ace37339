/*
 * Empties the attic of what was kept long enough. The last thing that a run
 * removes; mostly it finds that no day in there is that old.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "maildir/attic.h"
#include "run/phases.h"

#define EXPIRE_FILES	500	/* in one job, so that signals are heeded */
#define HOUR		3600
#define DAY		(24 * HOUR)
#define WEEK		(7 * DAY)
#define SEASON		(90 * DAY)

struct expiry {
	struct phase phase;
	bool left;		/* something is to expire */
};

static int
get_seconds(struct run *run, const char *key, int64_t *out, struct err *err)
{
	char *text;

	if (index_get(run->ix, key, &text, err) == -1)
		return -1;
	*out = text == NULL ? 0 : strtoll(text, NULL, 10);
	free(text);
	return 0;
}

static int
put_seconds(struct run *run, const char *key, int64_t at, struct err *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, at);
	return index_set(run->ix, key, text, err);
}

/*
 * A clock that jumped since something was to expire is not believed: one that
 * is years ahead for a run must not empty the attic. It has to go on from there
 * for a day; the first run after the jump may come late, for some are rare.
 */
static int
clock_is_steady(struct run *run, int64_t now, bool *out, struct err *err)
{
	int64_t seen, jumped;
	bool jumps;
	int rc;

	if (get_seconds(run, "attic-seen", &seen, err) == -1 ||
	    get_seconds(run, "attic-jump", &jumped, err) == -1)
		return -1;
	jumps = now < seen || now - seen > (seen == jumped ? SEASON : WEEK);
	*out = !jumps && now - jumped > DAY;
	if (*out && now - seen < HOUR)
		return 0;
	rc = index_begin(run->ix, err);
	if (rc == 0 && jumps)
		rc = put_seconds(run, "attic-jump", now, err);
	if (rc == 0)
		rc = put_seconds(run, "attic-seen", now, err);
	return index_end(run->ix, rc, err);
}

static int64_t
kept_since(const struct run *run, int64_t now)
{
	return now - (int64_t)conf_attic_days(run->conf) * DAY;
}

static int
expire_work(struct pass *p, struct err *err)
{
	struct expiry *e = (struct expiry *)p;
	int64_t now = clock_wall();
	bool steady;

	if (clock_is_steady(p->run, now, &steady, err) == -1)
		return -1;
	e->left = false;
	return !steady ? 0 : maildir_attic_expire(p->run->md,
	    kept_since(p->run, now), EXPIRE_FILES, &e->left, err);
}

static int
look_work(struct pass *p, struct err *err)
{
	struct expiry *e = (struct expiry *)p;

	return maildir_attic_expire(p->run->md,
	    kept_since(p->run, clock_wall()), 0, &e->left, err);
}

static enum task_result
expiry_next(struct task *t)
{
	if (!((struct expiry *)t)->left)
		return TASK_DONE;
	return phase_job(t, expire_work, expiry_next);
}

static enum task_result
expiry_begin(struct task *t)
{
	return phase_job(t, look_work, expiry_next);
}

void
attic_expiry_start(struct run *run, struct pass_result *out)
{
	struct expiry *e = xcalloc(1, sizeof(*e));

	phase_start(&e->phase, run, out, "attic", expiry_begin);
}
