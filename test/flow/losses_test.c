/*
 * Servers that end connections for several reasons at once, drawn by a seed.
 * Whatever the runs came to meanwhile, when the server is well again both sides
 * come to what the rules say: nothing is lost, doubled or stuck.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define SEEDS	25

static const char *const folders[] = { "INBOX", "Work", "Zzz" };
static unsigned long long state;

static unsigned
draw(unsigned n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(state >> 33) % n;
}

static const char *
draw_folder(void)
{
	return folders[draw(3)];
}

/* --- the mail --- */

#define BEFORE(f) \
	"server add " f " " f "1 S\nserver add " f " " f "2 S\n" \
	"server add " f " " f "3 S\nserver add " f " " f "4 S\n" \
	"server add " f " " f "5 S\nserver add " f " " f "6 S\n"
#define CHANGE(f) \
	"server add " f " " f "7 S\nserver add " f " " f "8 F\n" \
	"disk add " f " " f "p S\ndisk add " f " " f "q S\n" \
	"disk add " f " " f "r FS\n" \
	"disk flag " f " " f "1 FS\nserver flag " f " " f "2 FS\n" \
	"disk remove " f " " f "3\nserver remove " f " " f "4\n"
#define AFTER(f) \
	f ": " f "1(FS) " f "2(FS) " f "5(S) " f "6(S) " f "7(S) " f "8(F) " \
	f "p(S) " f "q(S) " f "r(FS)\n"
#define EACH(what) what("INBOX") what("Work") what("Zzz")

/* --- the server --- */

static char refused[40];
static const char *refused_how;

static const char *
cuts_at_one(struct imapd *d, struct imapd_box *b, const char *data, size_t n)
{
	(void)d;
	(void)b;
	return memmem(data, n, refused, strlen(refused)) != NULL ?
	    refused_how : NULL;
}

static void
poison_body(struct world *w)
{
	const enum imapd_lie lies[] = { IMAPD_KILLS, IMAPD_KILLS_ALL,
	    IMAPD_KILLS_ODD };
	char token[40];
	const char *f = draw_folder();

	snprintf(token, sizeof(token), "%s%u", f, 7 + draw(2));
	world_message(w, f, token)->lie = lies[draw(3)];
}

static void
poison_upload(struct world *w)
{
	snprintf(refused, sizeof(refused), "%s%c@flow", draw_folder(),
	    'p' + (int)draw(3));
	refused_how = draw(2) == 0 ? "cut" : "cut behind";
	w->d->refuse = cuts_at_one;
}

static void
poison_store(struct world *w)
{
	struct imapd_box *b = imapd_find_box(w->d, draw_folder());

	b->cuts_store = draw(2) == 0 ? 1 : 3;
	b->cuts_first = draw(2) == 0;
}

static void
poison_command(struct world *w)
{
	static const char *const commands[] = {
		"SELECT *Work*", "*EXPUNGE*", "UID STORE *", "UID FETCH *",
		"UID FETCH *BODY*", "UID FETCH *HEADER*", "UID SEARCH *",
		"APPEND *Zzz*", "SELECT *",
	};
	const enum imapd_action acts[] = { IMAPD_CUT, IMAPD_CUT_BEHIND };
	struct imapd_rule *r = imapd_add_rule(w->d, commands[draw(9)],
	    acts[draw(2)], NULL);

	r->skip = draw(4);
	r->times = draw(4);
}

static void
poison(struct world *w)
{
	void (*const kinds[])(struct world *) = { poison_body, poison_upload,
	    poison_store, poison_command };
	unsigned n = 1 + draw(3);

	while (n-- > 0)
		kinds[draw(4)](w);
	if (draw(4) == 0)
		w->d->commands_most = 8 + draw(12);
	w->d->says_bye = draw(2) == 0;
}

static void
heal(struct world *w)
{
	imapd_count(w->d);
	w->d->refuse = NULL;
	w->d->commands_most = 0;
	for (size_t i = 0; i < w->d->n_box; i++) {
		struct imapd_box *b = w->d->box[i];

		b->cuts_store = 0;
		b->cuts_first = false;
		for (size_t k = 0; k < b->n; k++)
			b->msg[k]->lie = IMAPD_TRUE;
	}
}

/* A run that ends with 0 has done it all. */
static void
are_alike(struct world *w)
{
	world_is(w, "the server", world_server(w), EACH(AFTER));
	world_is(w, "the disk", world_disk(w), EACH(AFTER));
}

static void
play(unsigned seed)
{
	static const char *const caps[] = { IMAPD_FULL, IMAPD_PLAIN,
	    IMAPD_CONDSTORE };
	struct world *w;
	unsigned i;

	state = seed;
	snprintf(world_way, sizeof(world_way), "seed %u: ", seed);
	w = world_new(caps[draw(3)]);
	w->conf.connections = 1 + 2 * draw(2);
	world_do(w, EACH(BEFORE));
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, EACH(CHANGE));
	poison(w);
	for (i = 0; i < 3; i++)
		if (world_sync(w, NULL, NULL) == 0)
			are_alike(w);
	heal(w);
	for (i = 0; i < 3; i++)
		if (world_sync(w, &(struct sync_options){ .full = true },
		    NULL) == 0 && i > 0)
			break;
	world_is_in_sync(w, EACH(AFTER));
	world_is_idle(w, 0);
	world_free(w);
	world_way[0] = '\0';
}

static void
drawn(void **st)
{
	const char *only = getenv("LOSS_SEED"), *n = getenv("LOSS_SEEDS");
	unsigned seeds = n != NULL ? (unsigned)atoi(n) : SEEDS;

	(void)st;
	if (only != NULL)
		play((unsigned)atoi(only));
	for (unsigned i = 1; only == NULL && i <= seeds; i++)
		play(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drawn),
	};

	return FLOW_MAIN(tests);
}
