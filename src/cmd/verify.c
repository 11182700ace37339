/* mailtern verify: index against Maildir and server, in words. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "internal.h"
#include "ui/json.h"
#include "ui/progress.h"

#define PARTS_MAX	1000000

struct verifying {
	struct cmd *cmd;
	struct progress *progress;
	const char *account;
	struct notes notes;
};

static void
on_finding(void *arg, const struct sync_finding *f)
{
	struct verifying *v = arg;

	finding_tell(&v->notes, &v->cmd->report, v->account, f);
}

static void
on_repaired(void *arg, const struct sync_finding *f)
{
	struct verifying *v = arg;

	repaired_tell(&v->cmd->report, v->account, f);
}

static void
on_verify_progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
	struct verifying *v = arg;

	progress_update(v->progress, v->account, what, done, total);
}

static void
report_verified(struct report *r, const char *account,
    const struct sync_verified *v)
{
	struct json_event *e = json_event_new("verified");
	char *line = verified_format(account, v);

	json_event_add_text(e, "account", account);
	json_event_add_number(e, "folders", v->folders);
	json_event_add_number(e, "messages", v->messages);
	if (v->total > 0)
		json_event_add_number(e, "total", v->total);
	else
		json_event_add_text(e, "total", NULL);
	json_event_add_bool(e, "online", v->online);
	json_event_add_number(e, "bodies", v->bodies);
	json_event_add_number(e, "damaged", v->damaged);
	json_event_add_number(e, "repaired", v->repaired);
	json_event_add_number(e, "foreign", v->foreign);
	json_event_add_number(e, "changed", v->changed);
	json_event_add_bool(e, "never", v->never);
	json_event_add_bool(e, "stopped", v->stopped);
	report_event(r, e);
	report_line(r, "%s", line);
	free(line);
}

/* The exit status of one account. */
static int
verify_account(struct cmd *cmd, const struct target *t,
    struct sync_verify_request request)
{
	struct verifying v = { .cmd = cmd, .account = t->account->name };
	struct sync_verify_visit visit = { .arg = &v, .finding = on_finding,
	    .repaired = on_repaired, .progress = on_verify_progress };
	struct err err = { 0 };
	int rc, status, failed = 0;

	request.glob = t->glob;
	request.n_glob = target_globs(t);
	v.progress = progress_new(STDERR_FILENO, cmd->report.quiet);
	rc = sync_verify(t->account, NULL, &request, &visit, &err);
	progress_free(v.progress);
	if (rc == -1) {
		report_problem(&cmd->report, v.account, &err);
		failed = err_exit_status(err.kind);
	}
	status = err_exit_worse(failed, visit.outcome.damaged >
	    visit.outcome.repaired ?
	    err_exit_status(ERR_HELD) : 0);
	notes_end(&v.notes, v.account, status);
	report_verified(&cmd->report, v.account, &visit.outcome);
	return status;
}

/* "3/30" */
static int
parse_part(const char *text, struct sync_verify_request *out, struct err *err)
{
	const char *slash = strchr(text, '/');
	uint64_t part, parts;

	if (slash == NULL || !span_number((struct span){ text,
	    (size_t)(slash - text) }, PARTS_MAX, &part) ||
	    !span_number(span_of(slash + 1), PARTS_MAX, &parts) ||
	    part == 0 || part > parts)
		return cmd_usage_error(err, "--part wants N/M, the N-th of M "
		    "parts, as in 1/30");
	out->part = (unsigned)part;
	out->parts = (unsigned)parts;
	return 0;
}

static int
make_request(const struct cmd *cmd, struct sync_verify_request *out,
    struct err *err)
{
	if (cmd->part != NULL && cmd->time != NULL)
		return cmd_usage_error(err, "--part and --time exclude each "
		    "other");
	if (cmd->time != NULL && !duration_parse(cmd->time, &out->seconds))
		return cmd_usage_error(err, "--time wants seconds, minutes or "
		    "hours: 90s, 5m, 2h");
	return cmd->part != NULL ? parse_part(cmd->part, out, err) : 0;
}

static int
run_verify(struct cmd *cmd, char **arg, int n)
{
	struct sync_verify_request request = { .offline = cmd->offline,
	    .repair = cmd->repair };
	struct selection s = { 0 };
	struct conf conf = { 0 };
	struct err err = { 0 };
	int status = 0;
	size_t i;

	if (make_request(cmd, &request, &err) < 0 ||
	    conf_load(cmd->config, &conf, &err) < 0 ||
	    sync_check(&conf, &err) < 0 ||
	    selection_fill(&s, &conf, arg, n, &err) < 0) {
		report_problem(&cmd->report, NULL, &err);
		status = err_exit_status(err.kind);
	}
	for (i = 0; err.kind == ERR_NONE && i < s.n; i++)
		status = err_exit_worse(status, verify_account(cmd,
		    &s.target[i], request));
	selection_release(&s);
	conf_release(&conf);
	return status;
}

static const int options_of_verify[] = {
	OPT_OFFLINE, OPT_REPAIR, OPT_PART, OPT_TIME, 0
};

const struct command cmd_verify = {
	.name = "verify",
	.options = options_of_verify,
	.run = run_verify,
};
