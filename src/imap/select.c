/*
 * The commands SELECT and EXAMINE, which open a folder. While another one is
 * open, what arrives before the mark of the change ("[CLOSED]", RFC 7162
 * section 3.2.11, or the new UIDVALIDITY) still speaks of that one and is not
 * passed on.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/flags.h"

struct imap_select_priv {
	struct imap_flow flow;
	char *raw;
	bool examine;
	uint64_t uidvalidity;
	uint64_t modseq;
	struct uidrange known;
	bool plain;			/* without parameters */
	bool open;			/* data is about this folder */
	bool has_exists, has_flags, has_permanent;
	unsigned listed;		/* FLAGS */
};

static void
select_flags(struct imap_box *box, const struct imap_flags *f)
{
	box->permanent = f->flags;
	box->permanent_any = f->any;
	/* $Forwarded is a keyword to the server. */
	if (f->any)
		box->permanent |= FLAG_PASSED;
	free(box->permanent_keywords);
	box->permanent_keywords = xstrdup(f->keywords != NULL ?
	    f->keywords : "");
}

static void
select_known(struct imap_box *box, const struct imap_flags *f)
{
	box->known = f->flags;
	free(box->known_keywords);
	box->known_keywords = xstrdup(f->keywords != NULL ? f->keywords : "");
}

static void
select_forget(struct imap_box *box)
{
	free(box->permanent_keywords);
	free(box->known_keywords);
	free(box->mailbox_id);
	box->permanent_keywords = box->known_keywords = NULL;
	box->mailbox_id = NULL;
}

/* "(id)": what is in the parentheses. */
static void
select_mailbox_id(struct imap_box *box, struct span args)
{
	if (args.n < 3 || args.p[0] != '(' || args.p[args.n - 1] != ')')
		return;
	free(box->mailbox_id);
	box->mailbox_id = xstrndup(args.p + 1, args.n - 2);
}

/* [CLOSED]: what came so far was about the folder before. */
static void
select_restart(struct imap_select *q)
{
	select_forget(&q->box);
	q->box = (struct imap_box){ .read_only = q->priv->examine };
	q->priv->open = true;
	q->priv->has_exists = q->priv->has_permanent = false;
	q->priv->has_flags = false;
}

static void
select_code(struct imap_select *q, const struct imap_resp *r)
{
	struct imap_box *box = &q->box;

	switch (r->code.kind) {
	case CODE_CLOSED:
		select_restart(q);
		break;
	case CODE_UIDVALIDITY:
		box->uidvalidity = r->code.number;
		q->priv->open = true;
		break;
	case CODE_UIDNEXT:
		box->uidnext = (uint32_t)r->code.number;
		break;
	case CODE_HIGHESTMODSEQ:
		box->modseq = r->code.number;
		break;
	case CODE_NOMODSEQ:
		box->modseq = 0;
		break;
	case CODE_UIDNOTSTICKY:
		box->uid_not_sticky = true;
		break;
	case CODE_PERMANENTFLAGS:
		select_flags(box, &r->flags);
		q->priv->has_permanent = true;
		break;
	case CODE_MAILBOXID:
		select_mailbox_id(box, r->code.args);
		break;
	case CODE_READ_ONLY:
		box->read_only = true;
		break;
	case CODE_READ_WRITE:
		box->read_only = q->priv->examine;
		break;
	default:
		break;
	}
}

static void
select_on_data(struct imap_cmd *cmd, const struct imap_resp *r)
{
	struct imap_select *q = (struct imap_select *)cmd;
	struct imap_select_priv *p = q->priv;
	uint64_t asked = 0;

	switch (r->kind) {
	case IMAP_STATUS_LINE:
		select_code(q, r);
		break;
	case IMAP_EXISTS:
		p->has_exists = true;
		break;
	case IMAP_FLAGS:
		p->has_flags = true;
		select_known(&q->box, &r->flags);
		/* RFC 3501 section 7.1: without PERMANENTFLAGS all of these. */
		if (!p->has_permanent) {
			select_flags(&q->box, &r->flags);
			q->box.permanent_any = false;
		}
		break;
	default:
		if (!p->open && !(r->kind == IMAP_VANISHED &&
		    r->vanished.earlier))
			return;
		imap_sink_feed(&q->sink, &p->flow, r);
		asked = UINT64_MAX;	/* all that changed */
		break;
	}
	imap_cmd_answer(cmd, asked);
}

