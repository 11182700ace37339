/* Which of a server's hints can be believed. */
#include "core/learned.h"

#include "imap/open.h"
#include "index/fact.h"

#define WRONG_LEAST	3	/* of a hundred, or of the newest 16 */
#define WRONG_MOST	100
#define UPLOADS_PROVE	16	/* UIDs that were told: those are believed that
				   come then */
#define GUID	"x-guid"
#define FRESH	(30 * 86400)	/* seconds that the server is not tried anew */
#define ANEW	"anew"
#define ANEW_NEXT	"anew-uidnext"
#define RIGHT_FOR_WRONG	33	/* bodies of the right length that make up for
				   one of another */

/* --- the server itself --- */

static int
load_server(struct run *run, struct err *err)
{
	struct server_facts *s = &run->learned.server;
	int64_t identity, way, once, off;

	if (index_fact_get_fresh(run->ix, "server", FRESH, &identity, err) ==
	    -1 ||
	    index_fact_get_fresh(run->ix, "login", FRESH, &way, err) == -1 ||
	    index_fact_get_fresh(run->ix, "in-vain", FRESH, &once, err) ==
	    -1 ||
	    index_fact_get_fresh(run->ix, "in-vain-twice", FRESH, &off, err) ==
	    -1)
		return -1;
	*s = (struct server_facts){ .identity = (uint64_t)identity };
	if (way > 0 && way < MECH_END)
		s->way = (unsigned)way;
	if (identity != 0) {
		s->caps_once = (unsigned)once;
		s->caps_off = (unsigned)off;
	}
	return 0;
}

/* What is as it was is not written: then it keeps its age, and is looked at
 * anew one day. */
static int
note_fact(struct run *run, const char *name, uint64_t before, uint64_t now,
    struct err *err)
{
	return before == now ? 0 : index_fact_set(run->ix, 0, name,
	    (int64_t)now, err);
}

int
learn_server(struct run *run, struct err *err)
{
	const struct server_facts *met = &run->met;
	struct server_facts was = run->learned.server, now = was;

	if (met->identity == 0 || run->opt.dry_run)
		return 0;
	now.identity = met->identity;
	if (met->way != 0)
		now.way = met->way;
	if (now.identity != was.identity)
		now.caps_once = now.caps_off = 0;
	now.caps_off |= now.caps_once & met->caps_once;
	now.caps_once |= met->caps_once;
	if (note_fact(run, "server", was.identity, now.identity, err) == -1 ||
	    note_fact(run, "login", was.way, now.way, err) == -1 ||
	    note_fact(run, "in-vain", was.caps_once, now.caps_once, err) ==
	    -1 ||
	    note_fact(run, "in-vain-twice", was.caps_off, now.caps_off, err) ==
	    -1)
		return -1;
	run->learned.server = now;
	return 0;
}

/* --- whether messages have an X-GUID --- */

/* Whatever it says of itself today: of a cluster each may say something
 * else. */
bool
learned_has_guid(const struct run *run)
{
	return run->learned.guid == GUID_KNOWN;
}

bool
learned_guid_is_asked(const struct run *run)
{
	return run->learned.guid != GUID_UNASKED;
}

int
learn_guid(struct run *run, bool guid, struct err *err)
{
	int64_t now = guid ? GUID_KNOWN : GUID_NONE;
	int rc;

	run->learned.guid = now;
	if (run->opt.dry_run)
		return 0;
	rc = index_begin_seen(run->ix, err);
	if (rc == 0)
		rc = index_fact_set(run->ix, 0, GUID, now, err);
	return index_end(run->ix, rc, err);
}

/* --- all of it --- */

int
learned_load(struct run *run, struct err *err)
{
	struct learned *l = &run->learned;
	int64_t wrong, sizes, dates, right, other, rewrites;

	if (index_fact_get(run->ix, 0, "sizes-wrong", &wrong, err) == -1 ||
	    index_fact_get(run->ix, 0, "sizes-vary", &sizes, err) == -1 ||
	    index_fact_get(run->ix, 0, "dates-vary", &dates, err) == -1 ||
	    index_fact_get(run->ix, 0, "uploads-right", &right, err) == -1 ||
	    index_fact_get(run->ix, 0, "uploads-wrong", &other, err) == -1 ||
	    index_fact_get(run->ix, 0, "rewrites", &rewrites, err) == -1 ||
	    index_fact_get_fresh(run->ix, GUID, FRESH, &l->guid, err) == -1)
		return -1;
	l->sizes_wrong = wrong < 0 || wrong > WRONG_MOST ? WRONG_MOST :
	    (unsigned)wrong;
	l->sizes_inexact = l->sizes_wrong >= WRONG_LEAST;
	l->sizes_vary = sizes != 0;
	l->dates_vary = dates != 0;
	l->uploads_right = right < 0 || right > UPLOADS_PROVE ? UPLOADS_PROVE :
	    (unsigned)right;
	l->uploads_wrong = other != 0;
	l->rewrites = rewrites != 0;
	return load_server(run, err);
}

