/*
 * What a look at the server did not show, and was not told to be gone: out of
 * sight, as where the newest messages alone are shown, or gone (plan/window.h).
 */
#include "observe/remote.h"

#include "base/clock.h"
#include "index/place.h"
#include "index/sight.h"
#include "plan/window.h"

#define DAY	86400

/* A folder of which the user says how much of it is shown. */
static bool
has_key(const struct observe *o)
{
	const struct conf_account *c = o->pass.run->conf;

	return !o->pass.folder->is_trash &&
	    (c->window > 0 || c->window_days > 0);
}

/* Of the messages that were known, those that this look told of. */
static const struct uidset *
shown(const struct observe *o)
{
	return o->full ? &o->listed : o->gone_told ? &o->gone.uids : NULL;
}

/* The lowest UID that is shown. 0: nothing is. */
static uint32_t
lowest_shown(const struct observe *o)
{
	const struct uidset *uids = shown(o);
	uint32_t uid = 0;

	if (uidset_next(uids, &uid))
		return uid;
	return o->full ? 0 : o->known_next;
}

/* What vanished does not count where the user knows better. */
static void
forget_told(struct observe *o, struct uidset *uids)
{
	if (!has_key(o))
		uidset_less(uids, &o->vanished);
}

/* All of the folder that are not shown, from the oldest end, or by date. */
static int
missing_oldest(struct observe *o, struct uidset *out, struct err *err)
{
	const struct index_range older = {
		.folder = o->pass.folder->row.id, .first = 1,
		.last = lowest_shown(o) - 1,
	};

	if (older.last == 0 || older.last == UINT32_MAX)
		return 0;
	if (index_present(o->pass.run->ix, &older, out, err) == -1)
		return -1;
	forget_told(o, out);
	uidset_less(out, &o->sight.out);
	return 0;
}

static int
missing_dated(struct observe *o, struct uidset *out, struct err *err)
{
	const uint32_t days = o->pass.run->conf->window_days;
	const struct index_range dated = {
		.folder = o->pass.folder->row.id, .first = 1,
		.last = o->full ? UID_LAST : o->known_next - 1, .dated = true,
		/* Where the server's day begins is not known. */
		.before = clock_wall() - ((int64_t)days - 1) * DAY,
	};

	if (days == 0 || !has_key(o))
		return 0;
	if (index_present(o->pass.run->ix, &dated, out, err) == -1)
		return -1;
	uidset_less(out, shown(o));
	uidset_less(out, &o->sight.out);
	return 0;
}

static enum window_op
judge_missing(const struct observe *o, const struct uidset *missing)
{
	const struct index_folder *f = &o->pass.folder->row;
	const struct imap_box *b = &o->select.box;
	struct uidset more = { 0 };
	struct window_look look = {
		.exists = o->exists, .before = f->exists,
		.news = o->highest >= f->uidnext || b->uidnext > f->uidnext,
		.looks = (unsigned)o->sight.looks,
		.size = (uint32_t)o->sight.size,
		.least = has_key(o) ? o->pass.run->conf->window : 0,
	};

	if (uidset_empty(missing) || o->pass.folder->is_trash)
		return WINDOW_GONE;
	uidset_join(&more, missing);
	uidset_less(&more, &o->sight.waits);
	look.more = !uidset_empty(&more);
	uidset_release(&more);
	return window_judge(&look);
}

static void
take_verdict(struct observe *o, enum window_op op,
    const struct uidset *missing)
{
	struct sight *s = &o->sight;
	struct uidset more = { 0 };

	uidset_join(&more, missing);
	uidset_less(&more, &s->waits);
	if (op == WINDOW_WAITS && !uidset_empty(&more))
		s->looks++;
	uidset_clear(&s->waits);
	if (op == WINDOW_WAITS)
		uidset_join(&s->waits, missing);
	else
		s->looks = 0;
	if (op == WINDOW_OUT) {
		uidset_join(&s->out, missing);
		s->size = o->exists;
	}
	uidset_release(&more);
}

