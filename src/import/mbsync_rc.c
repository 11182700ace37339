/* Reads mbsync's configuration into sections, lines and words. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "import/mbsync.h"

/* The file, and how far it was read. */
struct reading {
	const char *p, *end;
	const char *path;
	unsigned number;	/* of the line */
};

static const char *const kinds[] = {
	"IMAPAccount", "IMAPStore", "MaildirStore", "Channel", "Group",
};

static bool
is_kind(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcasecmp(word, kinds[i]) == 0)
			return true;
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static void
line_release(struct mbsync_line *l)
{
	while (l->n > 0)
		str_wipe_free(l->word[--l->n]);
	free(l->word);
}

/* --- one line --- */

/* A word begins at *p: its text, with room for as much as the line has. False:
 * a quote is not closed. */
static bool
read_word(const char **p, const char *end, char *out)
{
	bool quoted = false, escaped = false;
	const char *s;

	for (s = *p; s < end && (quoted || escaped || !is_blank(*s)); s++) {
		if (!escaped && *s == '\\') {
			escaped = true;
		} else if (!escaped && *s == '"') {
			quoted = !quoted;
		} else {
			*out++ = *s;
			escaped = false;
		}
	}
	*out = '\0';
	*p = s;
	return !quoted && !escaped;
}

static int
read_words(struct reading *r, const char *end, struct mbsync_line *out,
    struct err *err)
{
	const char *p = r->p;

	*out = (struct mbsync_line){ .number = r->number };
	for (;;) {
		char **word;

		while (p < end && is_blank(*p))
			p++;
		if (p == end || *p == '#')
			return 0;
		word = VEC_ADD(out->word, out->n, out->cap);
		*word = xcalloc(1, (size_t)(end - p) + 1);
		if (!read_word(&p, end, *word))
			return err_set(err, ERR_CONFIG, "%s:%u: a quote is "
			    "not closed", r->path, r->number);
	}
}

/* Nothing at all stands in it: the section ends. A comment ends none. */
static bool
is_empty(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p == end;
}

static const char *
line_end(const struct reading *r)
{
	const char *end = memchr(r->p, '\n', (size_t)(r->end - r->p));

	return end == NULL ? r->end : end;
}

/* --- sections --- */

/* The one that the line belongs to; NULL: it stands where none can. */
static struct mbsync_section *
section_for(struct mbsync_rc *rc, struct mbsync_section *now,
    const struct mbsync_line *l)
{
	if (is_kind(l->word[0])) {
		if (now != NULL && !now->global)
			return NULL;
		return VEC_ADD(rc->section, rc->n, rc->cap);
	}
	if (now == NULL) {
		now = VEC_ADD(rc->section, rc->n, rc->cap);
		now->global = true;
	}
	return now;
}

static int
add_line(struct reading *r, struct mbsync_rc *rc, struct mbsync_section **now,
    const char *end, struct err *err)
{
	struct mbsync_line l;

	if (read_words(r, end, &l, err) == -1) {
		line_release(&l);
		return -1;
	}
	if (l.n == 0)
		return 0;
	*now = section_for(rc, *now, &l);
	if (*now == NULL) {
		err_set(err, ERR_CONFIG, "%s:%u: %s begins before an empty "
		    "line ended the section above; mbsync does not read it "
		    "either", r->path, r->number, l.word[0]);
		line_release(&l);
		return -1;
	}
	if (!(*now)->global && (*now)->n == 0 && (l.n < 2 ||
	    (l.n > 2 && strcasecmp(l.word[0], "Group") != 0))) {
		err_set(err, ERR_CONFIG, "%s:%u: %s wants one name",
		    r->path, r->number, l.word[0]);
		line_release(&l);
		return -1;
	}
	*VEC_ADD((*now)->line, (*now)->n, (*now)->cap) = l;
	return 0;
}

int
mbsync_rc_parse(struct span text, const char *path, struct mbsync_rc *out,
    struct err *err)
{
	struct reading r = { text.p, text.p + text.n, path, 0 };
	struct mbsync_section *now = NULL;

	*out = (struct mbsync_rc){ .n = 0 };
	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
		return err_set(err, ERR_CONFIG, "%s is no text file", path);
	while (r.p < r.end) {
		const char *end = line_end(&r);

		r.number++;
		if (is_empty(r.p, end)) {
			now = NULL;
		} else if (add_line(&r, out, &now, end, err) == -1) {
			mbsync_rc_release(out);
			return -1;
		}
		r.p = end < r.end ? end + 1 : end;
	}
	return 0;
}

void
mbsync_rc_release(struct mbsync_rc *rc)
{
	while (rc->n > 0) {
		struct mbsync_section *s = &rc->section[--rc->n];

		while (s->n > 0)
			line_release(&s->line[--s->n]);
		free(s->line);
	}
	free(rc->section);
	*rc = (struct mbsync_rc){ .n = 0 };
}

/* --- looking things up --- */

bool
mbsync_is(const struct mbsync_section *s, const char *kind)
{
	return !s->global && strcasecmp(s->line[0].word[0], kind) == 0;
}

const char *
mbsync_name(const struct mbsync_section *s)
{
	return s->global ? "" : s->line[0].word[1];
}

const struct mbsync_section *
mbsync_section(const struct mbsync_rc *rc, const char *kind, const char *name)
{
	size_t i;

	for (i = 0; i < rc->n; i++)
		if (mbsync_is(&rc->section[i], kind) &&
		    strcmp(mbsync_name(&rc->section[i]), name) == 0)
			return &rc->section[i];
	return NULL;
}

const struct mbsync_line *
mbsync_find(const struct mbsync_section *s, const char *keyword,
    const char *other)
{
	size_t i;

	for (i = s->n; i > 0; i--) {
		const struct mbsync_line *l = &s->line[i - 1];

		if (strcasecmp(l->word[0], keyword) == 0 || (other != NULL &&
		    strcasecmp(l->word[0], other) == 0))
			return l;
	}
	return NULL;
}

const char *
mbsync_value(const struct mbsync_section *s, const char *keyword)
{
	const struct mbsync_line *l = mbsync_find(s, keyword, NULL);

	return l == NULL || l->n < 2 ? NULL : l->word[1];
}
