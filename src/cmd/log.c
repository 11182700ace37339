/* mailtern log: what was done to an account, and why; once, or as a feed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "internal.h"
#include "sync/history.h"
#include "ui/json.h"

#define POLL_MS	500

/* One account of the log. */
struct feed {
	struct cmd *cmd;
	const struct conf_account *account;
	struct sync_log_query query;
	uint64_t stamp;		/* when it was last read */
};

static void
entry_report_event(struct report *r, const char *account,
    const struct sync_log_entry *entry)
{
	struct json_event *e = json_event_new("log");

	json_event_add_text(e, "account", account);
	json_event_add_number(e, "id", (uint64_t)entry->id);
	json_event_add_number(e, "at", (uint64_t)entry->at);
	if (entry->run > 0)
		json_event_add_number(e, "run", (uint64_t)entry->run);
	else
		json_event_add_text(e, "run", NULL);
	json_event_add_text(e, "what", entry->what);
	json_event_add_text(e, "folder", entry->folder);
	if (entry->uid != 0)
		json_event_add_number(e, "uid", entry->uid);
	else
		json_event_add_text(e, "uid", NULL);
	json_event_add_text(e, "unique", entry->unique);
	json_event_add_text(e, "message_id", entry->message_id);
	json_event_add_text(e, "subject", entry->subject);
	json_event_add_text(e, "from", entry->sender);
	json_event_add_text(e, "flags", entry->flags);
	json_event_add_text(e, "detail", entry->detail);
	json_event_add_text(e, "why", entry->why);
	report_event(r, e);
}

static void
on_entry(void *arg, const struct sync_log_entry *entry)
{
	struct feed *feed = arg;
	struct report *r = &feed->cmd->report;
	char *line;

	feed->query.after = entry->id;
	if (r->json) {
		entry_report_event(r, feed->account->name, entry);
		return;
	}
	line = log_format(feed->account->name, entry);
	report_data(r, "%s", line);
	free(line);
}

/* A gap that the reader must know of: a feed is nothing without that. */
static void
tell_gap(struct feed *feed, const struct sync_log_visit *there)
{
	struct notes notes = { .n = 0 };
	char *text = there->newest < feed->query.after ? xasprintf("the log "
	    "begins anew: the index is another one, whose newest entry is "
	    "%lld", (long long)there->newest) : xasprintf("the entries up to "
	    "%lld are gone", (long long)there->oldest - 1);

	notes_tell(&notes, &feed->cmd->report, feed->account->name, text);
	notes_end(&notes, feed->account->name, 1);
	free(text);
}

/* What is there at all, without an entry. */
static int
look_at_log(struct feed *feed, struct sync_log_visit *out, struct err *err)
{
	const struct sync_log_query none = { .after = INT64_MAX };

	*out = (struct sync_log_visit){ .arg = feed, .entry = on_entry };
	return sync_log(feed->account, NULL, &none, out, err);
}

static int
read_feed(struct feed *feed, struct err *err)
{
	const int64_t after = feed->query.after;
	struct sync_log_query query;
	struct sync_log_visit visit;

	if (look_at_log(feed, &visit, err) == -1)
		return -1;
	if (after > 0 && (visit.newest < after || visit.oldest > after + 1))
		tell_gap(feed, &visit);
	if (visit.newest < after)
		feed->query.after = 0;
	query = feed->query;
	return sync_log(feed->account, NULL, &query, &visit, err);
}

static int
read_once(struct feed *feed)
{
	struct err err = { 0 };

	if (read_feed(feed, &err) == 0)
		return 0;
	report_problem(&feed->cmd->report, feed->account->name, &err);
	return err_exit_status(err.kind);
}

/* --- following --- */

/* What is written from now on. */
static int
skip_to_end(struct feed *feed, struct err *err)
{
	struct sync_log_visit visit;

	if (look_at_log(feed, &visit, err) == -1)
		return -1;
	feed->query.after = visit.newest;
	return 0;
}

static int
follow_step(struct feed *feed, struct err *err)
{
	uint64_t stamp;

	if (sync_log_stamp(feed->account, NULL, &stamp, err) == -1)
		return -1;
	if (stamp == feed->stamp)
		return 0;
	feed->stamp = stamp;
	if (read_feed(feed, err) == 0)
		return 0;
	/* A sync makes the index, or takes it over: later. */
	if (err->kind != ERR_BUSY)
		return -1;
	feed->stamp = 0;
	return 0;
}

/* Until somebody stops it, or nobody reads any more. */
static int
follow(struct feed *feed, size_t n)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	FILE *out = feed->cmd->report.out;
	struct err err = { 0 };
	size_t i;

	for (;;) {
		for (i = 0; i < n; i++)
			if (follow_step(&feed[i], &err) == -1) {
				report_problem(&feed->cmd->report,
				    feed[i].account->name, &err);
				return err_exit_status(err.kind);
			}
		if (fflush(out) != 0 || ferror(out))
			return err_exit_status(ERR_IO);
		nanosleep(&pause, NULL);
	}
}

/* --- the command --- */

/* A bare number is that of an entry, behind which it begins. */
static int
set_since(struct cmd *cmd, struct sync_log_query *query, struct err *err)
{
	uint64_t id;

	if (cmd->since == NULL)
		return 0;
	if (span_number(span_of(cmd->since), INT64_MAX - 1, &id)) {
		query->after = (int64_t)id;
		return 0;
	}
	if (when_parse(cmd->since, clock_wall(), &query->since))
		return 0;
	return cmd_usage_error(err, "--since wants a time (2026-11-23, "
	    "\"2026-11-23 04:46\", 3d, 12h), or the number of an entry");
}

static int
read_all(struct cmd *cmd, const struct selection *s,
    const struct sync_log_query *query)
{
	struct feed *feed = xcalloc(s->n, sizeof(*feed));
	struct err err = { 0 };
	int status = 0;
	size_t i;

	for (i = 0; i < s->n; i++) {
		feed[i] = (struct feed){ cmd, s->target[i].account, *query, 0 };
		feed[i].query.glob = s->target[i].glob;
		feed[i].query.n_glob = target_globs(&s->target[i]);
		if (!cmd->follow)
			status = err_exit_worse(status, read_once(&feed[i]));
		else if (cmd->since == NULL && skip_to_end(&feed[i],
		    &err) == -1 && err.kind != ERR_BUSY) {
			report_problem(&cmd->report, feed[i].account->name,
			    &err);
			status = err_exit_status(err.kind);
		}
	}
	if (cmd->follow && status == 0)
		status = follow(feed, s->n);
	free(feed);
	return status;
}

static int
run_log(struct cmd *cmd, char **arg, int n)
{
	struct sync_log_query query = {
		.removed = cmd->removed, .message_id = cmd->message_id,
	};
	struct selection s = { 0 };
	struct conf conf = { 0 };
	struct err err = { 0 };
	int status;

	if (set_since(cmd, &query, &err) < 0 ||
	    conf_load(cmd->config, &conf, &err) < 0 ||
	    sync_check(&conf, &err) < 0 ||
	    selection_fill(&s, &conf, arg, n, &err) < 0) {
		report_problem(&cmd->report, NULL, &err);
		status = err_exit_status(err.kind);
	} else
		status = read_all(cmd, &s, &query);
	selection_release(&s);
	conf_release(&conf);
	return status;
}

static const int options_of_log[] = {
	OPT_SINCE, OPT_REMOVED, OPT_MESSAGE_ID, OPT_FOLLOW, 0
};

const struct command cmd_log = {
	.name = "log",
	.options = options_of_log,
	.run = run_log,
};
