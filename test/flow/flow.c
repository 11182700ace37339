/* Runs of an account, and what they tell (flow.h). */
#include "flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/run.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "loop/timer.h"

/* Drives one account through its runs: a root task beside it. */
struct driver {
	struct task task;
	struct world *w;
	struct account *account;
	const struct act *act;
	size_t n, at;
	struct timer timer;	/* fires when nothing else can happen */
};

static struct driver *running;

struct account *
world_account(void)
{
	return running->account;
}

/* --- what is told --- */

/* What came about during the run is looked for. */
static const char *
token_of_done(struct world *w, const struct sync_done *done)
{
	const char *token;

	if (done->uid == 0 && done->unique == NULL)
		return NULL;
	token = world_token(w, done->folder, done->uid, done->unique);
	if (token != NULL)
		return token;
	world_remember(w);
	token = world_token(w, done->folder, done->uid, done->unique);
	return token == NULL ? "#" : token;
}

static void
on_done(void *arg, const char *account, const struct sync_done *done)
{
	struct world *w = arg;
	const char *token;

	(void)account;
	token = token_of_done(w, done);
	buf_addf(&w->told.ops, "%s %s%s%s%s%s\n", sync_op_name(done->op),
	    done->folder, token == NULL ? "" : " ", token == NULL ? "" : token,
	    *done->detail == '\0' ? "" : " ", done->detail);
}

static void
on_note(void *arg, const char *account, const char *sentence)
{
	(void)account;
	buf_addf(&((struct world *)arg)->told.notes, "%s\n", sentence);
}

static void
on_item(void *arg, const char *account, const struct sync_item *item)
{
	struct world *w = arg;

	(void)account;
	if (item->more > 0)
		buf_addf(&w->told.items, "and %llu more\n",
		    (unsigned long long)item->more);
	else
		buf_addf(&w->told.items, "%s\n", item->text);
}

/* The root's path changes from test to test. */
static void
hide_path(struct world *w, struct buf *b)
{
	char *text = xstrdup(buf_str(b)), *at, *from = text;

	buf_clear(b);
	while ((at = strstr(from, w->dir)) != NULL) {
		buf_addf(b, "%.*sDIR", (int)(at - from), from);
		from = at + strlen(w->dir);
	}
	buf_add_str(b, from);
	free(text);
}

static int
compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
sort_lines(struct buf *b)
{
	char *text = xstrdup(buf_str(b)), **line = NULL, *save = NULL;
	size_t n = 0, cap = 0;

	for (char *p = strtok_r(text, "\n", &save); p != NULL;
	    p = strtok_r(NULL, "\n", &save))
		*VEC_ADD(line, n, cap) = p;
	if (n > 0)
		qsort(line, n, sizeof(*line), compare_lines);
	buf_clear(b);
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "%s\n", line[i]);
	free(line);
	free(text);
}

static void
begin_run(struct world *w, struct account *a, const struct sync_options *opt,
    struct task *waiter)
{
	const struct sync_callbacks cb = {
		.arg = w, .done = on_done, .note = on_note, .item = on_item,
	};

	buf_clear(&w->told.ops);
	buf_clear(&w->told.notes);
	buf_clear(&w->told.items);
	w->told.result = (struct sync_result){ .exit = -1 };
	world_remember(w);
	sync_run(a, opt, &cb, waiter);
}

static void
end_run(struct world *w, const struct account *a)
{
	w->told.result = *sync_result(a);
	sort_lines(&w->told.ops);
	sort_lines(&w->told.items);
	hide_path(w, &w->told.notes);
	hide_path(w, &w->told.items);
}

/* --- the driver --- */

static enum task_result drive_next(struct task *);
static enum task_result drive_settled(struct task *);

static void
check(struct world *w, const char *what, const char *seen, const char *wanted)
{
	if (wanted != NULL)
		world_is(w, what, seen, wanted);
}

static void
check_act(struct world *w, const struct act *a)
{
	if (a->what == NULL)	/* world_sync's */
		return;
	if (w->told.result.exit != a->exit)
		fail_msg("%s%s: exit %d, wanted %d: %s\n%sthe server was "
		    "told\n%s", world_way, a->what, w->told.result.exit,
		    a->exit, w->told.result.err.msg,
		    buf_str(&w->told.items), buf_str(&w->d->log));
	if (w->d->logins != a->logins && !(a->may_log_in_anew &&
	    w->d->logins == a->logins + 1))
		fail_msg("%s%s: %u logins", world_way, a->what,
		    w->d->logins);
	check(w, a->what, buf_str(&w->told.ops), a->ops);
	check(w, a->what, buf_str(&w->told.notes), a->notes);
	check(w, a->what, buf_str(&w->told.items), a->items);
	if (a->both != NULL)
		world_is_in_sync(w, a->both);
	if (a->after != NULL)
		a->after(w);
}

