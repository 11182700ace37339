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
	struct uidset uids;		/* asked for, by the lines under way */
	struct uidset refused;		/* of them, by BAD */
	struct uidset left;		/* not reached, for a limit */
	struct uidset there;		/* that SEARCH found */
	enum { FETCH_FIRST, FETCH_LOW, FETCH_SEARCH, FETCH_THERE } stage;
	struct err why;			/* it was refused at first */
	enum imap_status status;
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

	if (r->kind == IMAP_SEARCH && p->stage == FETCH_SEARCH &&
	    imap_cmd_answer(cmd, UINT64_MAX))
		uidset_join(&p->there, &r->search.uids);
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
	if (p->items & FETCH_LINEAGE)
		imap_line_add(line, (caps & CAP_OBJECTID) ? " EMAILID" :
		    (caps & CAP_GMAIL) ? " X-GM-MSGID" : " X-GUID");
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

/* --- what was not answered whole --- */

/* What of the set the line asked for. */
static void
add_part(struct uidset *out, const struct imap_fetching_priv *p,
    uint32_t first, uint32_t last)
{
	struct uidset part = { 0 }, other = { 0 };

	if (first > last)
		return;
	uidset_add_range(&part, first, last);
	uidset_join(&other, &part);
	uidset_less(&other, &p->uids);
	uidset_less(&part, &other);
	uidset_join(out, &part);
	uidset_release(&part);
	uidset_release(&other);
}

/* RFC 9738: it went from the highest UID down to that one; to zero where it
 * did nothing. */
static bool
fetch_on_line(struct imap_cmd *cmd, struct imap_line *line,
    const struct imap_resp *r)
{
	struct imap_fetching_priv *p = ((struct imap_fetching *)cmd)->priv;
	const uint32_t uid = (uint32_t)r->code.number;

	if (line->last == 0)
		return false;
	if (r->code.kind == CODE_MESSAGELIMIT) {
		add_part(&p->left, p, line->first,
		    uid == 0 ? line->last : uid - 1);
		return true;
	}
	if (r->status == IMAP_BAD)
		add_part(&p->refused, p, line->first, line->last);
	return false;
}

static void
fetch_send(struct imap_fetching *f, const struct uidset *uids)
{
	struct imap_fetching_priv *p = f->priv;
	struct uidset now = { 0 };

	uidset_join(&now, uids);
	uidset_clear(&p->left);
	uidset_clear(&p->refused);
	uidset_release(&p->uids);
	p->uids = now;
	imap_line_sets(&f->cmd, "UID FETCH", &p->uids, fetch_tail, p);
}

/* A limit that lets nothing pass would be asked for ever. */
static bool
fetch_goes_on(struct imap_fetching *f)
{
	struct imap_fetching_priv *p = f->priv;
	struct imap_session *s = f->cmd.priv->session;
	const uint64_t left = uidset_count(&p->left);

	if (left == 0 || f->cmd.err.kind != ERR_NONE)
		return false;
	if (left >= uidset_count(&p->uids) && s->message_limit <= 1) {
		imap_cmd_fail(&f->cmd, ERR_REFUSED, "%s answers UID FETCH in "
		    "parts without an end", s->host);
		return false;
	}
	if (left >= uidset_count(&p->uids))
		s->message_limit /= 2;
	fetch_send(f, &p->left);
	return f->cmd.priv->lines > 0;
}

/* Numbers above 2^31-1 are more than some servers can read. */
static bool
fetch_lower(struct imap_fetching *f)
{
	struct imap_fetching_priv *p = f->priv;
	struct uidset low = { 0 };
	bool may = p->stage == FETCH_FIRST && p->refused.n > 0 &&
	    p->refused.range[p->refused.n - 1].last == UINT32_MAX &&
	    p->refused.range[p->refused.n - 1].first <= INT32_MAX;

	p->stage = FETCH_LOW;
	if (!may)
		return false;
	add_part(&low, p, p->refused.range[0].first, INT32_MAX);
	imap_cmd_forget(&f->cmd);
	fetch_send(f, &low);
	uidset_release(&low);
	return f->cmd.priv->lines > 0;
}

/* imap4d and QQ: BAD where one part of a set meets no message. */
static bool
fetch_search(struct imap_fetching *f)
{
	struct imap_line *line;

	f->priv->stage = FETCH_SEARCH;
	imap_cmd_forget(&f->cmd);
	line = imap_line_new(&f->cmd, "UID SEARCH");
	imap_line_add(line, " ALL");
	imap_line_send(line);
	return f->cmd.priv->lines > 0;
}

/* Those that are there. If that is all of them, BAD meant something else. */
static bool
fetch_there(struct imap_fetching *f)
{
	struct imap_fetching_priv *p = f->priv;
	struct uidset absent = { 0 }, there = { 0 };
	bool again;

	p->stage = FETCH_THERE;
	uidset_join(&absent, &p->refused);
	uidset_less(&absent, &p->there);
	uidset_join(&there, &p->refused);
	uidset_less(&there, &absent);
	again = f->cmd.err.kind == ERR_NONE && !uidset_empty(&absent);
	if (again) {
		fetch_send(f, &there);
	} else if (f->cmd.err.kind == ERR_NONE || imap_cmd_refused(&f->cmd)) {
		f->cmd.err = p->why;
		f->cmd.status = p->status;
	}
	uidset_release(&absent);
	uidset_release(&there);
	return again && f->cmd.priv->lines > 0;
}

/* True: it was asked once more, in another way. */
static bool
fetch_otherwise(struct imap_fetching *f)
{
	struct imap_fetching_priv *p = f->priv;
	const struct imap_cmd *cmd = &f->cmd;

	if (p->stage == FETCH_SEARCH)
		return fetch_there(f);
	if (!imap_cmd_refused(cmd) || cmd->status != IMAP_BAD ||
	    uidset_empty(&p->refused) || p->stage == FETCH_THERE ||
	    cmd->priv->session->selecting > 0)
		return false;
	if (p->stage == FETCH_FIRST) {
		p->why = cmd->err;
		p->status = cmd->status;
		if (fetch_lower(f))
			return true;
	}
	return fetch_search(f);
}

static void
fetch_on_done(struct imap_cmd *cmd)
{
	struct imap_fetching *f = (struct imap_fetching *)cmd;
	struct imap_fetching_priv *p = f->priv;

	if (p->stage == FETCH_LOW && cmd->err.kind == ERR_NONE)
		cmd->priv->session->low_uids = true;
	if (fetch_goes_on(f) || fetch_otherwise(f))
		return;
	uidset_release(&p->uids);
	uidset_release(&p->refused);
	uidset_release(&p->left);
	uidset_release(&p->there);
	free(p);
	f->priv = NULL;
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
	f->cmd.priv->on_line = fetch_on_line;
	f->cmd.priv->on_done = fetch_on_done;
	fetch_send(f, args->uids);
	imap_cmd_started(&f->cmd);
}
