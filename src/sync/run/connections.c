/*
 * Opens more connections for one run. A server may refuse some, or close one in
 * the middle: then for a day no more are asked for than it allowed.
 */
#include "run/connections.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "imap/quirks.h"
#include "run/login.h"

#define CONNECTIONS	4	/* unless the configuration says how many */
#define FOLDERS_EACH	8	/* it is worth a connection, when it does not */
#define MESSAGES_EACH	2000	/* the same; and when it does: */
#define MESSAGES_FEW	500
#define ALLOWED_FOR	86400	/* seconds that a refusal is remembered */

struct extra {
	struct conn conn;
	struct imap_open open;
	bool opening;
};

struct connections {
	struct extra extra[LIMIT_CONNECTIONS];
	unsigned n;			/* asked for so far */
	unsigned opened;		/* and got */
	bool refused;			/* the server did not allow all */
	unsigned before;		/* allowed within a day; 0: all */
};

/* --- how many --- */

/* New messages that the folder seems to have. */
static uint64_t
awaited(const struct folder *f)
{
	return f->listed.has_status && f->listed.messages > f->row.exists ?
	    f->listed.messages - f->row.exists : 0;
}

static unsigned
most_by_itself(const struct run *run)
{
	const struct imap_session *s = run->account->main.session;
	unsigned n = s != NULL ? imap_quirk_connections(s) : 0;

	return n > 0 && n < CONNECTIONS ? n : CONNECTIONS;
}

/* A number in the configuration is taken at its word, wherever there are two
 * things to do; without one a connection has to be worth its price. */
unsigned
connections_wanted(const struct run *run)
{
	uint64_t folders = 0, messages = 0, n, each = MESSAGES_FEW;
	unsigned most = run->conf->connections;
	unsigned before = run->connections->before;
	size_t i;

	for (i = 0; i < run->n_folder; i++) {
		const struct folder *f = &run->folder[i];

		if (!folder_wants_look(run, f))
			continue;
		folders++;
		messages += awaited(f);
	}
	n = folders;
	if (most == 0) {
		/* Nobody knows what a tunnel's command costs. */
		most = run->conf->tunnel != NULL ? 1 : most_by_itself(run);
		n = folders / FOLDERS_EACH;
		each = MESSAGES_EACH;
	}
	if (folders > 0 && n < messages / each)
		n = messages / each;
	if (before > 0 && before < most)
		most = before;
	return n > most ? most : n < 1 ? 1 : (unsigned)n;
}

int
connections_load(struct run *run, struct err *err)
{
	long long until;
	unsigned n;
	char *text;

	run->connections = xcalloc(1, sizeof(*run->connections));
	if (index_get(run->ix, "connections", &text, err) == -1)
		return -1;
	if (text != NULL && sscanf(text, "%u %lld", &n, &until) == 2 &&
	    until > clock_wall() && until <= clock_wall() + ALLOWED_FOR)
		run->connections->before = n;
	free(text);
	return 0;
}

int
connections_keep(struct run *run, struct err *err)
{
	const struct connections *all = run->connections;
	char text[64];

	if (all == NULL || !all->refused)
		return 0;
	snprintf(text, sizeof(text), "%u %lld", all->opened + 1,
	    (long long)clock_wall() + ALLOWED_FOR);
	return index_set(run->ix, "connections", text, err);
}

/* --- opening and closing --- */

void
connections_open(struct run *run, unsigned n)
{
	struct connections *all = run->connections;

	for (; all->n + 1 < n; all->n++) {
		struct extra *e = &all->extra[all->n];

		e->conn = (struct conn){ .account = run->account,
		    .task = &run->task };
		e->opening = true;
		login_more(run, &e->open);
	}
}

unsigned
connections_count(const struct run *run)
{
	return run->connections->n;
}

static void
take_opened(struct run *run, struct extra *e)
{
	e->opening = false;
	e->conn.session = e->open.session;
	if (e->open.session != NULL) {
		run->connections->opened++;
		return;
	}
	run->connections->refused = true;
	log_info("%s: one more connection is not to be had: %s",
	    run->conf->name, e->open.task.err.msg);
}

struct conn *
connection(struct run *run, unsigned i)
{
	struct extra *e = &run->connections->extra[i];

	if (e->opening && e->open.task.ended)
		take_opened(run, e);
	return e->conn.session != NULL ? &e->conn : NULL;
}

void
connections_close(struct run *run, bool polite)
{
	unsigned i;

	for (i = 0; run->connections != NULL && i < run->connections->n; i++) {
		struct extra *e = &run->connections->extra[i];

		if (e->opening && e->open.task.ended)
			e->conn.session = e->open.session;
		else if (e->opening)
			task_cancel(&e->open.task);
		e->opening = e->opening && !e->open.task.ended;
		conn_close(&e->conn, polite);
	}
}

void
connections_release(struct run *run)
{
	free(run->connections);
	run->connections = NULL;
}
