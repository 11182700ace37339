/*
 * The server at its worst while something is removed: a command of the run is
 * refused once, is answered twice, or comes when another client has just
 * removed what it is about. The run may end as it likes; the clean one behind
 * it comes to what the rules say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define FOUR \
	"server add INBOX a S\nserver add INBOX b\nserver add INBOX c FS\n" \
	"server add INBOX d ,Junk\nserver add Work e S\nserver add Work f\n"
#define REST "INBOX: b d(,Junk)\n"
#define NO_MOVE "IMAP4rev1 ENABLE CONDSTORE UIDPLUS ESEARCH NAMESPACE"

static void
has_trash(struct world *w)
{
	w->conf.trash = xstrdup("Trash");
}

static void
expunges(struct world *w)
{
	w->conf.expunge = true;
}

#define REMOVED(server_caps) { \
	.what = "removed, " server_caps, .caps = server_caps, .before = FOUR, \
	.change = "disk remove INBOX a\nserver remove INBOX c\n", \
	.both = REST "Work: e(S) f\n" }
#define MARKED(server_caps) { \
	.what = "marked, " server_caps, .caps = server_caps, .before = FOUR, \
	.prepare = expunges, \
	.change = "disk flag INBOX a ST\nserver flag INBOX c FST\n", \
	.both = REST "Work: e(S) f\n" }
#define TRASHED(server_caps) { \
	.what = "to the trash, " server_caps, .caps = server_caps, \
	.prepare = has_trash, .before = FOUR "server make Trash\n", \
	.change = "disk remove INBOX a\ndisk remove INBOX c\n", \
	.both = REST "Trash: a(S) c(FS)\nWork: e(S) f\n" }
#define DELETED(side, server_caps) { \
	.what = "a folder deleted by the " side ", " server_caps, \
	.caps = server_caps, .before = FOUR, \
	.change = side " delete Work\nserver remove INBOX a\n" \
	    "server remove INBOX c\n", \
	.both = REST }
#define RENAMED(side, server_caps) { \
	.what = "a folder renamed by the " side ", " server_caps, \
	.caps = server_caps, .before = FOUR, \
	.change = side " rename Work Job\nserver remove INBOX a\n" \
	    "server remove INBOX c\n", \
	.both = REST "Job: e(S) f\n" }

static const struct flow flows[] = {
	REMOVED(IMAPD_FULL), REMOVED(NO_MOVE), REMOVED(IMAPD_PLAIN),
	MARKED(IMAPD_FULL), MARKED(IMAPD_PLAIN),
	TRASHED(IMAPD_FULL), TRASHED(NO_MOVE), TRASHED(IMAPD_PLAIN),
	DELETED("disk", IMAPD_FULL), DELETED("disk", IMAPD_PLAIN),
	DELETED("server", IMAPD_FULL), RENAMED("disk", IMAPD_FULL),
	RENAMED("server", IMAPD_PLAIN),
};

static struct world *
begin(const struct flow *f)
{
	struct world *w = world_new(f->caps);

	if (f->prepare != NULL)
		f->prepare(w);
	world_do(w, f->before);
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, f->change);
	return w;
}

static const struct {
	const char *what, *text;
	enum imapd_action action;
} ways[] = {
	{ "refused", "not now", IMAPD_NO },
	{ "taken for nonsense", "what?", IMAPD_BAD },
	{ "answered twice", "and once more", IMAPD_TWICE },
	{ "never answered", NULL, IMAPD_SILENT },
};

static unsigned
commands_of(const struct flow *f)
{
	struct world *w = begin(f);
	int n;

	world_sync(w, NULL, NULL);
	n = w->d->commands;
	world_free(w);
	return (unsigned)n;
}

static void
disturb(struct world *w, const struct imapd_rule *what, unsigned at)
{
	struct imapd_rule *r = imapd_add_rule(w->d, "*", what->action,
	    what->text);

	r->call = what->call;
	r->arg = w;
	r->skip = at;
	r->times = 1;
	world_sync(w, NULL, NULL);
	assert_int_equal(w->d->rule[0].acted, 1);
}

/* What is found out late waits for one more run. */
static void
end(struct world *w, const char *both)
{
	imapd_count(w->d);
	world_sync(w, NULL, NULL);
	imapd_count(w->d);
	world_sync_well(w);
	world_is_in_sync(w, both);
	world_is(w, "the items", world_items(w), "");
	world_is_idle(w, 0);
	world_free(w);
}

static void
each_command(const struct flow *f, const char *how,
    const struct imapd_rule *what, const char *both)
{
	unsigned at, all = commands_of(f);

	for (unsigned i = 0; flow_point(i, all, &at); i++) {
		struct world *w = begin(f);

		snprintf(world_way, sizeof(world_way), "%s, %s %u: ", f->what,
		    how, at);
		disturb(w, what, at);
		end(w, both);
	}
	world_way[0] = '\0';
}

/* Of every step-th flow. */
static void
each_way(enum imapd_action action, size_t step)
{
	for (size_t i = 0; i < ARRAY_SIZE(flows); i += step)
		for (size_t k = 0; k < ARRAY_SIZE(ways); k++)
			if (ways[k].action == action)
				each_command(&flows[i], ways[k].what,
				    &(struct imapd_rule){ .action = action,
				    .text = ways[k].text }, flows[i].both);
}

static void
each_is_refused(void **state)
{
	(void)state;
	each_way(IMAPD_NO, 1);
}

static void
each_is_nonsense(void **state)
{
	(void)state;
	each_way(IMAPD_BAD, 2);
}

static void
each_is_answered_twice(void **state)
{
	(void)state;
	each_way(IMAPD_TWICE, 3);
}

static void
each_is_not_answered(void **state)
{
	(void)state;
	each_way(IMAPD_SILENT, 3);
}

/* --- other clients --- */

/* One that stays for us, one that we may be removing, and a new one. */
static void
others_expunge(struct imapd *d, void *arg)
{
	struct world *w = arg;
	struct imapd_box *b = imapd_find_box(d, "INBOX");

	(void)w;
	imapd_expunge(b, 2);
	if (imapd_find(b, 1) != NULL)
		imapd_expunge(b, 1);
	world_do(w, "server add INBOX g S\n");
}

static void
others_at_each_command(void **state)
{
	static const struct flow removed[] = {
		REMOVED(IMAPD_FULL), REMOVED(NO_MOVE), REMOVED(IMAPD_PLAIN),
		MARKED(IMAPD_FULL), MARKED(IMAPD_PLAIN),
	};
	const struct imapd_rule rule = { .action = IMAPD_CALL,
	    .call = others_expunge };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(removed); i++)
		each_command(&removed[i], "others at", &rule,
		    "INBOX: d(,Junk) g(S)\nWork: e(S) f\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_refused),
		cmocka_unit_test(each_is_nonsense),
		cmocka_unit_test(each_is_answered_twice),
		cmocka_unit_test(each_is_not_answered),
		cmocka_unit_test(others_at_each_command),
	};

	return FLOW_MAIN(tests);
}
