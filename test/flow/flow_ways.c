/* One flow in every way that it can come about (flow.h). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define POINTS	2	/* of each kind, unless FLOW_POINTS says how many */
#define SEEDS	4u
#define LASTS	6u

/* Whose completions come last. */
static const char *const last[LASTS] = {
	"lane index", "lane disk", "lane sync", "lane", "server", "server 1",
};

/* Of all flows: ways that were gone, and those that there are. */
static struct {
	unsigned gone, all;
} ways;

/* What the run in turn was made of. */
struct parts {
	int lines, commands;
	unsigned events;
};

static void
say_way(const struct flow *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say_way(const struct flow *f, const char *fmt, ...)
{
	char way[100];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(way, sizeof(way), fmt, ap);
	va_end(ap);
	snprintf(world_way, sizeof(world_way), "%s, %s: ", f->what, way);
}

/* --- before and after --- */

static struct world *
begin(const struct flow *f)
{
	struct world *w = world_new(f->caps != NULL ? f->caps : IMAPD_FULL);

	ways.gone++;
	if (f->prepare != NULL)
		f->prepare(w);
	world_do(w, f->before);
	if (!(f->not & FLOW_FIRST))
		world_sync_well(w);
	imapd_count(w->d);
	world_do(w, f->change);
	if (f->call != NULL)
		f->call(w);
	return w;
}

static void
compare(struct world *w, const char *what, const char *seen,
    const char *wanted)
{
	if (wanted != NULL)
		world_is(w, what, seen, wanted);
}

static void
sides_are(struct world *w, const struct flow *f)
{
	if (f->both != NULL)
		world_is_in_sync(w, f->both);
	compare(w, "the server", world_server(w), f->server);
	compare(w, "the disk", world_disk(w), f->disk);
	compare(w, "the index", world_index(w), f->index);
	compare(w, "the attic", world_attic(w), f->attic);
}

static void
exit_is(struct world *w, int exit)
{
	if (w->told.result.exit != exit)
		fail_msg("%sexit %d, wanted %d: %s\nnotes:\n%sitems:\n%s",
		    world_way, w->told.result.exit, exit,
		    w->told.result.err.msg, buf_str(&w->told.notes),
		    buf_str(&w->told.items));
}

static void
came_well(struct world *w, const struct flow *f)
{
	exit_is(w, f->exit);
	compare(w, "what was told", buf_str(&w->told.ops), f->ops);
	world_is(w, "the notes", buf_str(&w->told.notes),
	    f->notes == NULL ? "" : f->notes);
	world_is(w, "the items", buf_str(&w->told.items),
	    f->items == NULL ? "" : f->items);
	sides_are(w, f);
}

/* --- in turn, and in other orders --- */

static void
in_turn(const struct flow *f, struct parts *out)
{
	struct world *w = begin(f);

	say_way(f, "in turn");
	world_sync(w, &f->opt, NULL);
	*out = (struct parts){ w->d->lines, w->d->commands, sched_events() };
	came_well(w, f);
	say_way(f, "a second run");
	if (!(f->not & FLOW_NOT_IDLE))
		world_is_idle(w, f->again != 0 ? f->again : f->exit);
	world_free(w);
}

static void
dry(const struct flow *f)
{
	struct world *w = begin(f);
	struct sync_options opt = f->opt;
	char *server = xstrdup(world_server(w)), *disk = xstrdup(world_disk(w));

	say_way(f, "dry");
	opt.dry_run = true;
	world_sync(w, &opt, NULL);
	compare(w, "what was told", buf_str(&w->told.ops), f->ops);
	world_is(w, "the server", world_server(w), server);
	world_is(w, "the disk", world_disk(w), disk);
	world_changed_nothing(w);
	say_way(f, "behind a dry run");
	world_sync(w, &f->opt, NULL);
	came_well(w, f);
	free(server);
	free(disk);
	world_free(w);
}

static void
in_order(const struct flow *f, const struct sched_plan *plan)
{
	struct world *w = begin(f);

	world_sync(w, &f->opt, plan);
	came_well(w, f);
	world_free(w);
}

static void
with_last(const struct flow *f, const char *what)
{
	say_way(f, "%s last", what);
	in_order(f, &(struct sched_plan){ .last = what });
}

static void
by_chance(const struct flow *f, unsigned seed)
{
	say_way(f, "seed %u", seed);
	in_order(f, &(struct sched_plan){ .seed = seed });
}

/* Where one point of each kind is enough, flow after flow has another. */
static void
in_some_order(const struct flow *f)
{
	static unsigned flows;

	with_last(f, last[flows % LASTS]);
	by_chance(f, 1 + flows % SEEDS);
	flows++;
}

static void
in_all_orders(const struct flow *f)
{
	for (unsigned i = 0; i < LASTS; i++)
		with_last(f, last[i]);
	for (unsigned seed = 1; seed <= SEEDS; seed++)
		by_chance(f, seed);
}

/* --- disturbed, and then a clean run --- */

/* What is through may have been through before; a sync that began anew may
 * have found out at its second try what a second run would. */
static void
disturbed_well(struct world *w, const struct flow *f)
{
	int exit = w->told.result.exit;

	if (exit != 75 && exit != f->exit && (f->again == 0 ||
	    exit != f->again))
		exit_is(w, 75);
	imapd_count(w->d);
	if (f->call != NULL)
		f->call(w);
	world_sync(w, &f->opt, NULL);
	if (f->again == 0 || w->told.result.exit != f->again)
		exit_is(w, f->exit);
	sides_are(w, f);
	world_free(w);
}

/* most: 0 is as many as usual. */
static unsigned
points(unsigned most)
{
	const char *n = getenv("FLOW_POINTS");
	unsigned usual = n == NULL ? POINTS : (unsigned)atoi(n);

	return most != 0 && (usual == 0 || most < usual) ? most : usual;
}

static bool
point(unsigned n, unsigned i, unsigned all, unsigned *out)
{
	if (n == 0 || n >= all)
		n = all;
	if (i >= n)
		return false;
	*out = (unsigned)((uint64_t)i * all / n + (all > n ? i % (all / n) :
	    0));
	return true;
}

bool
flow_point(unsigned i, unsigned all, unsigned *out)
{
	return point(points(0), i, all, out);
}

static void
cut_at(const struct flow *f, bool line, unsigned at, bool all)
{
	struct world *w = begin(f);

	say_way(f, "%s cut at %s %u", all ? "all" : "one", line ? "line" :
	    "command", at);
	*(line ? &w->d->cut_line : &w->d->cut_command) = (int)at;
	w->d->cut_all = all;
	world_sync(w, &f->opt, NULL);
	if (!w->d->was_cut)
		fail_msg("%sit was not cut", world_way);
	disturbed_well(w, f);
}

static void
cut_everywhere(const struct flow *f, const struct parts *parts)
{
	unsigned at, n = points(f->points);

	for (unsigned i = 0; point(n, i, (unsigned)parts->lines, &at); i++)
		cut_at(f, true, at, i % 2);
	for (unsigned i = 0; point(n, i, (unsigned)parts->commands, &at); i++)
		cut_at(f, false, at, i % 2);
}

static unsigned stop_at;

static void
stop(void *arg, unsigned n)
{
	(void)arg;
	if (n == stop_at)
		raise(SIGINT);
}

static void
stopped_everywhere(const struct flow *f, const struct parts *parts)
{
	unsigned n = points(f->points);

	for (unsigned i = 0; point(n, i, parts->events, &stop_at); i++) {
		struct world *w = begin(f);

		say_way(f, "stopped at event %u", stop_at);
		world_sync(w, &f->opt, &(struct sched_plan){
		    .before = stop });
		disturbed_well(w, f);
	}
}

static unsigned
capped(unsigned n, unsigned most)
{
	return most != 0 && most < n ? most : n;
}

/* The ways that there are. */
static unsigned
count_ways(const struct flow *f, const struct parts *parts)
{
	unsigned n = 1;

	if (f->not & FLOW_ONCE)
		return n;
	n += (f->not & FLOW_NOT_DRY ? 0 : 1u) + LASTS + SEEDS;
	if (f->not & FLOW_NOT_CUT)
		return n;
	return n + capped((unsigned)parts->lines, f->points) +
	    capped((unsigned)parts->commands, f->points) +
	    capped(parts->events, f->points);
}

void
flow_check(const struct flow *f)
{
	struct parts parts;

	in_turn(f, &parts);
	ways.all += count_ways(f, &parts);
	if (!(f->not & FLOW_ONCE)) {
		if (!(f->not & FLOW_NOT_DRY))
			dry(f);
		if (points(0) == 1)
			in_some_order(f);
		else
			in_all_orders(f);
		if (!(f->not & FLOW_NOT_CUT)) {
			cut_everywhere(f, &parts);
			stopped_everywhere(f, &parts);
		}
	}
	world_way[0] = '\0';
}

void
flow_tell(void)
{
	if (ways.all > 0)
		print_message("ways=%u of=%u\n", ways.gone, ways.all);
}

void
flow_check_all(const struct flow *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		flow_check(&f[i]);
}
