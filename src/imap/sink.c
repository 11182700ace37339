/* Rows, bodies and vanished UIDs on their way to whoever asked for them. */
#include "internal.h"

/* A body that came as a quoted string looks like every other one. */
static void
sink_inline(const struct imap_sink *sink, struct imap_fetch *f)
{
	if (sink->body_begin != NULL)
		sink->body_begin(sink->arg, f->uid, (uint32_t)f->data.n);
	if (sink->body_data != NULL && f->data.n > 0)
		sink->body_data(sink->arg, f->data.p, f->data.n);
	if (sink->body_end != NULL)
		sink->body_end(sink->arg);
	f->body = BODY_STREAMED;
}

static void
sink_row(const struct imap_sink *sink, const struct imap_fetch *row,
    bool wanted)
{
	struct imap_fetch f = *row;

	if (!wanted)
		f.body = BODY_NONE;
	if (f.body == BODY_INLINE)
		sink_inline(sink, &f);
	if (f.uid != 0 && sink->row != NULL)
		sink->row(sink->arg, &f);
}

/* A body of another section than ours is no answer to us. */
void
imap_sink_feed(const struct imap_sink *sink, struct imap_flow *flow,
    const struct imap_resp *r)
{
	bool wanted = flow->section != NULL &&
	    (r->kind == IMAP_FETCH || r->kind == IMAP_BODY_BEGIN) &&
	    span_ieq(r->fetch.section, flow->section);

	switch (r->kind) {
	case IMAP_FETCH:
		sink_row(sink, &r->fetch, wanted);
		break;
	case IMAP_BODY_BEGIN:
		flow->in_body = wanted;
		if (wanted && sink->body_begin != NULL)
			sink->body_begin(sink->arg, r->fetch.uid,
			    r->fetch.size);
		break;
	case IMAP_BODY_DATA:
		if (flow->in_body && sink->body_data != NULL)
			sink->body_data(sink->arg, r->data.p, r->data.n);
		break;
	case IMAP_BODY_END:
		if (flow->in_body && sink->body_end != NULL)
			sink->body_end(sink->arg);
		flow->in_body = false;
		break;
	case IMAP_VANISHED:
		/* Left out, they are missing in the sum: then the folder is
		   listed. No memory is spent on what nobody can check. */
		flow->ranges += r->vanished.uids.n;
		if (sink->vanished != NULL && flow->ranges <= IMAP_RANGES_MAX)
			sink->vanished(sink->arg, &r->vanished.uids);
		break;
	default:
		break;
	}
}