/* What is shown is in sight, and so is what is known to be gone. */
static void
see_again(struct observe *o)
{
	struct sight *s = &o->sight;

	uidset_less(&s->out, shown(o));
	uidset_less(&s->waits, shown(o));
	forget_told(o, &s->out);
	forget_told(o, &s->waits);
}

/* All that were known, are not shown, and were not told to be gone. */
static int
find_missing(struct observe *o, struct uidset *out, struct err *err)
{
	const struct index_range all = {
		.folder = o->pass.folder->row.id, .first = 1, .last = UID_LAST,
	};
	int rc = index_present(o->pass.run->ix, &all, out, err);

	uidset_less(out, shown(o));
	forget_told(o, out);
	return rc;
}

static bool
has_all(const struct uidset *a, const struct uidset *b)
{
	struct uidset more = { 0 };
	bool all;

	uidset_join(&more, b);
	uidset_less(&more, a);
	all = uidset_empty(&more);
	uidset_release(&more);
	return all;
}

/* Those that are counted and never listed are those that all these listings
 * lacked, where that is enough of them; else it may be any that is missing. */
static void
keep_hidden(struct sight *s, const struct uidset *missing)
{
	const bool told = uidset_count(&s->missed) >= (uint64_t)s->hidden;

	uidset_join(&s->out, told ? &s->missed : missing);
}

/* What was lacked before and is shown now was not alike. */
int
sight_lacks(struct observe *o, struct sight *s, int64_t lack, struct err *err)
{
	struct uidset missing = { 0 };
	int rc = find_missing(o, &missing, err);

	if (s->lacked != lack || !has_all(&missing, &s->missed)) {
		s->lacks = 0;
		uidset_clear(&s->missed);
		uidset_join(&s->missed, &missing);
	}
	s->lacks++;
	s->lacked = lack;
	uidset_release(&missing);
	return rc;
}

static void
lacks_no_more(struct sight *s)
{
	s->lacked = s->lacks = 0;
	uidset_clear(&s->missed);
}

/* So many are never listed, this is the third run that says so; a second look
 * in a run is none. */
static bool
is_proven(const struct observe *o, int64_t lack)
{
	const struct sight *s = &o->sight;

	if (o->pass.folder->unsettled || o->pass.run->past.attempts > 0)
		return false;
	return !o->by_sets && o->tries + 1 >= FULL_TRIES &&
	    s->lacked == lack && s->lacks + 1 >= HIDDEN_RUNS;
}

static int
take_hidden(struct observe *o, int64_t lack, bool *whole_out, struct err *err)
{
	struct sight *s = &o->sight;
	struct uidset missing = { 0 };
	int rc = find_missing(o, &missing, err);

	if (rc == 0 && has_all(&missing, &s->missed)) {
		*whole_out = o->found_hidden = true;
		s->hidden = lack;
		keep_hidden(s, &missing);
		lacks_no_more(s);
	}
	uidset_release(&missing);
	return rc;
}

int
sight_is_whole(struct observe *o, bool *whole_out, struct err *err)
{
	struct sight *s = &o->sight;
	const int64_t listed = (int64_t)uidset_count(&o->listed);
	const int64_t lack = (int64_t)o->exists - listed;

	*whole_out = lack == s->hidden || lack == 0;
	/* All that is counted is listed: what was kept for that is gone. */
	if (lack == 0 && s->hidden > 0 && s->size == 0)
		uidset_clear(&s->out);
	if (lack <= 0 || *whole_out) {
		s->hidden = lack > 0 ? lack : 0;
		lacks_no_more(s);
		return 0;
	}
	return is_proven(o, lack) ? take_hidden(o, lack, whole_out, err) : 0;
}

