/* Lines for people, in which what servers and disks say is made printable. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "internal.h"

#define WORD_MAX	1000	/* bytes of a folder, a file name or a detail */
#define TEXT_MAX	(3 * (WORD_MAX + 4) + 256)

static void
add_printable(struct buf *out, const char *before, const char *s)
{
	char text[WORD_MAX + 4];

	if (s == NULL || *s == '\0')
		return;
	str_printable(text, WORD_MAX, s, strlen(s));
	buf_addf(out, "%s%s", before, text);
}

/* What people know it by, where that is known. */
static void
add_message(struct buf *out, const char *subject, const char *sender)
{
	add_printable(out, ", \"", subject);
	if (subject != NULL && *subject != '\0')
		buf_add_str(out, "\"");
	add_printable(out, ", from ", sender);
}

char *
op_format(const char *account, const struct sync_done *done)
{
	bool named = done->unique != NULL && *done->unique != '\0';
	struct buf out;
	char *line;

	buf_init(&out, TEXT_MAX);
	buf_add_str(&out, account);
	add_printable(&out, ": ", done->folder);
	buf_addf(&out, ": %s", sync_op_name(done->op));
	/* What is pushed gets its UID by that, which a dry run can't know; the
	 * line is to be the same. */
	if (done->uid != 0 && !(done->op == SYNC_PUSH && named))
		buf_addf(&out, " UID %lu", (unsigned long)done->uid);
	else
		add_printable(&out, " ", done->unique);
	add_printable(&out, " ", done->detail);
	add_message(&out, done->subject, done->sender);
	line = xstrdup(buf_str(&out));
	buf_release(&out);
	return line;
}

static void
add_age(struct buf *out, int64_t seconds)
{
	static const struct {
		int64_t below, unit;
		const char *name;
	} units[] = {
		{ 60 * 60, 60, "minute" },
		{ 48 * 60 * 60, 60 * 60, "hour" },
		{ INT64_MAX, 24 * 60 * 60, "day" },
	};
	int64_t n;
	size_t i = 0;

	/* A clock that was set back says nothing about age. */
	if (seconds < 0)
		return;
	if (seconds < 60) {
		buf_add_str(out, " (just now)");
		return;
	}
	while (seconds >= units[i].below)
		i++;
	n = seconds / units[i].unit;
	buf_addf(out, " (%lld %s%s ago)", (long long)n, units[i].name,
	    n == 1 ? "" : "s");
}

static void
add_time(struct buf *out, const char *before, int64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[64];
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm) == 0)
		text[0] = '\0';
	buf_addf(out, "%s%s", before, text);
}

static void
add_last_sync(struct buf *out, int64_t last, int64_t now)
{
	if (last == 0) {
		buf_add_str(out, "never in sync");
		return;
	}
	add_time(out, "last sync ", last);
	add_age(out, now - last);
}

/* Each with what stands before it, where it is there. */
char *
log_format(const char *account, const struct sync_log_entry *e)
{
	struct buf out;
	char *line;

	buf_init(&out, 8 * (WORD_MAX + 4) + 256);
	buf_addf(&out, "%s: [%lld]", account, (long long)e->id);
	add_time(&out, " ", e->at);
	if (e->run > 0)
		buf_addf(&out, ", r%lld", (long long)e->run);
	add_printable(&out, ": ", e->folder);
	add_printable(&out, ": ", e->what);
	if (e->uid != 0)
		buf_addf(&out, " UID %lu", (unsigned long)e->uid);
	else
		add_printable(&out, " ", e->unique);
	add_printable(&out, " ", e->detail);
	add_message(&out, e->subject, e->sender);
	add_printable(&out, ", ", e->message_id);
	add_printable(&out, ": ", e->why);
	line = xstrdup(buf_str(&out));
	buf_release(&out);
	return line;
}

char *
restored_format(const char *account, const struct sync_restored *what)
{
	static const char *const words[] = {
		[RESTORED] = "restored", [RESTORE_THERE] = "is there already,",
		[RESTORE_FILED] = "is not deleted,",
		[RESTORE_LOST] = "not restored: no copy is kept of it",
	};
	struct buf out;
	char *line;

	buf_init(&out, 8 * (WORD_MAX + 4) + 256);
	buf_addf(&out, "%s: [%lld]", account, (long long)what->id);
	add_printable(&out, " ", what->folder);
	buf_addf(&out, ": %s", words[what->as]);
	add_printable(&out, " ", what->file);
	add_message(&out, what->subject, what->sender);
	add_printable(&out, ", ", what->message_id);
	add_printable(&out, "; out of ", what->from);
	line = xstrdup(buf_str(&out));
	buf_release(&out);
	return line;
}