static enum task_result
drive_ran(struct task *t)
{
	struct driver *v = (struct driver *)t;

	if (v->account->run != NULL)
		return task_wait(t, drive_ran);
	end_run(v->w, v->account);
	check_act(v->w, &v->act[v->at++]);
	return task_next(t, drive_next);
}

static enum task_result
drive_next(struct task *t)
{
	struct driver *v = (struct driver *)t;
	const struct act *a = &v->act[v->at];

	if (v->at == v->n) {
		sync_close(v->account);
		return TASK_DONE;
	}
	if (v->n > 1)		/* else the caller counts */
		imapd_count(v->w->d);
	world_do(v->w, a->change);
	if (a->call != NULL)
		a->call(v->w);
	if (a->settle)
		timer_start(&v->timer, t, 1);
	return task_next(t, drive_settled);
}

static enum task_result
drive_settled(struct task *t)
{
	struct driver *v = (struct driver *)t;
	const struct act *a = &v->act[v->at];

	if (a->settle && !v->timer.fired)
		return task_wait(t, drive_settled);
	begin_run(v->w, v->account, &a->opt, t);
	return task_wait(t, drive_ran);
}

static void
drive_finish(struct task *t)
{
	struct driver *v = (struct driver *)t;

	timer_stop(&v->timer);
	if (t->result == TASK_FAIL)	/* by a signal */
		sync_close(v->account);
}

void
world_session(struct world *w, const struct sched_plan *plan,
    const struct act *act, size_t n)
{
	struct loop *loop = loop_new();
	struct driver v = { .w = w, .act = act, .n = n };

	sched_start(loop, plan != NULL ? plan : &(struct sched_plan){
	    .seed = 0 });
	w->conf.port = (uint16_t)imapd_listen(w->d, loop);
	v.account = sync_open(loop, &w->conf, w->state);
	running = &v;
	v.task.finish = drive_finish;
	task_start(&v.task, loop, NULL, "driver", drive_next);
	loop_run(loop);
	if (v.at < n)		/* what the signal left of it */
		end_run(w, v.account);
	running = NULL;
	imapd_close(w->d);
	sched_stop();
	sync_free(v.account);
	loop_free(loop);
}

int
world_sync(struct world *w, const struct sync_options *opt,
    const struct sched_plan *plan)
{
	struct act act = { .what = NULL };

	if (opt != NULL)
		act.opt = *opt;
	world_session(w, plan, &act, 1);
	return w->told.result.exit;
}

void
world_sync_well(struct world *w)
{
	int exit = world_sync(w, NULL, NULL);

	if (exit != 0)
		fail_msg("exit %d: %s\nnotes:\n%sitems:\n%s", exit,
		    w->told.result.err.msg, buf_str(&w->told.notes),
		    buf_str(&w->told.items));
}

void
world_changed_nothing(struct world *w)
{
	static const char *const changes[] = {
		"\nAPPEND ", "\nCREATE ", "\nDELETE ", "\nRENAME ",
		"\nEXPUNGE", "\nUID STORE ", "\nUID EXPUNGE ", "\nUID COPY ",
		"\nUID MOVE ", "\nSUBSCRIBE ",
	};
	char *log = xasprintf("\n%s", buf_str(&w->d->log));

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		if (strstr(log, changes[i]) != NULL)
			fail_msg("the server was told%s", log);
	free(log);
}

unsigned
world_asked(const struct world *w, const char *text)
{
	const char *p = buf_str(&w->d->log);
	unsigned n = 0;

	for (; (p = strstr(p, text)) != NULL; p++)
		n++;
	return n;
}

void
world_is_idle(struct world *w, int exit)
{
	imapd_count(w->d);
	assert_int_equal(world_sync(w, NULL, NULL), exit);
	world_is(w, "a second run", buf_str(&w->told.ops), "");
	world_changed_nothing(w);
}

int
flow_main(const struct CMUnitTest *tests, size_t n)
{
	int failed = _cmocka_run_group_tests("flow", tests, n, NULL, NULL);

	world_free_all();
	flow_tell();
	return failed;
}
