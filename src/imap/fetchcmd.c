/* The command UID FETCH, which asks for flags, sizes, dates and bodies. */
#include "internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

/* Octets of a body that are worth waiting for more. */
#define BODY_PROGRESS	(64u << 10)

static void fetch_on_data(struct imap_cmd *, const struct imap_resp *);

struct imap_fetching_priv {
	struct imap_flow flow;
	unsigned items;
	uint64_t changed_since;
	uint64_t asked;			/* how many messages */
	bool due;			/* another row would be an answer */
	uint64_t octets;		/* of bodies, since the last progress */
};

/*
 * The same row for ever would be no answer. Whose it is can't be told: a server
 * may answer the second FETCH before the first, so it is that of any in flight
 * that still has some to come.
 */
static bool
fetch_answers(struct imap_session *s)
{
	struct imap_line *line;

	DL_FOREACH(s->lines, line)
		if (line->begun && line->cmd->priv->on_data == fetch_on_data &&
		    imap_cmd_answer(line->cmd, ((struct imap_fetching *)
		    line->cmd)->priv->asked))
			return true;
	return false;
}

static void
fetch_on_data(struct imap_cmd *cmd, const struct imap_resp *r)
{
	struct imap_fetching *f = (struct imap_fetching *)cmd;
	struct imap_fetching_priv *p = f->priv;

	if (r->kind == IMAP_FETCH && r->fetch.uid != 0) {
		f->rows++;
		p->due = fetch_answers(cmd->priv->session);
	}
	imap_sink_feed(&f->sink, &p->flow, r);
	if (r->kind != IMAP_BODY_DATA || !p->flow.in_body || !p->due)
		return;
	/* Nor would an octet a minute. */
	p->octets += r->data.n;
	if (p->octets >= BODY_PROGRESS) {
		p->octets = 0;
		imap_session_progress(cmd->priv->session);
		imap_session_part(cmd->priv->session);
	}
}

static void
fetch_on_done(struct imap_cmd *cmd)
{
	struct imap_fetching *f = (struct imap_fetching *)cmd;

	free(f->priv);
	f->priv = NULL;
}

/*
 * RFC 7162: CHANGEDSINCE implies MODSEQ, VANISHED needs QRESYNC enabled. What
 * is not used is not asked for: MODSEQ is a fifth of a row.
 */
static void
fetch_tail(struct imap_line *line, void *arg)
{
	const struct imap_fetching_priv *p = arg;
	const struct imap_session *s = line->cmd->priv->session;
	unsigned caps = imap_session_caps(s);
	/* In a folder without mod-sequences that is an error. */
	bool modseq = s->selecting > 0 ? (s->enabled & CAP_CONDSTORE) != 0 :
	    s->box_modseq && (caps & CAP_CONDSTORE) != 0;

	line->bodies = (p->items & FETCH_BODY) != 0;
	imap_line_add(line, " (UID");
	if (p->items & FETCH_FLAGS)
		imap_line_add(line, " FLAGS");
	if (p->items & FETCH_META)
		imap_line_add(line, " INTERNALDATE RFC822.SIZE");
	if (p->items & FETCH_HEADER)
		imap_line_add(line, " BODY.PEEK[HEADER]");
	if (p->items & FETCH_BODY)
		imap_line_add(line, " BODY.PEEK[]");
	imap_line_add(line, ")");
	if (p->changed_since == 0 || !modseq)
		return;
	imap_line_add(line, " (CHANGEDSINCE %" PRIu64 "%s)", p->changed_since,
	    (s->enabled & CAP_QRESYNC) ? " VANISHED" : "");
}

void
imap_fetch_start(struct imap_session *s, struct imap_fetching *f,
    struct task *task, const struct imap_fetch_args *args)
{
	struct imap_fetching_priv *p = xcalloc(1, sizeof(*p));

	/* A row names one section: both at once could not be told apart. */
	assert((args->items & (FETCH_BODY | FETCH_HEADER)) !=
	    (FETCH_BODY | FETCH_HEADER));
	imap_cmd_init(&f->cmd, s, task);
	f->sink = args->sink;
	f->rows = 0;
	f->priv = p;
	p->items = args->items;
	p->changed_since = args->changed_since;
	p->asked = uidset_count(args->uids);
	p->due = true;
	p->flow.section = args->items & FETCH_BODY ? "" :
	    args->items & FETCH_HEADER ? "HEADER" : NULL;
	f->cmd.priv->on_data = fetch_on_data;
	f->cmd.priv->on_done = fetch_on_done;
	imap_line_sets(&f->cmd, "UID FETCH", args->uids, fetch_tail, p);
	imap_cmd_started(&f->cmd);
}
