/* mailtern restore: takes back messages that were removed. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "internal.h"
#include "sync/history.h"
#include "ui/json.h"

struct restoring {
	struct cmd *cmd;
	const char *account;
	int64_t *id;
	struct sync_restore_request request;
	uint64_t restored, there, filed, lost;
};

/* --- what comes of it --- */

static const char *
word_of(enum sync_restored_as as)
{
	static const char *const words[] = {
		[RESTORED] = "restored", [RESTORE_THERE] = "there",
		[RESTORE_FILED] = "filed", [RESTORE_LOST] = "lost",
	};

	return words[as];
}

static void
restored_report_event(struct restoring *r, const struct sync_restored *what)
{
	struct json_event *e = json_event_new("restore");

	json_event_add_text(e, "account", r->account);
	json_event_add_number(e, "id", (uint64_t)what->id);
	json_event_add_text(e, "outcome", word_of(what->as));
	json_event_add_text(e, "folder", what->folder);
	json_event_add_text(e, "file", what->file);
	json_event_add_text(e, "source", what->from);
	json_event_add_text(e, "message_id", what->message_id);
	json_event_add_text(e, "subject", what->subject);
	json_event_add_text(e, "from", what->sender);
	if (r->cmd->dry_run)
		json_event_add_bool(e, "dry_run", true);
	report_event(&r->cmd->report, e);
}

/* What would be done was asked for. */
static void
tell_line(struct restoring *r, const char *line)
{
	if (r->cmd->dry_run)
		report_data(&r->cmd->report, "%s", line);
	else
		report_line(&r->cmd->report, "%s", line);
}

static void
on_restored(void *arg, const struct sync_restored *what)
{
	struct restoring *r = arg;
	char *line = restored_format(r->account, what);
	struct err err;

	restored_report_event(r, what);
	switch (what->as) {
	case RESTORED:
		r->restored++;
		tell_line(r, line);
		break;
	case RESTORE_THERE:
		r->there++;
		tell_line(r, line);
		break;
	case RESTORE_FILED:
		r->filed++;
		break;
	case RESTORE_LOST:
		r->lost++;
		err_set(&err, ERR_HELD, "%s", line + strlen(r->account) + 2);
		report_problem(&r->cmd->report, r->account, &err);
		break;
	}
	free(line);
}

static void
sum_up(struct restoring *r)
{
	report_line(&r->cmd->report, "%s: %s%llu restored, %llu there already, "
	    "%llu filed elsewhere, %llu not to be had", r->account,
	    r->cmd->dry_run ? "a dry run: " : "",
	    (unsigned long long)r->restored, (unsigned long long)r->there,
	    (unsigned long long)r->filed, (unsigned long long)r->lost);
}

/* --- what is asked for --- */

/* "12": an entry of the log; "r3": a run. */
static int
add_operand(struct restoring *r, const char *text, struct err *err)
{
	struct sync_restore_request *q = &r->request;
	struct span s = span_of(text);
	bool is_run = *text == 'r';
	uint64_t n;

	if (!span_number((struct span){ s.p + is_run, s.n - is_run },
	    INT64_MAX, &n) || n == 0)
		return cmd_usage_error(err, "\"%s\" is no entry (12) and no "
		    "run (r3); mailtern log prints the number of each", text);
	if (is_run && (q->run != 0 || q->n_id > 0))
		return cmd_usage_error(err, "a run stands alone; leave out "
		    "\"%s\"", text);
	if (!is_run && q->run != 0)
		return cmd_usage_error(err, "\"%s\" is no folder", text);
	if (is_run)
		q->run = (int64_t)n;
	else
		r->id[q->n_id++] = (int64_t)n;
	return 0;
}

static int
take_operands(struct restoring *r, char **arg, int n, struct err *err)
{
	struct sync_restore_request *q = &r->request;
	int i = 0;

	q->id = r->id;
	if (r->cmd->to != NULL && !when_parse(r->cmd->to, clock_wall(),
	    &q->since))
		return cmd_usage_error(err, "--to wants a time: 2026-11-23, "
		    "\"2026-11-23 04:46\", 3d, 12h");
	for (; q->since == 0 && i < n && q->run == 0; i++)
		if (add_operand(r, arg[i], err) == -1)
			return -1;
	if (q->since == 0 && q->run == 0 && q->n_id == 0)
		return cmd_usage_error(err, "restore wants an entry of the "
		    "log, a run, or --to TIME");
	/* What is left are folders. */
	q->glob = (const char *const *)&arg[i];
	q->n_glob = (size_t)(n - i);
	return 0;
}

static int
carry_out(struct restoring *r, const struct conf_account *account,
    struct err *err)
{
	const struct sync_restore_visit visit = { r, on_restored };

	r->account = account->name;
	if (sync_restore(account, NULL, &r->request, &visit, err) == -1)
		return -1;
	sum_up(r);
	return 0;
}

static int
run_restore(struct cmd *cmd, char **arg, int n)
{
	struct restoring r = { .cmd = cmd,
	    .request.dry_run = cmd->dry_run };
	struct selection s = { 0 };
	struct conf conf = { 0 };
	struct err err = { 0 };
	int status;

	r.id = xcalloc((size_t)n + 1, sizeof(*r.id));
	if (n == 0)
		cmd_usage_error(&err, "restore wants the account first");
	else if (take_operands(&r, arg + 1, n - 1, &err) == 0 &&
	    conf_load(cmd->config, &conf, &err) == 0 &&
	    sync_check(&conf, &err) == 0 &&
	    selection_fill(&s, &conf, arg, 1, &err) == 0 &&
	    selection_refuse_globs(&s, "restore", &err) == 0)
		carry_out(&r, s.target[0].account, &err);
	if (err.kind != ERR_NONE)
		report_problem(&cmd->report, r.account, &err);
	status = err.kind != ERR_NONE ? err_exit_status(err.kind) :
	    r.lost > 0 ? err_exit_status(ERR_HELD) : 0;
	selection_release(&s);
	conf_release(&conf);
	free(r.id);
	return status;
}

static const int options_of_restore[] = { 'n', OPT_TO, 0 };

const struct command cmd_restore = {
	.name = "restore",
	.options = options_of_restore,
	.run = run_restore,
};
