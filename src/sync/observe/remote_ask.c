/* Asks the server for what one look at a folder needs. */
#include "observe/remote.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/learned.h"
#include "imap/quirks.h"

bool
observe_has_changes(const struct observe *o, uint64_t modseq)
{
	return o->known_next > 1 && modseq != o->pass.folder->row.modseq;
}

/* Of the messages that the index has: all, or what changed. */
static unsigned
ask_about_known(const struct observe *o, uint64_t modseq)
{
	unsigned what = 0;

	if (o->full && o->known_next > 1)
		return o->by_sets ? ASKED_OLDER : ASKED_CHANGES;
	if (o->full || !observe_has_changes(o, modseq))
		return 0;
	if (!o->qresync)
		what |= ASKED_CHANGES;
	if (o->split > 1)
		what |= ASKED_OLDER;
	return what;
}

/* News do not reach below known_next. */
static bool
has_late_uploads(const struct observe *o)
{
	uint32_t uid = 0;

	return !o->fault && uidset_next(&o->uploads, &uid) &&
	    uid < o->known_next;
}

unsigned
ask_what(const struct observe *o, uint64_t modseq, uint32_t uidnext)
{
	unsigned what = ask_about_known(o, modseq);

	if (o->n_probe > 0 && !o->fault && !o->probed)
		what |= ASKED_PROBES;
	if (o->full || uidnext == 0 || uidnext > o->known_next)
		what |= ASKED_NEWS;
	if (has_late_uploads(o))
		what |= ASKED_UPLOADS;
	return what;
}

void
ask_fetch(struct observe *o, struct imap_fetching *f, struct uidrange range,
    unsigned items)
{
	struct uidset uids = { .n = 0 };
	bool delta = !o->full && items == FETCH_FLAGS;
	struct imap_fetch_args args = {
		.uids = &uids, .items = items, .sink = rows_sink(o, o->ahead),
		.changed_since = delta ? o->pass.folder->row.modseq : 0,
	};

	uidset_add_range(&uids, range.first, range.last);
	imap_fetch_start(o->pass.conn->session, f, &o->pass.task, &args);
	uidset_release(&uids);
}

static void
ask_probes(struct observe *o)
{
	struct uidset uids = { .n = 0 };
	struct imap_fetch_args args = {
		.uids = &uids, .items = FETCH_META,
		.sink = rows_sink(o, o->ahead),
	};
	int i;

	for (i = o->n_probe - 1; i >= 0; i--)
		uidset_add(&uids, o->probe[i].uid);
	imap_fetch_start(o->pass.conn->session, &o->probing, &o->pass.task,
	    &args);
	uidset_release(&uids);
}

unsigned
ask_of_news(const struct observe *o)
{
	const struct imap_session *s = o->pass.conn->session;
	const bool known = (imap_session_caps(s) & (CAP_OBJECTID |
	    CAP_GMAIL)) || (imap_quirk_on(s, QUIRK_GUID) &&
	    learned_has_guid(o->pass.run));

	return FETCH_FLAGS | FETCH_META | (known ? FETCH_LINEAGE : 0);
}

static void
ask_uploads(struct observe *o)
{
	struct imap_fetch_args args = {
		.uids = &o->uploads, .items = ask_of_news(o),
		.sink = rows_sink(o, o->ahead),
	};

	imap_fetch_start(o->pass.conn->session, &o->showing, &o->pass.task,
	    &args);
}

char *
ask_criteria(const struct observe *o)
{
	if (o->full)
		return xasprintf("UID 1:%" PRIu32, o->known_next - 1);
	return xasprintf("UID 1:%" PRIu32 " MODSEQ %" PRIu64, o->split - 1,
	    o->pass.folder->row.modseq + 1);
}

static void
ask_older(struct observe *o)
{
	char *criteria = ask_criteria(o);

	imap_search_keep_start(o->pass.conn->session, &o->older,
	    &o->pass.task, criteria);
	free(criteria);
}

static void
ask_gone(struct observe *o)
{
	char *criteria = xasprintf("UID 1:%" PRIu32, o->known_next - 1);

	imap_search_start(o->pass.conn->session, &o->gone, &o->pass.task,
	    criteria);
	free(criteria);
}

void
ask(struct observe *o, unsigned what)
{
	uint32_t from = o->full || o->split == 0 ? 1 : o->split;

	o->asked |= what;
	if (what & ASKED_PROBES)
		ask_probes(o);
	if (what & ASKED_CHANGES)
		ask_fetch(o, &o->changes, (struct uidrange){ from,
		    o->known_next - 1 }, FETCH_FLAGS);
	if (what & ASKED_UPLOADS)
		ask_uploads(o);
	if (what & ASKED_NEWS)
		ask_fetch(o, &o->news, (struct uidrange){ o->known_next,
		    UID_LAST }, ask_of_news(o));
	if (what & ASKED_OLDER)	/* behind FETCH: rows go to the oldest */
		ask_older(o);
	if (what & ASKED_GONE)
		ask_gone(o);
}

int
asked_result(struct observe *o, struct err *err)
{
	const struct {
		unsigned what;
		const struct imap_cmd *cmd;
	} all[] = {
		{ ASKED_PROBES, &o->probing.cmd },
		{ ASKED_CHANGES, &o->changes.cmd },
		{ ASKED_UPLOADS, &o->showing.cmd },
		{ ASKED_OLDER, &o->older.cmd },
		{ ASKED_NEWS, &o->news.cmd },
		{ ASKED_GONE, &o->gone.cmd },
	};
	struct err why;
	bool failed = false;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int rc = o->asked & all[i].what ?
		    imap_result(all[i].cmd, &why) : 1;

		if (rc == 0)
			return 0;
		/* It is about UIDs that may be none. */
		if (rc == -1 && all[i].what == ASKED_UPLOADS &&
		    why.kind == ERR_REFUSED)
			continue;
		/* A lost connection says more than a refusal. */
		if (rc == -1 && (!failed || err->kind == ERR_REFUSED))
			*err = why;
		failed |= rc == -1;
	}
	return failed ? -1 : 1;
}

void
asked_release(struct observe *o)
{
	imap_cmd_release(&o->probing.cmd);
	imap_cmd_release(&o->changes.cmd);
	imap_cmd_release(&o->news.cmd);
	imap_cmd_release(&o->showing.cmd);
	o->probing = o->changes = o->news = o->showing =
	    (struct imap_fetching){ .rows = 0 };
	o->asked = 0;
}

void
asked_forget_sets(struct observe *o)
{
	imap_searching_release(&o->older);
	imap_searching_release(&o->gone);
	o->older = o->gone = (struct imap_searching){ .priv = NULL };
	o->older_told = o->gone_told = false;
	sets_release(o);
}
