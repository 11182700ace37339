/*
 * mailtern sync: the accounts that were named run side by side on one loop, as
 * far as descriptors reach, the others in their turn. What they say goes out
 * while they run, the summaries at the end.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "internal.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "ui/progress.h"
#include "ui/summary.h"

/* All runs of this command. */
struct runs {
	struct cmd *cmd;
	struct progress *progress;
	struct run *run;
	size_t n;
	size_t at_work, at_once;
};

/* Descriptors: those of the process, and what an account opens with the few
 * connections that it takes by itself. */
#define FILES_OF_ALL	40
#define FILES_OF_ONE	16

/* One account. */
struct run {
	struct task task;
	struct runs *all;
	const struct target *target;
	struct account *sync;
	struct notes notes;
	uint64_t ops;		/* told through done */
};

static void
on_sync_done(void *arg, const char *account, const struct sync_done *done)
{
	struct run *run = arg;
	struct cmd *cmd = run->all->cmd;
	char *line;

	run->ops++;
	op_report_event(&cmd->report, account, done, cmd->dry_run);
	if (cmd->verbose == 0 && !cmd->dry_run)
		return;
	line = op_format(account, done);
	report_line(&cmd->report, "%s", line);
	free(line);
}

static void
on_sync_note(void *arg, const char *account, const char *sentence)
{
	struct run *run = arg;

	notes_tell(&run->notes, &run->all->cmd->report, account, sentence);
}

static void
on_sync_item(void *arg, const char *account, const struct sync_item *item)
{
	struct run *run = arg;

	item_tell(&run->notes, &run->all->cmd->report, account, item, false);
}

static void
on_sync_progress(void *arg, const char *account, const char *what,
    uint64_t done, uint64_t total)
{
	struct run *run = arg;

	progress_update(run->all->progress, account, what, done, total);
}

static void
start(struct run *run)
{
	const struct cmd *cmd = run->all->cmd;
	struct sync_options opt = {
		.dry_run = cmd->dry_run,
		.full = cmd->full,
		.adopt = cmd->adopt,
		.force_deletes = cmd->force_deletes,
		.undo_deletes = cmd->undo_deletes,
		.quiet = cmd->report.quiet && !cmd->report.json,
		.glob = run->target->glob,
		.n_glob = target_globs(run->target),
	};
	struct sync_callbacks cb = {
		.arg = run,
		.done = on_sync_done,
		.note = on_sync_note,
		.item = on_sync_item,
		.progress = on_sync_progress,
	};

	run->sync = sync_open(run->task.loop, run->target->account, NULL);
	sync_run(run->sync, &opt, &cb, &run->task);
	sync_close(run->sync);
}

static enum task_result
run_wait(struct task *t)
{
	struct run *run = (struct run *)t;
	struct runs *all = run->all;
	size_t i;

	if (sync_is_running(run->sync))
		return task_wait(t, run_wait);
	all->at_work--;
	for (i = 0; i < all->n; i++)
		if (all->run[i].sync == NULL)
			task_wake(&all->run[i].task);
	return TASK_DONE;
}

/* Its turn comes when so few are at work. */
static enum task_result
run_begin(struct task *t)
{
	struct run *run = (struct run *)t;

	if (run->all->at_work >= run->all->at_once)
		return task_wait(t, run_begin);
	run->all->at_work++;
	start(run);
	return task_wait(t, run_wait);
}

static size_t
accounts_at_once(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur < FILES_OF_ALL + FILES_OF_ONE)
		return 1;
	return (size_t)(limit.rlim_cur - FILES_OF_ALL) / FILES_OF_ONE;
}

static struct summary_side
summary_side_of(const struct sync_side *side)
{
	return (struct summary_side){
		.new = side->new,
		.flags = side->flags,
		.deleted = side->deleted,
		.moved = side->moved,
		.copied = side->copied,
		.folders = side->folders,
	};
}

