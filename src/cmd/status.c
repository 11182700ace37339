/* mailtern status: what waits and what is held, without the network. */
#include <stdlib.h>

#include "base/clock.h"
#include "internal.h"
#include "ui/json.h"

#define OPS_SHOWN	20	/* without -v */

struct look {
	struct cmd *cmd;
	struct notes notes;
	uint64_t ops;
};

static bool
shows_all(const struct cmd *cmd)
{
	return cmd->verbose > 0;
}

static void
on_status_done(void *arg, const char *account, const struct sync_done *done)
{
	struct look *look = arg;
	char *line;

	op_report_event(&look->cmd->report, account, done, false);
	look->ops++;
	if (look->ops > OPS_SHOWN && !shows_all(look->cmd))
		return;
	line = op_format(account, done);
	report_line(&look->cmd->report, "%s", line);
	free(line);
}

static void
on_status_note(void *arg, const char *account, const char *sentence)
{
	struct look *look = arg;

	notes_tell(&look->notes, &look->cmd->report, account, sentence);
}

static void
on_status_item(void *arg, const char *account, const struct sync_item *item)
{
	struct look *look = arg;

	item_tell(&look->notes, &look->cmd->report, account, item, true);
}

/* A scan takes no time worth a bar, and status has no loop to draw one. */
static void
on_status_progress(void *arg, const char *account, const char *what,
    uint64_t done, uint64_t total)
{
	(void)arg;
	(void)account;
	(void)what;
	(void)done;
	(void)total;
}

static void
report_status(struct report *r, const char *account,
    const struct sync_status *s)
{
	struct json_event *e = json_event_new("status");
	char *line;

	json_event_add_text(e, "account", account);
	json_event_add_number(e, "outgoing", s->outgoing);
	json_event_add_number(e, "incoming", s->incoming);
	json_event_add_number(e, "held", s->held);
	json_event_add_number(e, "ignored", s->ignored);
	if (s->last_sync > 0)
		json_event_add_number(e, "last_sync", (uint64_t)s->last_sync);
	else
		json_event_add_text(e, "last_sync", NULL);
	json_event_add_bool(e, "busy", s->busy);
	report_event(r, e);
	line = status_format(account, s, clock_wall());
	report_line(r, "%s", line);
	free(line);
}

/* The exit status of one account. */
static int
look_at(struct cmd *cmd, const struct conf_account *account)
{
	struct look look = { .cmd = cmd };
	struct sync_callbacks cb = {
		.arg = &look,
		.done = on_status_done,
		.note = on_status_note,
		.item = on_status_item,
		.progress = on_status_progress,
	};
	struct sync_status s = { 0 };
	struct err err = { 0 };
	int status;

	if (sync_status(account, NULL, &cb, &s, &err) < 0) {
		status = err_exit_status(err.kind);
		notes_end(&look.notes, account->name, status);
		report_problem(&cmd->report, account->name, &err);
		return status;
	}
	if (look.ops > OPS_SHOWN && !shows_all(cmd))
		report_line(&cmd->report, "%s: ... and %llu more (-v shows "
		    "them)", account->name,
		    (unsigned long long)(look.ops - OPS_SHOWN));
	status = s.held > 0 ? err_exit_status(ERR_HELD) : 0;
	notes_end(&look.notes, account->name, status);
	report_status(&cmd->report, account->name, &s);
	return status;
}

/* --- --ignore --- */

/* The account that has the item, of those that were named; NULL: err is set. */
static const struct conf_account *
owner_of(const struct selection *s, int64_t id, struct err *err)
{
	struct sync_ignored item = { .id = id, .look_only = true };
	const struct conf_account *owner = NULL;
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct conf_account *a = s->target[i].account;

		if (sync_ignore(a, NULL, &item, err) < 0)
			return NULL;
		if (item.found && owner != NULL) {
			cmd_usage_error(err, "accounts %s and %s both have an "
			    "item %lld; name the one you mean", owner->name,
			    a->name, (long long)id);
			return NULL;
		}
		if (item.found)
			owner = a;
	}
	if (owner == NULL)
		cmd_usage_error(err, "there is no item %lld; status prints "
		    "the number of each", (long long)id);
	return owner;
}

static int
ignore_item(struct cmd *cmd, const struct selection *s)
{
	struct sync_ignored item = { .id = cmd->ignore };
	struct err err = { 0 };
	const struct conf_account *a = owner_of(s, cmd->ignore, &err);

	if (a != NULL && sync_ignore(a, NULL, &item, &err) == 0 && !item.found)
		err_set(&err, ERR_USAGE, "item %lld is settled by now",
		    (long long)cmd->ignore);
	if (err.kind == ERR_NONE) {
		report_line(&cmd->report, "%s: item %lld is ignored until it "
		    "changes", a->name, (long long)cmd->ignore);
		return 0;
	}
	report_problem(&cmd->report, a != NULL ? a->name : NULL, &err);
	return err_exit_status(err.kind);
}

static int
run_status(struct cmd *cmd, char **arg, int n)
{
	struct selection s = { 0 };
	struct conf conf = { 0 };
	struct err err = { 0 };
	int status = 0;
	size_t i;

	if (conf_load(cmd->config, &conf, &err) < 0 ||
	    sync_check(&conf, &err) < 0 ||
	    selection_fill(&s, &conf, arg, n, &err) < 0 ||
	    selection_refuse_globs(&s, "status", &err) < 0) {
		report_problem(&cmd->report, NULL, &err);
		status = err_exit_status(err.kind);
	}
	if (err.kind == ERR_NONE && cmd->ignore != 0)
		status = ignore_item(cmd, &s);
	for (i = 0; err.kind == ERR_NONE && cmd->ignore == 0 && i < s.n; i++)
		status = err_exit_worse(status, look_at(cmd,
		    s.target[i].account));
	selection_release(&s);
	conf_release(&conf);
	return status;
}

static const int options_of_status[] = { OPT_IGNORE, 0 };

const struct command cmd_status = {
	.name = "status",
	.options = options_of_status,
	.run = run_status,
};
