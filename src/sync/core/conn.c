/* Ends a connection, politely or not. */
#include "core/run.h"
#include "imap/open.h"

void
conn_count(struct conn *c)
{
	struct sync_result *r;
	struct imap_stats now;

	if (c->session == NULL || c->account->run == NULL)
		return;
	r = &c->account->run->report.result;
	imap_session_stats(c->session, &now);
	r->round_trips += now.round_trips - c->counted.round_trips;
	r->bytes_in += now.bytes_in - c->counted.bytes_in;
	r->bytes_out += now.bytes_out - c->counted.bytes_out;
	c->counted = now;
	c->account->run->met.caps_once |= imap_session_distrusted(c->session);
}

void
conn_close(struct conn *c, bool polite)
{
	struct account *a = c->account;

	if (c->session == NULL)
		return;
	conn_count(c);
	c->lost_caps = imap_session_lost_at(c->session);
	if (a->run != NULL)
		a->run->past.caps_lost |= c->lost_caps;
	c->counted = (struct imap_stats){ 0 };
	c->first = 0;
	c->mixed = false;
	c->risked = 0;
	imap_close_start(c->session, a->run != NULL ? &a->run->task : &a->task,
	    polite);
	c->session = NULL;
}

void
conn_cut(struct conn *c)
{
	conn_close(c, false);
}