static void
summarise(struct report *r, const char *account,
    const struct sync_result *result)
{
	struct summary s = {
		.account = account,
		.pulled = summary_side_of(&result->pulled),
		.pushed = summary_side_of(&result->pushed),
		.pending = result->pending,
		.held = result->held,
		.round_trips = result->round_trips,
		.bytes_in = result->bytes_in,
		.bytes_out = result->bytes_out,
		.fsyncs = result->fsyncs,
		.seconds = result->seconds,
		.exit = result->exit,
	};

	report_summary(r, &s);
}

/* With -q all that is left was named before: no mail from cron. */
static bool
says_nothing(const struct run *run, const struct sync_result *result)
{
	const struct report *r = &run->all->cmd->report;

	return r->quiet && !r->json && run->notes.n == 0 &&
	    (result->err_is_item || (result->exit == 1 &&
	    result->err.kind == ERR_NONE));
}

static void
finish_summary(struct run *run, const struct sync_result *result)
{
	const char *account = run->target->account->name;
	struct cmd *cmd = run->all->cmd;

	if (!cmd->dry_run || cmd->report.json)
		summarise(&cmd->report, account, result);
	else if (result->err.kind == ERR_NONE)
		report_line(&cmd->report, "%s: %llu operation%s to do; this "
		    "was a dry run", account, (unsigned long long)run->ops,
		    run->ops == 1 ? "" : "s");
}

/* Its exit status. */
static int
finish(struct run *run)
{
	/* A signal came before its turn. */
	static const struct sync_result never = { .exit = 75,
	    .err = { .kind = ERR_CANCELED, .msg = "stopped" } };
	const struct sync_result *result = run->sync != NULL ?
	    sync_result(run->sync) : &never;
	const char *account = run->target->account->name;
	struct cmd *cmd = run->all->cmd;
	bool silent = says_nothing(run, result);

	notes_end(&run->notes, account, result->tells ? 1 : result->exit);
	if (result->err.kind != ERR_NONE && (cmd->report.json ||
	    !result->err_is_item))
		report_problem(&cmd->report, account, &result->err);
	/* "pulled 3 new" would not be true. */
	if (!silent)
		finish_summary(run, result);
	return result->exit;
}

static int
run_all(struct cmd *cmd, const struct selection *s)
{
	struct runs all = { .cmd = cmd, .n = s->n,
	    .at_once = accounts_at_once() };
	struct loop *loop = loop_new();
	int status = 0;
	size_t i;

	all.progress = progress_new(STDERR_FILENO, cmd->report.quiet);
	all.run = xcalloc(s->n, sizeof(*all.run));
	for (i = 0; i < all.n; i++) {
		all.run[i].all = &all;
		all.run[i].target = &s->target[i];
		task_start(&all.run[i].task, loop, NULL,
		    s->target[i].account->name, run_begin);
	}
	loop_run(loop);
	progress_free(all.progress);
	all.progress = NULL;
	for (i = 0; i < all.n; i++) {
		status = err_exit_worse(status, finish(&all.run[i]));
		if (all.run[i].sync != NULL)
			sync_free(all.run[i].sync);
	}
	free(all.run);
	loop_free(loop);
	return status;
}

static int
run_sync(struct cmd *cmd, char **arg, int n)
{
	struct selection s = { 0 };
	struct conf conf = { 0 };
	struct err err = { 0 };
	int status;

	if (conf_load(cmd->config, &conf, &err) < 0 ||
	    sync_check(&conf, &err) < 0 ||
	    selection_fill(&s, &conf, arg, n, &err) < 0) {
		report_problem(&cmd->report, NULL, &err);
		status = err_exit_status(err.kind);
	} else
		status = run_all(cmd, &s);
	selection_release(&s);
	conf_release(&conf);
	return status;
}

static const int options_of_sync[] = {
	'n', OPT_FULL, OPT_ADOPT, OPT_FORCE_DELETES, OPT_UNDO_DELETES, 0
};

const struct command cmd_sync = {
	.name = "sync",
	.options = options_of_sync,
	.run = run_sync,
};
