/* What is known of one message in one folder, and its three states. */
#include "mail/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/flags.h"

/* The words may be the state's own: they are copied before those go. */
void
state_set(struct state *s, bool present, unsigned flags, const char *keywords)
{
	char *copy = xstrdup(keywords == NULL ? "" : keywords);

	free(s->keywords);
	s->present = present;
	s->flags = flags;
	s->keywords = copy;
}

void
place_init(struct place *p)
{
	memset(p, 0, sizeof(*p));
	state_set(&p->base_local, false, 0, "");
	state_set(&p->base_remote, false, 0, "");
	state_set(&p->local, false, 0, "");
	state_set(&p->remote, false, 0, "");
	state_set(&p->expected, false, 0, "");
}

void
place_release(struct place *p)
{
	free(p->unique);
	free(p->file);
	free(p->base_local.keywords);
	free(p->base_remote.keywords);
	free(p->local.keywords);
	free(p->remote.keywords);
	free(p->expected.keywords);
	memset(p, 0, sizeof(*p));
}

bool
place_is_twin(const struct place *p)
{
	return p->unconfirmed && p->uid == 0;
}

void
place_forget_local(struct place *p)
{
	free(p->unique);
	free(p->file);
	p->unique = p->file = NULL;
	p->in_new = p->missing = false;
	p->fetched = FETCHED_NONE;
	p->hint = (struct file_hint){ 0 };
	/* What the server has was only believed to be what the file is. */
	if (p->likely)
		p->content = 0;
	p->likely = false;
	state_set(&p->local, false, 0, "");
}

void
place_forget_remote(struct place *p)
{
	p->uid = 0;
	p->size = 0;
	p->date = 0;
	p->has_date = false;
	p->lineage = 0;
	p->likely = p->unconfirmed = false;
	state_set(&p->remote, false, 0, "");
	state_set(&p->expected, false, 0, "");
}

static void
keywords_take(char **words, char *new)
{
	free(*words);
	*words = new;
}

/* Those of a that are in b, too. */
static char *
keywords_both(const char *a, const char *b)
{
	char *only = keywords_less(a, b);
	char *both = keywords_less(a, only);

	free(only);
	return both;
}

/* What a side was agreed to hold: as before, but for what was asked for. */
struct asked {
	unsigned set, clear;
	char *add, *del;	/* keywords */
};

static void
base_correct(struct state *base, const struct asked *a)
{
	char *kept;

	if (!base->present)
		return;
	kept = keywords_less(base->keywords, a->del);
	base->flags = (base->flags | a->set) & ~a->clear;
	keywords_take(&base->keywords, keywords_union(kept, a->add));
	free(kept);
}

/* As far as the two sides agreed, the base has it already. */
static void
given_is_agreed(struct asked *a)
{
	a->set = 0;
	keywords_take(&a->add, xstrdup(""));
}

/*
 * was: before it was asked. A flag that was asked for and is shown as asked has
 * its new value in the base, any other of them the one that it had.
 */
static void
asked_init(struct asked *a, const struct state *was, const struct state *now,
    const struct state *asked)
{
	const unsigned of = was->flags ^ asked->flags;
	const unsigned done = of & ~(asked->flags ^ now->flags);
	const unsigned value = (asked->flags & done) | (was->flags & ~done);
	char *add = keywords_less(asked->keywords, was->keywords);
	char *del = keywords_less(was->keywords, asked->keywords);
	char *gone = keywords_less(del, now->keywords);
	char *missed = keywords_less(add, now->keywords);
	char *held = keywords_both(add, now->keywords);
	char *still = keywords_both(del, now->keywords);

	a->set = of & value;
	a->clear = of & ~value;
	a->add = keywords_union(held, still);
	a->del = keywords_union(gone, missed);
	free(add);
	free(del);
	free(gone);
	free(missed);
	free(held);
	free(still);
}

void
place_show(struct place *p, unsigned flags, const char *keywords)
{
	char none[] = "";
	const struct state nothing = { true, 0, none };
	const bool given = p->expected.flags == p->remote.flags &&
	    keywords_equal(p->expected.keywords, p->remote.keywords);
	struct state now = { .keywords = NULL };
	struct asked asked;

	state_set(&now, true, flags, keywords);
	if (p->expected.present) {
		asked_init(&asked, given ? &nothing : &p->remote, &now,
		    &p->expected);
		if (given)
			given_is_agreed(&asked);
		base_correct(&p->base_local, &asked);
		base_correct(&p->base_remote, &asked);
		free(asked.add);
		free(asked.del);
	}
	state_set(&p->expected, false, 0, "");
	free(p->remote.keywords);
	p->remote = now;
}

bool
file_hint_equal(const struct file_hint *a, const struct file_hint *b)
{
	return a->inode != 0 && a->inode == b->inode && a->size == b->size &&
	    a->mtime == b->mtime;
}