static void
select_qresync(struct imap_line *line, const struct imap_select_priv *p)
{
	imap_line_add(line, " (QRESYNC (%" PRIu64 " %" PRIu64, p->uidvalidity,
	    p->modseq);
	if (p->known.first != 0)
		imap_line_add(line, " %" PRIu32 ":%" PRIu32, p->known.first,
		    p->known.last);
	imap_line_add(line, "))");
}

static void
select_send(struct imap_select *q)
{
	struct imap_select_priv *p = q->priv;
	struct imap_session *s = q->cmd.priv->session;
	struct imap_line *line = imap_line_new(&q->cmd,
	    p->examine ? "EXAMINE" : "SELECT");

	imap_line_astring(line, p->raw);
	/* Never with modseq 0: some servers refuse that. */
	if (!p->plain && (s->enabled & CAP_QRESYNC) && p->modseq != 0 &&
	    p->uidvalidity != 0 && p->uidvalidity <= IMAP_VALIDITY_EXACT)
		select_qresync(line, p);
	else if (!p->plain && (imap_session_caps(s) & CAP_CONDSTORE))
		imap_line_add(line, " (CONDSTORE)");
	else
		p->plain = true;
	imap_line_send(line);
}

static bool
select_on_line(struct imap_cmd *cmd, struct imap_line *line,
    const struct imap_resp *r)
{
	struct imap_select *q = (struct imap_select *)cmd;

	(void)line;
	select_code(q, r);
	return false;
}

/* "(\*)" and nothing else: all that the folder knows, new ones too. Who says
 * nothing at all has those of RFC 3501. */
static void
select_complete(struct imap_box *box, const struct imap_select_priv *p)
{
	if (!p->has_flags && !p->has_permanent)
		box->permanent = FLAG_ALL & ~(unsigned)FLAG_PASSED;
	else if (box->permanent_any && *box->permanent_keywords == '\0' &&
	    (box->permanent & ~(unsigned)FLAG_PASSED) == 0)
		box->permanent |= box->known;
}

static void
select_end(struct imap_select *q)
{
	struct imap_session *s = q->cmd.priv->session;
	struct imap_select_priv *p = q->priv;
	bool ok = q->cmd.err.kind == ERR_NONE;

	s->selecting--;
	/* RFC 3501 section 6.3.1: a failed one leaves nothing selected. */
	s->selected = ok;
	s->no_box = !ok;
	if (!ok || !p->has_exists)
		s->exists = 0;
	q->box.exists = s->exists;
	select_complete(&q->box, p);
	s->box_modseq = ok && q->box.modseq != 0;
	/* iCloud enables without saying so; the number is the proof. */
	if (s->box_modseq && (imap_session_caps(s) & CAP_CONDSTORE))
		s->enabled |= CAP_CONDSTORE;
	free(p->raw);
	free(p);
	q->priv = NULL;
}

/*
 * BAD for the parameters: the server offered what it does not know. Then the
 * plain form, and modseq 0 tells the caller that no changes were reported.
 */
static void
select_on_done(struct imap_cmd *cmd)
{
	struct imap_select *q = (struct imap_select *)cmd;
	struct imap_session *s = cmd->priv->session;

	if (imap_cmd_refused(cmd) && cmd->status == IMAP_BAD &&
	    !q->priv->plain) {
		imap_session_distrust(s, CAP_QRESYNC | CAP_CONDSTORE);
		imap_cmd_forget(cmd);
		select_restart(q);
		q->priv->plain = q->again = true;
		select_send(q);
		if (cmd->priv->lines > 0)
			return;
	}
	if (q->priv->plain && (s->caps_off & CAP_CONDSTORE))
		q->box.modseq = 0;
	select_end(q);
}

void
imap_select_start(struct imap_session *s, struct imap_select *q,
    struct task *task, const struct imap_select_args *args)
{
	struct imap_select_priv *p = xcalloc(1, sizeof(*p));

	imap_cmd_init(&q->cmd, s, task);
	q->box = (struct imap_box){ .read_only = args->examine };
	q->again = false;
	q->sink = args->sink;
	q->priv = p;
	p->raw = xstrdup(args->raw);
	p->examine = args->examine;
	p->uidvalidity = args->uidvalidity;
	p->modseq = args->modseq;
	p->known = args->known;
	p->open = !s->selected && s->selecting == 0;
	q->cmd.priv->on_data = select_on_data;
	q->cmd.priv->on_line = select_on_line;
	q->cmd.priv->on_done = select_on_done;
	s->selecting++;
	select_send(q);
	imap_cmd_started(&q->cmd);
}

void
imap_select_release(struct imap_select *q)
{
	select_forget(&q->box);
	imap_cmd_release(&q->cmd);
}
