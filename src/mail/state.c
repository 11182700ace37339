/* What is known of one message in one folder, and its three states. */
#include "mail/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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
	p->likely = p->unconfirmed = false;
	state_set(&p->remote, false, 0, "");
	state_set(&p->expected, false, 0, "");
}

bool
file_hint_equal(const struct file_hint *a, const struct file_hint *b)
{
	return a->inode != 0 && a->inode == b->inode && a->size == b->size &&
	    a->mtime == b->mtime;
}
