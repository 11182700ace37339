/*
 * The command UID SEARCH, which asks for sets of UIDs. With ESEARCH the answer
 * says how many there are, so that it can be seen to be whole; a server whose
 * ESEARCH gives no such answer is asked again in the old form, and no more with
 * the new one in this session. Not so where the folder could not be selected:
 * there nothing can be found. The same where it is to keep what it finds (RFC
 * 5182).
 */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

struct imap_searching_priv {
	char *criteria;
	bool extended;		/* asked with RETURN */
	bool beside;		/* other commands: in no other form */
	bool keep, kept;	/* the result; in what was kept */
	bool plain;		/* a SEARCH line came */
	bool has_count;
	uint32_t count;
	uint64_t told;		/* UIDs, those told twice twice */
	bool limited;		/* more is to be found below this UID: */
	uint32_t reached;
};

/* Nobody can find more messages than there are, nor again and again. */
static bool
search_credible(struct imap_searching *q, const struct imap_search *got)
{
	struct imap_session *s = q->cmd.priv->session;

	if (!imap_cmd_answer(&q->cmd, UINT64_MAX))
		return false;
	q->priv->told += uidset_count(&got->uids);
	if (q->priv->told <= 4 * (uint64_t)q->cmd.priv->most + 1000 &&
	    q->uids.n <= IMAP_RANGES_MAX)
		return true;
	imap_session_dropf(s, ERR_PROTO,
	    "%s finds more messages than it said there are", s->host);
	return false;
}

static void
search_on_data(struct imap_cmd *cmd, const struct imap_resp *r)
{
	struct imap_searching *q = (struct imap_searching *)cmd;
	const struct imap_search *got = &r->search;

	if (r->kind != IMAP_SEARCH || !search_credible(q, got))
		return;
	for (size_t i = 0; i < got->uids.n; i++)
		uidset_add_range(&q->uids, got->uids.range[i].first,
		    got->uids.range[i].last);
	if (!got->esearch)
		q->priv->plain = true;
	if (got->has_count) {
		q->priv->has_count = true;
		q->priv->count += got->count;
	}
}

static bool
search_whole(const struct imap_searching *q)
{
	const struct imap_searching_priv *p = q->priv;

	if (p->plain)
		return !p->beside;
	return !p->extended ||
	    (p->has_count && p->count == uidset_count(&q->uids));
}

static void
search_send(struct imap_searching *q)
{
	struct imap_line *line = imap_line_new(&q->cmd, "UID SEARCH");

	if (q->priv->extended)
		imap_line_add(line, q->priv->keep ? " RETURN (SAVE ALL COUNT)" :
		    " RETURN (ALL COUNT)");
	if (q->priv->reached > 0)
		imap_line_add(line, " UID 1:%" PRIu32, q->priv->reached - 1);
	imap_line_add(line, " %s", q->priv->criteria);
	imap_line_send(line);
}

/* RFC 9738: a part, from the highest UID down to that one. */
static bool
search_on_line(struct imap_cmd *cmd, struct imap_line *line,
    const struct imap_resp *r)
{
	struct imap_searching_priv *p = ((struct imap_searching *)cmd)->priv;

	(void)line;
	if (r->code.kind != CODE_MESSAGELIMIT || r->status != IMAP_OK)
		return false;
	p->limited = r->code.number > 1;
	/* One that does not go down would never end. */
	if (p->reached > 0 && r->code.number >= p->reached)
		imap_cmd_fail(cmd, ERR_REFUSED, "%s searches in parts without "
		    "an end", cmd->priv->session->host);
	p->reached = (uint32_t)r->code.number;
	return true;
}

/*
 * The rest of it. Where several answers are to fit together, or the server is
 * to keep what it found, parts are of no use.
 */
static bool
search_rest(struct imap_searching *q)
{
	struct imap_searching_priv *p = q->priv;
	struct imap_session *s = q->cmd.priv->session;

	if (!p->limited || q->cmd.err.kind != ERR_NONE)
		return false;
	p->limited = false;
	if (p->beside) {
		s->caps_off |= CAP_ESEARCH | CAP_SEARCHRES;
		imap_cmd_fail(&q->cmd, ERR_REFUSED, "%s searches in parts "
		    "only", s->host);
		return false;
	}
	search_send(q);
	return q->cmd.priv->lines > 0;
}

