/* Reads what mbsync last agreed on: .mbsyncstate, .uidvalidity, names. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "import/mbsync.h"
#include "mail/flags.h"

#define UID_MOST	4294967295u

/* The next line, without its end; false: there is none. cut: its end is not
 * there. */
struct lines {
	const char *p, *end;
	unsigned number;
	bool cut;
};

static bool
next_line(struct lines *l, struct span *out)
{
	const char *end;

	if (l->p == l->end)
		return false;
	end = memchr(l->p, '\n', (size_t)(l->end - l->p));
	l->cut = end == NULL;
	if (l->cut)
		end = l->end;
	*out = (struct span){ l->p, (size_t)(end - l->p) };
	l->p = l->cut ? end : end + 1;
	l->number++;
	return true;
}

/* Up to the next blank, which is taken away too. */
static struct span
next_word(struct span *s)
{
	const char *blank = s->n == 0 ? NULL : memchr(s->p, ' ', s->n);
	struct span word = { s->p, blank == NULL ? s->n :
	    (size_t)(blank - s->p) };
	const size_t taken = blank == NULL ? s->n : word.n + 1;

	s->p += taken;
	s->n -= taken;
	return word;
}

/* --- the header --- */

static bool
take_number(struct mbsync_state *s, struct span key, uint64_t n)
{
	if (span_eq(key, "FarUidValidity") || span_eq(key, "MasterUidValidity"))
		s->far_validity = n;
	else if (span_eq(key, "NearUidValidity") ||
	    span_eq(key, "SlaveUidValidity"))
		s->near_validity = n;
	else if (span_eq(key, "MaxPulledUid"))
		s->max_pulled = (uint32_t)n;
	else if (span_eq(key, "MaxPushedUid"))
		s->max_pushed = (uint32_t)n;
	else
		return span_eq(key, "MaxExpiredFarUid") ||
		    span_eq(key, "MaxExpiredNearUid") ||
		    span_eq(key, "MaxExpiredMasterUid") ||
		    span_eq(key, "MaxExpiredSlaveUid");
	return true;
}

static bool
header_line(struct mbsync_state *s, struct span line)
{
	struct span key = next_word(&line);
	uint64_t n;

	return span_number(line, UID_MOST, &n) && take_number(s, key, n);
}

/* --- the pairs --- */

/* What stands before the flags. */
static void
take_marks(struct mbsync_pair *p, struct span *flags)
{
	for (; flags->n > 0; flags->p++, flags->n--) {
		const char c = *flags->p;

		if (c == '<' || c == '>')
			p->dummy = true;
		else if (c == '~' || c == 'X' || c == '^')
			p->partial = true;
		else
			return;
	}
}

/* One that was left out for its size has no UID there, by a number of old. */
static bool
uid_of(struct span word, struct mbsync_pair *p, uint32_t *out)
{
	uint64_t n;

	if (!span_number(word, UID_MOST, &n))
		return false;
	p->partial |= n == UID_MOST;
	*out = n == UID_MOST ? 0 : (uint32_t)n;
	return true;
}

static bool
pair_line(struct mbsync_state *s, struct span line)
{
	struct mbsync_pair p = { .far = 0 };
	struct span far = next_word(&line), near = next_word(&line);
	size_t i;

	if (!uid_of(far, &p, &p.far) || !uid_of(near, &p, &p.near))
		return false;
	take_marks(&p, &line);
	for (i = 0; i < line.n; i++) {
		if (flag_from_letter(line.p[i]) == 0)
			return false;
		p.flags |= flag_from_letter(line.p[i]);
	}
	*VEC_ADD(s->pair, s->n, s->cap) = p;
	return true;
}

static int
bad_line(const struct lines *l, struct err *err)
{
	return err_set(err, ERR_CONFIG, "line %u is not as mbsync writes it",
	    l->number);
}

static int
parse_header(struct lines *l, struct mbsync_state *s, struct err *err)
{
	struct span line;

	while (next_line(l, &line) && !l->cut) {
		if (line.n == 0)
			return s->far_validity != 0 && s->near_validity != 0 ?
			    0 : err_set(err, ERR_CONFIG, "no UIDVALIDITY is "
			    "in it");
		if (!header_line(s, line))
			return bad_line(l, err);
	}
	return err_set(err, ERR_CONFIG, "it ends too early");
}

int
mbsync_state_parse(struct span text, struct mbsync_state *out,
    struct err *err)
{
	struct lines l = { text.p, text.p + text.n, 0, false };
	struct span line;
	int rc;

	*out = (struct mbsync_state){ .n = 0 };
	rc = parse_header(&l, out, err);
	while (rc == 0 && next_line(&l, &line))
		if (l.cut)
			rc = err_set(err, ERR_CONFIG, "it ends within line %u",
			    l.number);
		else if (!pair_line(out, line))
			rc = bad_line(&l, err);
	if (rc == -1)
		mbsync_state_release(out);
	return rc;
}

void
mbsync_state_release(struct mbsync_state *s)
{
	free(s->pair);
	*s = (struct mbsync_state){ .n = 0 };
}

/* --- beside the messages --- */

bool
mbsync_validity_parse(struct span text, uint64_t *out, uint64_t *count)
{
	struct lines l = { text.p, text.p + text.n, 0, false };
	struct span first, second;

	return next_line(&l, &first) && !l.cut && next_line(&l, &second) &&
	    span_number(second, UID_MOST, count) &&
	    span_number(first, UID_MOST, out) && *out != 0;
}

uint32_t
mbsync_file_uid(const char *file)
{
	const char *p = strstr(file, ",U=");
	uint64_t n = 0;
	size_t digits;

	if (p == NULL)
		return 0;
	p += 3;
	digits = strspn(p, "0123456789");
	if (!span_number((struct span){ p, digits }, UID_MOST, &n))
		return 0;
	return (uint32_t)n;
}