/* What a finding is about. */
static void
add_place(struct buf *out, const char *account, const struct sync_finding *f)
{
	buf_add_str(out, account);
	add_printable(out, ": ", f->folder);
	add_printable(out, ": ", f->unique);
	if (f->uid != 0)
		buf_addf(out, "%s UID %lu", f->unique != NULL ? "," : ":",
		    (unsigned long)f->uid);
}

char *
repaired_format(const char *account, const struct sync_finding *f)
{
	struct buf out;
	char *line;

	buf_init(&out, TEXT_MAX);
	add_place(&out, account, f);
	add_printable(&out, ": repaired: ", f->is);
	line = xstrdup(buf_str(&out));
	buf_release(&out);
	return line;
}

char *
finding_format(const char *account, const struct sync_finding *f)
{
	struct buf out;
	char *line;

	buf_init(&out, 8 * (WORD_MAX + 4) + 256);
	add_place(&out, account, f);
	add_printable(&out, ": ", f->is);
	add_printable(&out, "; expected: ", f->should);
	add_printable(&out, "; to do: ", f->remedy);
	line = xstrdup(buf_str(&out));
	buf_release(&out);
	return line;
}

static void
add_count(struct buf *out, const char *before, uint64_t n, const char *what)
{
	if (n > 0)
		buf_addf(out, "%s%llu %s", before, (unsigned long long)n, what);
}

char *
verified_format(const char *account, const struct sync_verified *v)
{
	struct buf out;
	char *line;

	buf_init(&out, TEXT_MAX);
	buf_addf(&out, "%s: %llu", account, (unsigned long long)v->messages);
	if (v->stopped && v->total > 0)
		buf_addf(&out, " of %llu", (unsigned long long)v->total);
	buf_addf(&out, " message%s in %llu folder%s: ",
	    v->messages == 1 && !v->stopped ? "" : "s",
	    (unsigned long long)v->folders, v->folders == 1 ? "" : "s");
	if (v->online)
		buf_addf(&out, "%llu compared with the server; ",
		    (unsigned long long)v->bodies);
	if (v->damaged == 0)
		buf_add_str(&out, "nothing is wrong");
	add_count(&out, "", v->damaged, v->damaged == 1 ? "thing is wrong" :
	    "things are wrong");
	add_count(&out, ", ", v->repaired, "repaired");
	add_count(&out, ", ", v->changed, "changed since the last sync");
	add_count(&out, ", ", v->foreign, "not mailtern's");
	if (v->never)
		buf_add_str(&out, "; it was never synced");
	if (v->stopped)
		buf_add_str(&out, "; the time was up before the end");
	line = xstrdup(buf_str(&out));
	buf_release(&out);
	return line;
}

char *
item_format(const struct sync_item *item, bool numbered)
{
	const char *text = item->text != NULL ? item->text : "";
	struct buf out;
	char *line;

	buf_init(&out, TEXT_MAX);
	if (numbered && item->id > 0)
		buf_addf(&out, "[%lld] ", (long long)item->id);
	add_printable(&out, "", text);
	/* That it was met just now for the first time goes without saying. */
	if (item->first > 0 && (numbered || item->first != item->last ||
	    item->tries > 1))
		add_time(&out, " (since ", item->first);
	else
		text = NULL;
	if (text != NULL && item->tries > 1)
		buf_addf(&out, ", tried %lu times", (unsigned long)item->tries);
	if (text != NULL && item->next > 0)
		add_time(&out, ", again after ", item->next);
	if (text != NULL && item->ignored)
		buf_add_str(&out, ", ignored");
	if (text != NULL)
		buf_add_str(&out, ")");
	line = xstrdup(buf_str(&out));
	buf_release(&out);
	return line;
}

char *
status_format(const char *account, const struct sync_status *s, int64_t now)
{
	const struct {
		uint64_t n;
		const char *what;
	} count[] = {
		{ s->outgoing, "to push" },
		{ s->incoming, "to pull" },
		{ s->held, s->held == 1 ? "needs you" : "need you" },
		{ s->ignored, "ignored" },
	};
	const char *before = ": ";
	struct buf out;
	char *line;
	size_t i;

	buf_init(&out, TEXT_MAX);
	buf_add_str(&out, account);
	for (i = 0; i < sizeof(count) / sizeof(count[0]); i++) {
		if (count[i].n == 0)
			continue;
		buf_addf(&out, "%s%llu %s", before,
		    (unsigned long long)count[i].n, count[i].what);
		before = ", ";
	}
	if (*before == ':')
		buf_add_str(&out, ": nothing waits");
	buf_add_str(&out, "; ");
	add_last_sync(&out, s->last_sync, now);
	if (s->busy)
		buf_add_str(&out, "; a sync is at work now");
	line = xstrdup(buf_str(&out));
	buf_release(&out);
	return line;
}
