/* Ends a connection, politely or not. */
#include "core/run.h"
#include "imap/open.h"

void
conn_close(struct conn *c, bool polite)
{
	struct account *a = c->account;
	struct imap_stats stats;

	if (c->session == NULL)
		return;
	if (a->run != NULL) {
		struct sync_result *r = &a->run->report.result;

		imap_session_stats(c->session, &stats);
		r->round_trips += stats.round_trips;
		r->bytes_in += stats.bytes_in;
		r->bytes_out += stats.bytes_out;
	}
	imap_close_start(c->session, a->run != NULL ? &a->run->task : &a->task,
	    polite);
	c->session = NULL;
}

void
conn_cut(struct conn *c)
{
	conn_close(c, false);
}
