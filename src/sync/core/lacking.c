/* Learns which flags a folder does not keep. */
#include "core/lacking.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "index/fact.h"
#include "mail/flags.h"

#define FACT	"no-flag "
#define STALE_S	(30 * 86400)
#define TOLD_KEYWORDS	(1u << 8)	/* beside FLAG_* */

static void
lacking_add(struct lacking *l, const char *word)
{
	unsigned flag = flag_from_imap(span_of(word));
	char *all;

	l->flags |= flag;
	if (flag != 0)
		return;
	all = keywords_union(l->keywords != NULL ? l->keywords : "", word);
	free(l->keywords);
	l->keywords = all;
}

static int
take_fact(void *arg, const struct index_fact *fact, struct err *err)
{
	struct run *run = arg;
	struct folder *f = folder_by_id(run, fact->folder);
	int64_t age = clock_wall() - fact->at;

	(void)err;
	if (f == NULL)
		return 0;
	lacking_add(&f->lacking, fact->name);
	f->lacking.stale |= age < 0 || age >= STALE_S;
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
learn(struct run *run, struct folder *f, const char *word, struct err *err)
{
	char *name = xasprintf(FACT "%s", word);
	int rc = index_fact_set(run->ix, f->row.id, name, 1, err);

	if (rc == 0)
		lacking_add(&f->lacking, word);
	free(name);
	if (rc == -1 || flag_from_imap(span_of(word)) == FLAG_SEEN)
		return rc;
	return note_once(run, f, word, err);
}

int
lacking_learn(struct run *run, struct folder *f, unsigned flags,
    const char *keywords, struct err *err)
{
	const char *p = keywords;
	unsigned bit;
	int rc = 0;

	for (bit = 1; (bit & FLAG_ALL) && rc == 0; bit <<= 1)
		if (flags & bit)
			rc = learn(run, f, flag_imap_name(bit), err);
	while (*p != '\0' && rc == 0) {
		size_t n = strcspn(p, " ");
		char *word = xstrndup(p, n);

		rc = learn(run, f, word, err);
		free(word);
		p += n + (p[n] == ' ');
	}
	return rc;
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

int
lacking_forget(struct run *run, struct folder *f, struct err *err)
{
	free(f->lacking.keywords);
	f->lacking = (struct lacking){ .flags = 0 };
	return index_facts_drop(run->ix, f->row.id, FACT, err);
}
