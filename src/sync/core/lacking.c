/* Learns which flags a folder does not keep. */
#include "core/lacking.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "index/fact.h"
#include "mail/flags.h"

#define FACT	"no-flag "	/* in so many runs: */
#define DOUBTED	1
#define LACKING	2
#define STALE_S	(30 * 86400)
#define TOLD_KEYWORDS	(1u << 8)	/* beside FLAG_* */

static const char *
words_of(const char *words)
{
	return words != NULL ? words : "";
}

static void
words_add(char **words, const char *more)
{
	char *all = keywords_union(words_of(*words), more);

	free(*words);
	*words = all;
}

static void
lacking_add(struct lacking *l, const char *word, bool doubtful)
{
	unsigned flag = flag_from_imap(span_of(word));

	*(doubtful ? &l->doubtful : &l->flags) |= flag;
	if (flag == 0)
		words_add(doubtful ? &l->doubtful_words : &l->keywords, word);
}

/* Words of a that b has, too. */
static bool
words_meet(const char *a, const char *b)
{
	char *rest = keywords_less(a, b);
	bool meet = !keywords_equal(rest, a);

	free(rest);
	return meet;
}

static bool
words_within(const char *a, const char *b)
{
	char *rest = keywords_less(a, b);
	bool within = *rest == '\0';

	free(rest);
	return within;
}

static int
take_fact(void *arg, const struct index_fact *fact, struct err *err)
{
	struct run *run = arg;
	struct folder *f = folder_by_id(run, fact->folder);
	const int64_t age = clock_wall() - fact->at;
	const bool stale = age < 0 || age >= STALE_S;
	const bool doubted = fact->value == DOUBTED;

	(void)err;
	if (f == NULL || (doubted && stale))
		return 0;
	/* By an earlier attempt of this very sync. */
	if (doubted && run->past.attempts > 0 &&
	    fact->at >= run->report.begun)
		return 0;
	lacking_add(&f->lacking, fact->name, doubted);
	f->lacking.stale |= stale;
	return 0;
}

int
lacking_load(struct run *run, struct err *err)
{
	const struct index_fact_visit visit = { take_fact, run };

	return index_facts(run->ix, FACT, &visit, err);
}

/* One is enough for all folders: they are all alike. */
static int
note_once(struct run *run, const struct folder *f, const char *word,
    struct err *err)
{
	char *name = xasprintf("told-" FACT "%s", word);
	int64_t told;
	int rc = index_fact_get(run->ix, 0, name, &told, err);

	if (rc == 0 && told == 0) {
		report_note_later(run, xasprintf("%s: the server does not keep "
		    "%s; it stays here", f->row.name, word));
		rc = index_fact_set(run->ix, 0, name, 1, err);
	}
	free(name);
	return rc;
}

static int
put_fact(struct run *run, const struct folder *f, const char *word,
    int64_t value, struct err *err)
{
	char *name = xasprintf(FACT "%s", word);
	int rc = index_fact_set(run->ix, f->row.id, name, value, err);

	free(name);
	return rc;
}

bool
lacking_doubted(const struct folder *f, unsigned flags, const char *keywords)
{
	const struct lacking *l = &f->lacking;

	return !(flags & ~l->doubtful) &&
	    words_within(keywords, words_of(l->doubtful_words));
}

static int
learn(struct run *run, struct folder *f, const char *word, struct err *err)
{
	unsigned flag = flag_from_imap(span_of(word));

	if (!lacking_doubted(f, flag, flag != 0 ? "" : word))
		return put_fact(run, f, word, DOUBTED, err);
	if (put_fact(run, f, word, LACKING, err) == -1)
		return -1;
	lacking_add(&f->lacking, word, false);
	return flag == FLAG_SEEN ? 0 : note_once(run, f, word, err);
}

static int
refute(struct run *run, struct folder *f, const char *word, struct err *err)
{
	unsigned flag = flag_from_imap(span_of(word));

	return lacking_doubted(f, flag, flag != 0 ? "" : word) ?
	    put_fact(run, f, word, 0, err) : 0;
}

static int
doubt(struct run *run, struct folder *f, const char *word, struct err *err)
{
	lacking_add(&f->lacking, word, true);
	return put_fact(run, f, word, DOUBTED, err);
}

/* Of each of them. */
static int
each_word(struct run *run, struct folder *f, const struct state *of,
    int (*fn)(struct run *, struct folder *, const char *, struct err *),
    struct err *err)
{
	const char *p = of->keywords;
	unsigned bit;
	int rc = 0;

	for (bit = 1; (bit & FLAG_ALL) && rc == 0; bit <<= 1)
		if (of->flags & bit)
			rc = fn(run, f, flag_imap_name(bit), err);
	while (*p != '\0' && rc == 0) {
		size_t n = strcspn(p, " ");
		char *word = xstrndup(p, n);

		rc = fn(run, f, word, err);
		free(word);
		p += n + (p[n] == ' ');
	}
	return rc;
}

int
lacking_learn(struct run *run, struct folder *f, const struct state *these,
    struct err *err)
{
	return each_word(run, f, these, learn, err);
}

int
lacking_refute(struct run *run, struct folder *f, const struct state *these,
    struct err *err)
{
	return each_word(run, f, these, refute, err);
}

static int
tell_bit(struct run *run, const struct folder *f, unsigned bit, struct err *err)
{
	if (run->learned.told_flags & bit)
		return 0;
	run->learned.told_flags |= bit;
	return note_once(run, f, bit == TOLD_KEYWORDS ? "keywords" :
	    flag_imap_name(bit), err);
}

int
lacking_tell(struct run *run, const struct folder *f, const struct place *p,
    struct err *err)
{
	unsigned owed = p->base_local.flags ^ p->base_remote.flags, bit;
	int rc = 0;

	if (f->row.read_only || !p->base_local.present)
		return 0;
	owed &= FLAG_ALL & ~(unsigned)FLAG_SEEN & ~f->row.permanent;
	if (!f->row.permanent_any &&
	    !keywords_equal(p->base_local.keywords, p->base_remote.keywords))
		owed |= TOLD_KEYWORDS;
	for (bit = 1; bit <= TOLD_KEYWORDS && rc == 0; bit <<= 1)
		if (owed & bit)
			rc = tell_bit(run, f, bit, err);
	return rc;
}

static bool
has_lacking(const struct lacking *l, unsigned flags, const char *keywords)
{
	return (l->flags & flags) != 0 ||
	    words_meet(words_of(l->keywords), keywords);
}

int
lacking_shown(struct run *run, const struct folder *f,
    const struct index_seen_remote *seen, struct err *err)
{
	const struct lacking *l = &f->lacking;
	const char *words = words_of(seen->keywords);
	struct place p;
	char *new;
	int r;

	if (!seen->has_flags || !has_lacking(l, seen->flags, words))
		return 0;
	r = index_place_by_uid(run->ix, f->row.id, seen->uid, &p, err);
	if (r <= 0)
		return r == 0 ? 1 : -1;
	new = keywords_less(words, p.remote.keywords);
	r = has_lacking(l, seen->flags & ~p.remote.flags, new);
	free(new);
	place_release(&p);
	return r;
}

int
lacking_doubt(struct run *run, struct folder *f, struct err *err)
{
	struct lacking *l = &f->lacking;
	char none[] = "";
	const struct state all = {
		true, l->flags, l->keywords != NULL ? l->keywords : none,
	};
	int rc = each_word(run, f, &all, doubt, err);

	free(l->keywords);
	l->keywords = NULL;
	l->flags = 0;
	l->stale = false;
	return rc;
}