static bool
search_again(struct imap_searching *q)
{
	imap_cmd_forget(&q->cmd);
	uidset_clear(&q->uids);
	q->priv->told = 0;
	q->priv->reached = 0;
	q->priv->plain = q->priv->has_count = false;
	q->priv->count = 0;
	search_send(q);
	return q->cmd.priv->lines > 0;
}

/* In a form that asks for less, if there is one. */
static bool
search_otherwise(struct imap_searching *q, struct imap_session *s)
{
	struct imap_searching_priv *p = q->priv;

	if (p->keep || p->kept) {
		s->caps_off |= CAP_SEARCHRES;
		if (p->kept)
			return false;
		p->keep = false;
		return search_again(q);
	}
	s->caps_off |= CAP_ESEARCH;
	if (p->beside)
		return false;
	p->extended = false;
	return search_again(q);
}

static void
search_on_done(struct imap_cmd *cmd)
{
	struct imap_searching *q = (struct imap_searching *)cmd;
	struct imap_session *s = cmd->priv->session;
	bool more = search_rest(q), refused = imap_cmd_refused(cmd);
	bool broken = cmd->err.kind == ERR_NONE && !search_whole(q);

	if (more)
		return;
	if (q->priv->extended && !s->no_box && s->selecting == 0 &&
	    (refused || broken) && search_otherwise(q, s))
		return;
	if (q->priv->beside && broken)
		imap_cmd_fail(cmd, ERR_REFUSED, "%s gives no complete answer "
		    "to UID SEARCH RETURN", s->host);
	q->kept = q->priv->keep && cmd->err.kind == ERR_NONE;
	free(q->priv->criteria);
	free(q->priv);
	q->priv = NULL;
}

static void
search_start(struct imap_session *s, struct imap_searching *q,
    struct task *task, const struct imap_searching_priv *as)
{
	imap_cmd_init(&q->cmd, s, task);
	q->uids = (struct uidset){ 0 };
	q->kept = false;
	q->priv = xcalloc(1, sizeof(*q->priv));
	*q->priv = *as;
	q->priv->extended = as->beside ||
	    (imap_session_caps(s) & CAP_ESEARCH) != 0;
	q->cmd.priv->on_data = search_on_data;
	q->cmd.priv->on_line = search_on_line;
	q->cmd.priv->on_done = search_on_done;
	search_send(q);
	imap_cmd_started(&q->cmd);
}

void
imap_search_start(struct imap_session *s, struct imap_searching *q,
    struct task *task, const char *criteria)
{
	const struct imap_searching_priv as = {
		.criteria = xstrdup(criteria),
	};

	search_start(s, q, task, &as);
}

void
imap_search_beside_start(struct imap_session *s, struct imap_searching *q,
    struct task *task, const char *criteria)
{
	const struct imap_searching_priv as = {
		.criteria = xstrdup(criteria), .beside = true,
	};

	search_start(s, q, task, &as);
}

void
imap_search_keep_start(struct imap_session *s, struct imap_searching *q,
    struct task *task, const char *criteria)
{
	const struct imap_searching_priv as = {
		.criteria = xstrdup(criteria), .beside = true,
		.keep = (imap_session_caps(s) & CAP_SEARCHRES) != 0,
	};

	search_start(s, q, task, &as);
}

void
imap_search_kept_start(struct imap_session *s, struct imap_searching *q,
    struct task *task, const char *key)
{
	const struct imap_searching_priv as = {
		.criteria = xasprintf("UID $%s%s", *key != '\0' ? " " : "",
		    key),
		.beside = true, .kept = true,
	};

	search_start(s, q, task, &as);
}

void
imap_searching_release(struct imap_searching *q)
{
	uidset_release(&q->uids);
	imap_cmd_release(&q->cmd);
}
