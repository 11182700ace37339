/* What a run did to an account, as a line and as a JSON object. */
#include "ui/summary.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "internal.h"
#include "ui/json.h"

struct count {
	uint64_t n;
	const char *one, *many;
};

#define COUNTS 6

static void
counts_of(const struct summary_side *side, struct count out[COUNTS])
{
	out[0] = (struct count){ side->new, "new", "new" };
	out[1] = (struct count){ side->flags, "flag", "flags" };
	out[2] = (struct count){ side->deleted, "deleted", "deleted" };
	out[3] = (struct count){ side->moved, "moved", "moved" };
	out[4] = (struct count){ side->copied, "copied", "copied" };
	out[5] = (struct count){ side->folders, "folder", "folders" };
}

static bool
is_idle(const struct summary_side *side)
{
	return side->new == 0 && side->flags == 0 && side->deleted == 0 &&
	    side->moved == 0 && side->copied == 0 && side->folders == 0;
}

static void
add_count(struct buf *out, uint64_t n, const char *one, const char *many)
{
	buf_addf(out, "%llu %s", (unsigned long long)n, n == 1 ? one : many);
}

/* The largest first: what happened stands at the front. */
static void
add_side(struct buf *out, const char *verb, const struct summary_side *side)
{
	struct count counts[COUNTS];
	const char *before = " ";
	size_t i, top;

	if (is_idle(side))
		return;
	counts_of(side, counts);
	buf_addf(out, " %s", verb);
	for (;;) {
		for (top = i = 0; i < COUNTS; i++) {
			if (counts[i].n > counts[top].n)
				top = i;
		}
		if (counts[top].n == 0)
			break;
		buf_add_str(out, before);
		add_count(out, counts[top].n, counts[top].one,
		    counts[top].many);
		counts[top].n = 0;
		before = ", ";
	}
	buf_add_str(out, ";");
}

/* What is left: it explains an exit status that is not 0. */
static void
add_rest(struct buf *out, const struct summary *s)
{
	if (s->pending == 0 && s->held == 0)
		return;
	if (s->pending > 0)
		buf_addf(out, " %llu pending", (unsigned long long)s->pending);
	if (s->pending > 0 && s->held > 0)
		buf_add_str(out, ",");
	if (s->held > 0)
		buf_addf(out, " %llu held", (unsigned long long)s->held);
	buf_add_str(out, ";");
}

static void
add_bytes(struct buf *out, uint64_t n)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB" };
	double x = (double)n / 1000;
	size_t i;

	if (n < 1000) {
		buf_addf(out, "%llu B", (unsigned long long)n);
		return;
	}
	/* 999.5 would be printed as 1000. */
	for (i = 0; x >= 999.5 && i < 4; i++)
		x /= 1000;
	buf_addf(out, x < 9.95 ? "%.1f %s" : "%.0f %s", x, units[i]);
}

char *
summary_format_line(const struct summary *s)
{
	struct buf out;
	char *line;

	buf_init(&out, UI_LINE_MAX);
	buf_addf(&out, "%s:", s->account);
	add_side(&out, "pulled", &s->pulled);
	add_side(&out, "pushed", &s->pushed);
	if (is_idle(&s->pulled) && is_idle(&s->pushed))
		buf_add_str(&out, s->exit == 0 && s->pending == 0 &&
		    s->held == 0 ? " nothing to do;" : " nothing done;");
	add_rest(&out, s);
	buf_add_str(&out, " ");
	add_count(&out, s->round_trips, "round trip", "round trips");
	buf_add_str(&out, ", ");
	add_bytes(&out, s->bytes_in + s->bytes_out);
	buf_addf(&out, s->seconds < 99.95 ? ", %.1f s" : ", %.0f s",
	    s->seconds);
	line = xstrdup(buf_str(&out));
	buf_release(&out);
	return line;
}

static void
add_side_json(struct json_event *e, const char *key,
    const struct summary_side *side)
{
	json_event_enter(e, key);
	json_event_add_number(e, "new", side->new);
	json_event_add_number(e, "flags", side->flags);
	json_event_add_number(e, "deleted", side->deleted);
	json_event_add_number(e, "moved", side->moved);
	json_event_add_number(e, "copied", side->copied);
	json_event_add_number(e, "folders", side->folders);
	json_event_leave(e);
}

char *
summary_format_json(const struct summary *s)
{
	struct json_event *e = json_event_new("summary");
	uint64_t ms = s->seconds > 0 ? (uint64_t)(s->seconds * 1000 + 0.5) : 0;
	char *line;

	json_event_add_text(e, "account", s->account);
	add_side_json(e, "pulled", &s->pulled);
	add_side_json(e, "pushed", &s->pushed);
	json_event_add_number(e, "pending", s->pending);
	json_event_add_number(e, "held", s->held);
	json_event_add_number(e, "round_trips", s->round_trips);
	json_event_add_number(e, "bytes_in", s->bytes_in);
	json_event_add_number(e, "bytes_out", s->bytes_out);
	json_event_add_number(e, "fsyncs", s->fsyncs);
	json_event_add_real(e, "seconds", (double)ms / 1000);
	json_event_add_number(e, "exit", (uint64_t)s->exit);
	line = json_event_format(e);
	json_event_free(e);
	return line;
}