/* --- its hints --- */

int
learn_sizes(struct run *run, uint64_t got, uint64_t wrong, struct err *err)
{
	struct learned *l = &run->learned;
	uint64_t now = l->sizes_wrong + wrong;
	uint64_t less = (got - wrong) / RIGHT_FOR_WRONG;

	now = now > less ? now - less : 0;
	if (now > WRONG_MOST)
		now = WRONG_MOST;
	if (now == l->sizes_wrong)
		return 0;
	l->sizes_wrong = (unsigned)now;
	l->sizes_inexact = now >= WRONG_LEAST || l->sizes_quirk;
	return index_fact_set(run->ix, 0, "sizes-wrong", (int64_t)now, err);
}

int
learn_probes(struct run *run, size_t sizes, size_t dates, struct err *err)
{
	struct learned *l = &run->learned;
	const bool vary[2] = {
		sizes >= WRONG_LEAST, dates >= WRONG_LEAST
	};
	int rc;

	if ((!vary[0] && !vary[1]) || run->opt.dry_run)
		return 0;
	rc = index_begin(run->ix, err);
	if (rc == 0 && vary[0])
		rc = index_fact_set(run->ix, 0, "sizes-vary", 1, err);
	if (rc == 0 && vary[1])
		rc = index_fact_set(run->ix, 0, "dates-vary", 1, err);
	if (index_end(run->ix, rc, err) == -1)
		return -1;
	l->sizes_vary |= vary[0];
	l->dates_vary |= vary[1];
	return 0;
}

bool
learned_uploads_right(const struct learned *l)
{
	return !l->uploads_wrong && l->uploads_right == UPLOADS_PROVE;
}

int
learned_uploads_ask(const struct learned *l, int max)
{
	return l->uploads_wrong || learned_uploads_right(l) ? max :
	    UPLOADS_PROVE;
}

int
learn_rewrites(struct run *run, struct err *err)
{
	if (run->learned.rewrites)
		return 0;
	run->learned.rewrites = true;
	return index_fact_set(run->ix, 0, "rewrites", 1, err);
}

/* The size of an upload that has its header is an estimate, if sizes are. */
int
learn_upload(struct run *run, enum upload_is is, bool same_head,
    struct err *err)
{
	struct learned *l = &run->learned;

	if (is == UPLOAD_ANOTHER) {
		if (l->uploads_wrong)
			return 0;
		l->uploads_wrong = true;
		return index_fact_set(run->ix, 0, "uploads-wrong", 1, err);
	}
	if (is == UPLOAD_REWRITTEN && !(same_head && l->sizes_inexact) &&
	    learn_rewrites(run, err) == -1)
		return -1;
	if (l->uploads_right == UPLOADS_PROVE)
		return 0;
	return index_fact_set(run->ix, 0, "uploads-right", ++l->uploads_right,
	    err);
}

/* --- a folder that is looked at anew --- */

int
learn_anew(struct run *run, const struct folder *f, struct err *err)
{
	int64_t newest;

	return index_newest_place(run->ix, &newest, err) == -1 ||
	    index_fact_set(run->ix, f->row.id, ANEW, newest, err) == -1 ? -1 :
	    index_fact_set(run->ix, f->row.id, ANEW_NEXT, 0, err);
}

int
learn_listed(struct run *run, const struct folder *f, struct err *err)
{
	return index_fact_set(run->ix, f->row.id, ANEW_NEXT, f->row.uidnext,
	    err);
}

int
learned_listed(struct run *run, const struct folder *f, int64_t *uidnext_out,
    struct err *err)
{
	return index_fact_get(run->ix, f->row.id, ANEW_NEXT, uidnext_out, err);
}

int
learned_anew(struct run *run, const struct folder *f, int64_t *place_out,
    struct err *err)
{
	return index_fact_get(run->ix, f->row.id, ANEW, place_out, err);
}

bool
learned_is_same(const struct learned *l, const struct place *p,
    const struct imap_fetch *f, struct removed_how *out)
{
	bool size = f->has_size && p->size != 0 && !l->sizes_vary;
	bool date = f->has_date && p->has_date && !l->dates_vary;
	bool same = (size || date) && (!size || p->size == f->size) &&
	    (!date || p->date == f->date);

	*out = (struct removed_how){ .size = same && size,
	    .date = same && date };
	return same;
}