/* What slides out of a window that the user told of may be told as gone. */
static int
keep_vanished(struct observe *o, struct err *err)
{
	const struct conf_account *c = o->pass.run->conf;
	const struct index_range dated = {
		.folder = o->pass.folder->row.id, .first = 1, .last = UID_LAST,
		.dated = c->window_days > 0, .before = clock_wall() -
		    ((int64_t)c->window_days - 1) * DAY,
	};
	struct uidset there = { 0 }, older = { 0 };
	uint32_t uid = 0;
	int rc = index_present(o->pass.run->ix, &dated, &there, err);

	if (dated.dated) {
		uidset_join(&older, &there);
		uidset_less(&there, &o->vanished);
		uidset_less(&older, &there);
	} else if (o->exists == c->window) {
		uidset_less(&there, &o->sight.out);
		while (uidset_next(&there, &uid) &&
		    uidset_has(&o->vanished, uid))
			uidset_add(&older, uid);
	}
	uidset_join(&o->sight.out, &older);
	uidset_release(&there);
	uidset_release(&older);
	return rc;
}

int
sight_judge(struct observe *o, struct err *err)
{
	struct uidset oldest = { 0 }, dated = { 0 };
	int rc = 0;

	if (shown(o) == NULL)
		return has_key(o) && !uidset_empty(&o->vanished) ?
		    keep_vanished(o, err) : 0;
	if (o->found_hidden)
		return 0;
	see_again(o);
	if (missing_oldest(o, &oldest, err) == -1 ||
	    missing_dated(o, &dated, err) == -1)
		rc = -1;
	uidset_join(&o->sight.out, &dated);
	uidset_less(&oldest, &dated);
	take_verdict(o, judge_missing(o, &oldest), &oldest);
	uidset_release(&oldest);
	uidset_release(&dated);
	return rc;
}

/* How many the server shows does not change with their UIDs. */
int
sight_forget(struct observe *o, struct err *err)
{
	const struct sight *was = &o->pass.folder->sight;
	const int64_t size = uidset_empty(&was->out) ? 0 : was->size;

	sight_release(&o->sight);
	o->sight.known = true;
	o->sight.size = size;
	if (sight_store(o->pass.run, o->pass.folder, &o->sight, err) == -1)
		return -1;
	sight_copy(&o->pass.folder->sight, &o->sight);
	return 0;
}

bool
sight_wants_list(const struct observe *o)
{
	return shown(o) == NULL && !uidset_empty(&o->sight.waits) &&
	    o->exists != o->pass.folder->row.exists;
}

void
sight_keeps(const struct observe *o, struct uidset *out)
{
	uidset_join(out, &o->sight.out);
	uidset_join(out, &o->sight.waits);
}

int
sight_count(struct observe *o, int64_t *out, struct err *err)
{
	struct uidset all = { 0 };
	uint64_t unseen;
	int rc;

	sight_keeps(o, &all);
	rc = index_count_present(o->pass.run->ix, o->pass.folder->row.id, &all,
	    &unseen, err);
	uidset_release(&all);
	*out = o->sight.hidden - (int64_t)unseen;
	return rc;
}

/*
 * The folder is looked at as if for the first time, and files are there. The
 * server may have more of them than it shows.
 */
int
sight_hold_files(struct observe *o, struct err *err)
{
	const struct conf_account *c = o->pass.run->conf;
	struct index *ix = o->pass.run->ix;
	bool cut = window_is_usual(o->exists) ||
	    (o->sight.size > 0 && o->sight.size == (int64_t)o->exists) ||
	    (has_key(o) && c->window > 0 && o->exists == c->window);
	int64_t before = 0;

	if (has_key(o) && c->window_days > 0) {
		cut = true;
		before = clock_wall() - ((int64_t)c->window_days - 1) * DAY;
	} else if (cut && index_oldest_date(ix, o->pass.folder->row.id, &cut,
	    &before, err) == -1) {
		return -1;
	}
	if (!cut || o->pass.folder->is_trash || o->pass.run->opt.adopt)
		return 0;
	o->sight.before = before;
	return index_newest_place(ix, &o->sight.upto, err);
}
