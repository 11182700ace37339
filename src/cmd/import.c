/*
 * mailtern import PROGRAM [FILE]: makes accounts of another program's, and
 * takes over what that last agreed on. Where there is no syncrc yet it is
 * written; one that is there is not changed, and has to hold the accounts
 * already.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "import/found.h"
#include "internal.h"
#include "sync/takeover.h"

static const struct rival {
	const char *name;
	import_reader *read;
} rivals[] = {
	{ "mbsync", import_mbsync }, { "offlineimap", import_offlineimap },
};

struct importing {
	struct cmd *cmd;
	const struct rival *rival;
	struct import_found found;
	char *syncrc;
	struct conf conf;
	int status;
};

static void
release(struct importing *im)
{
	import_found_release(&im->found);
	conf_release(&im->conf);
	free(im->syncrc);
}

static int
read_theirs(struct importing *im, const char *file, struct err *err)
{
	int rc = im->rival->read(file, &im->found, err);

	if (rc == -1 && err->kind == ERR_STALE)
		err->kind = ERR_CONFIG;
	return rc;
}

/* --- what can't be carried over --- */

static void
tell_notes(struct importing *im)
{
	size_t i, k;

	for (i = 0; i < im->found.n; i++) {
		const struct import_account *a = &im->found.v[i].a;
		struct notes notes = { .n = 0 };

		for (k = 0; k < a->n_note; k++)
			notes_tell(&notes, &im->cmd->report, a->name,
			    a->note[k].text);
		notes_end(&notes, a->name, import_blocks(a));
	}
}

/* --- syncrc --- */

static void
write_sections(const struct importing *im, struct buf *out, bool secrets)
{
	size_t i;

	buf_clear(out);
	buf_addf(out, "# Made by mailtern import %s from %s.\n",
	    im->rival->name, im->found.path);
	for (i = 0; i < im->found.n; i++) {
		buf_add_str(out, "\n");
		import_write(out, &im->found.v[i].a, secrets);
	}
}

static void
print_sections(struct importing *im, struct buf *text)
{
	struct report *r = &im->cmd->report;
	struct json_event *e;

	write_sections(im, text, false);
	if (!r->json) {
		fputs(buf_str(text), r->out);
		return;
	}
	e = json_event_new("syncrc");
	json_event_add_text(e, "text", buf_str(text));
	report_event(r, e);
}

static const struct conf_account *
account_in(const struct importing *im, size_t i)
{
	const struct import_account *a = &im->found.v[i].a;
	const struct conf_account *c = conf_account_find(&im->conf, a->name);

	return c != NULL && strcmp(c->maildir, a->maildir) == 0 ? c : NULL;
}

/* A file that a person has written is theirs. */
static int
use_syncrc(struct importing *im, struct buf *text, struct err *err)
{
	size_t i;

	if (conf_load(im->syncrc, &im->conf, err) == -1)
		return -1;
	for (i = 0; i < im->found.n; i++)
		if (account_in(im, i) == NULL)
			break;
	if (i == im->found.n)
		return 0;
	print_sections(im, text);
	return err_set(err, ERR_HELD, "%s is there, and is not changed; it has "
	    "no account %s with the Maildir %s: add what is printed here, and "
	    "run import again", im->syncrc, im->found.v[i].a.name,
	    im->found.v[i].a.maildir);
}

static int
make_syncrc(struct importing *im, struct buf *text, struct err *err)
{
	write_sections(im, text, true);
	if (import_create(im->syncrc, text, err) == -1)
		return -1;
	report_line(&im->cmd->report, "%s written", im->syncrc);
	if (conf_load(im->syncrc, &im->conf, err) == 0)
		return 0;
	log_warn("%s", err->msg);
	return err_set(err, ERR_CONFIG, "set that right in %s, and run import "
	    "again", im->syncrc);
}

