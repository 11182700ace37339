/* Tells stories: runs with one server, one after the other. */
#include "story.h"

#include <stdio.h>
#include <string.h>

static void
take_step(struct world *w, const struct step *s)
{
	char exit_is[8], exit_wanted[8];

	world_do(w, s->change);
	if (s->call != NULL)
		s->call(w);
	world_remember(w);
	snprintf(exit_is, sizeof(exit_is), "%d", world_sync(w, NULL, NULL));
	snprintf(exit_wanted, sizeof(exit_wanted), "%d", s->exit);
	world_is(w, "exit", exit_is, exit_wanted);
	if (s->ops != NULL)
		world_is(w, "ops", buf_str(&w->told.ops), s->ops);
	if (s->server != NULL)
		world_is(w, "the server", world_server(w), s->server);
	if (s->disk != NULL)
		world_is(w, "the disk", world_disk(w), s->disk);
	if (s->notes != NULL)
		world_is(w, "notes", buf_str(&w->told.notes), s->notes);
	world_is(w, "items", buf_str(&w->told.items),
	    s->items == NULL ? "" : s->items);
	assert_int_equal(world_asked(w, "APPEND "), s->appends);
	if (s->copies != 0)
		assert_int_equal(world_asked(w, "UID COPY "), s->copies);
}

static void
tell_story(const struct story *s)
{
	struct world *w = world_new(s->caps == NULL ? IMAPD_FULL : s->caps);
	const struct step *last = NULL;

	world_do(w, "server add INBOX a S\n");
	world_sync_well(w);
	imapd_count(w->d);
	w->d->append = s->append;
	w->d->appends_lies = s->lies == 0 ? UINT32_MAX : s->lies;
	w->d->copies = s->copies;
	w->d->copies_lies = w->d->appends_lies;
	if (s->prepare != NULL)
		s->prepare(w);
	for (size_t i = 0; i < ARRAY_SIZE(s->step) &&
	    s->step[i].change != NULL; i++) {
		snprintf(world_way, sizeof(world_way), "%s, run %zu: ",
		    s->what, i + 1);
		last = &s->step[i];
		take_step(w, last);
	}
	if (last->exit == 0)
		world_is_idle(w, 0);
	world_way[0] = '\0';
	world_free(w);
}

void
story_tell_all(const struct story *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tell_story(&s[i]);
}