static int
settle_syncrc(struct importing *im, struct err *err)
{
	struct buf text;
	int rc = 0;

	im->syncrc = im->cmd->config != NULL ? xstrdup(im->cmd->config) :
	    conf_default_path(err);
	if (im->syncrc == NULL)
		return -1;
	buf_init(&text, LIMIT_CONFIG);
	if (im->cmd->dry_run)
		print_sections(im, &text);
	else if (access(im->syncrc, F_OK) == 0)
		rc = use_syncrc(im, &text, err);
	else
		rc = make_syncrc(im, &text, err);
	mem_wipe(text.data, text.len);
	buf_release(&text);
	return rc;
}

/* --- the base --- */

static void
tell_result(struct importing *im, const char *account,
    const struct takeover_result *t)
{
	struct json_event *e = json_event_new("imported");

	json_event_add_text(e, "account", account);
	json_event_add_number(e, "agreed", t->agreed);
	json_event_add_number(e, "deleted", t->gone);
	json_event_add_number(e, "merged", t->merged);
	json_event_add_number(e, "files", t->files);
	report_event(&im->cmd->report, e);
	report_line(&im->cmd->report, "%s: %llu in sync, %llu deleted on "
	    "disk since, %llu to be compared, %llu new on disk",
	    account, (unsigned long long)t->agreed,
	    (unsigned long long)t->gone, (unsigned long long)t->merged,
	    (unsigned long long)t->files);
}

static void
take_over(struct importing *im, size_t i)
{
	const struct conf_account *c = account_in(im, i);
	struct takeover_result result;
	struct err err = { 0 };

	if (import_blocks(&im->found.v[i].a))
		err_set(&err, ERR_HELD, "what %s last agreed on is not "
		    "taken over, for what was just said; sync compares both "
		    "sides, and asks before it does anything",
		    im->rival->name);
	else if (sync_takeover(c, NULL, &im->found.v[i].t, &result, &err) == 0)
		tell_result(im, c->name, &result);
	if (err.kind == ERR_NONE)
		return;
	report_problem(&im->cmd->report, im->found.v[i].a.name, &err);
	im->status = err_exit_worse(im->status, err_exit_status(err.kind));
}

static void
import_all(struct importing *im, const char *file)
{
	struct err err = { 0 };
	size_t i;
	int rc = read_theirs(im, file, &err);

	if (rc == 0)
		tell_notes(im);
	if (rc == 0)
		rc = settle_syncrc(im, &err);
	if (rc == 0 && !im->cmd->dry_run)
		rc = sync_check(&im->conf, &err);
	if (rc == -1) {
		report_problem(&im->cmd->report, NULL, &err);
		im->status = err_exit_status(err.kind);
		return;
	}
	for (i = 0; i < im->found.n && !im->cmd->dry_run; i++)
		take_over(im, i);
}

static const struct rival *
rival_called(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++)
		if (strcmp(rivals[i].name, name) == 0)
			return &rivals[i];
	return NULL;
}

static int
run_import(struct cmd *cmd, char **arg, int n)
{
	struct importing im = { .cmd = cmd };
	struct err err = { 0 };

	if (n == 0)
		cmd_usage_error(&err, "import wants the program to import "
		    "from: mbsync or offlineimap");
	else if ((im.rival = rival_called(arg[0])) == NULL)
		cmd_usage_error(&err, "import knows mbsync and offlineimap, "
		    "and not \"%s\"", arg[0]);
	else if (n > 2)
		cmd_usage_error(&err, "import takes one file, and no \"%s\"",
		    arg[2]);
	if (err.kind != ERR_NONE) {
		report_problem(&cmd->report, NULL, &err);
		return err_exit_status(err.kind);
	}
	import_all(&im, n == 2 ? arg[1] : NULL);
	release(&im);
	return im.status;
}

static const int options_of_import[] = { 'n', 0 };

const struct command cmd_import = {
	.name = "import",
	.options = options_of_import,
	.run = run_import,
};
