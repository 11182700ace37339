/*
 * Second half of conf_text_init: which sections and keys the tokens make up,
 * each with its line. It stops at the first thing that is no statement: then
 * libconfuse has the word, except where it would blame a line below.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct walker {
	struct conf_text *text;
	size_t at;		/* next token */
	size_t section;		/* open now, or CONF_NO_SECTION */
	const struct conf_token *value;	/* the one just read */
	const struct conf_token *key;	/* its key */
};

static const struct conf_token *
peek(const struct walker *w, size_t ahead)
{
	static const struct conf_token end = { .kind = 0, .p = "" };
	size_t i = w->at + ahead;

	return i < w->text->n_tokens ? &w->text->tokens[i] : &end;
}

static bool
is_word(const struct conf_token *t)
{
	return t->kind == 'w' || t->kind == 'd' || t->kind == 's';
}

static char *
token_text(const struct conf_token *t)
{
	char *s = xmalloc(64 + 4);

	str_printable(s, 64, t->p, t->n);
	return s;
}

static struct conf_place
place_of(const struct walker *w, unsigned line)
{
	struct conf_place place = { .path = w->text->path, .line = line };

	if (w->section != CONF_NO_SECTION)
		place.section = w->text->sections[w->section].label;
	return place;
}

static int
open_section(struct walker *w, bool titled, struct err *err)
{
	struct conf_text *text = w->text;
	const struct conf_token *name = peek(w, 0);
	struct conf_place place;
	struct conf_section *s;
	char *title;
	size_t i;

	if (w->section != CONF_NO_SECTION) {
		s = &text->sections[w->section];
		place = place_of(w, s->line);
		return conf_fail(err, &place, "this section is not closed "
		    "before the next one begins; put a } at its end");
	}
	w->section = text->n_sections;
	s = VEC_ADD(text->sections, text->n_sections, text->cap_sections);
	s->line = name->line;
	s->name = token_text(name);
	title = titled ? token_text(peek(w, 1)) : NULL;
	s->label = titled ? xasprintf("%s %s", s->name, title) :
	    xstrdup(s->name);
	free(title);
	w->at += titled ? 3 : 2;
	for (i = 0; i < w->section; i++) {
		if (strcmp(text->sections[i].label, s->label) != 0)
			continue;
		place = place_of(w, s->line);
		return conf_fail(err, &place, titled ? "this name is taken "
		    "in line %u; give each account its own" : "there is one "
		    "in line %u already; put both together",
		    text->sections[i].line);
	}
	return 0;
}

static void
close_section(struct walker *w)
{
	if (w->section != CONF_NO_SECTION)
		w->text->sections[w->section].closed = true;
	w->section = CONF_NO_SECTION;
	w->at++;
}

/* True when double quotes change this text by more than \\ and \". */
static bool
is_rewritten(const struct conf_token *t)
{
	size_t i;

	for (i = 0; t->kind == 'd' && i + 1 < t->n; i++) {
		if (t->p[i] == '$' && t->p[i + 1] == '{')
			return true;
		if (t->p[i] != '\\')
			continue;
		if (t->p[i + 1] != '\\' && t->p[i + 1] != '"')
			return true;
		i++;
	}
	return false;
}

/* A value cut short by libconfuse, which would not say so. */
static int
check_value(const struct walker *w, struct err *err)
{
	const struct conf_token *t = w->value;
	struct conf_place place = place_of(w, t->line);
	bool secret = span_eq((struct span){ w->key->p, w->key->n },
	    "password");

	if (t->kind == 'w' && (t->hash == '#' || (secret && t->hash != 0)))
		return conf_fail(err, &place, "%.*s ends at the #, which "
		    "begins a comment; put the value in 'quotes'",
		    (int)w->key->n, w->key->p);
	if (secret && is_rewritten(t))
		return conf_fail(err, &place, "double quotes change this "
		    "password (\\ and ${ mean something there); "
		    "put it in 'single quotes'");
	return 0;
}

static int
walk_list(struct walker *w, struct err *err)
{
	for (w->at++; peek(w, 0)->kind != '}'; w->at++) {
		if (peek(w, 0)->kind == 0)
			return 0;
		if (!is_word(peek(w, 0)))
			continue;
		w->value = peek(w, 0);
		if (check_value(w, err) < 0)
			return -1;
	}
	w->at++;
	return 0;
}

static int
add_key(struct walker *w, const struct conf_token *key, struct err *err)
{
	struct conf_text *text = w->text;
	struct conf_place place = place_of(w, key->line);
	char *name = token_text(key);
	struct conf_setting *s;
	unsigned line = 0;

	if (w->section != CONF_NO_SECTION)
		line = conf_text_key_line(text, w->section, name);
	s = VEC_ADD(text->settings, text->n_settings, text->cap_settings);
	s->name = name;
	s->section = w->section;
	s->line = key->line;
	/* libconfuse would look for a key of another section. */
	if (strchr(name, '|') != NULL)
		return conf_fail(err, &place, "there is no key \"%s\"; see "
		    "syncrc(5) for those there are", name);
	if (line > 0)
		return conf_fail(err, &place, "%s is set in line %u already; "
		    "remove one of the two", name, line);
	return 0;
}

static int
read_key(struct walker *w, struct err *err)
{
	const struct conf_token *key = peek(w, 0);
	struct conf_place place = place_of(w, key->line);

	if (add_key(w, key, err) < 0)
		return -1;
	if (peek(w, 1)->kind == '+')
		return conf_fail(err, &place, "+= adds to nothing here; "
		    "write the whole value behind =");
	w->key = key;
	w->value = NULL;
	w->at += 2;
	if (peek(w, 0)->kind == '{')
		return walk_list(w, err);
	if (!is_word(peek(w, 0)) || peek(w, 0)->line != key->line)
		return conf_fail(err, &place, "%.*s has no value; write one "
		    "behind the =", (int)key->n, key->p);
	w->value = peek(w, 0);
	w->at++;
	return check_value(w, err);
}

/* A word where a key should be: mostly the rest of a value with blanks. */
static int
refuse_stray_word(struct walker *w, struct err *err)
{
	const struct conf_token *t = peek(w, 0);
	struct conf_place place = place_of(w, t->line);
	char word[32 + 4];

	w->at = w->text->n_tokens;
	if (w->value == NULL || w->value->line != t->line)
		return 0;
	if (span_eq((struct span){ w->key->p, w->key->n }, "password"))
		return conf_fail(err, &place, "there is something behind the "
		    "password; put the whole password in 'quotes'");
	str_printable(word, 32, t->p, t->n);
	return conf_fail(err, &place, "\"%s\" stands behind the value of "
	    "%.*s; put the whole value in \"quotes\"", word,
	    (int)w->key->n, w->key->p);
}

static int
read_statement(struct walker *w, struct err *err)
{
	char next = peek(w, 1)->kind;

	if (peek(w, 0)->kind == '}') {
		close_section(w);
		return 0;
	}
	if (!is_word(peek(w, 0))) {
		w->at = w->text->n_tokens;
		return 0;
	}
	if (next == '=' || next == '+')
		return read_key(w, err);
	if (next == '{')
		return open_section(w, false, err);
	if (is_word(peek(w, 1)) && peek(w, 2)->kind == '{')
		return open_section(w, true, err);
	return refuse_stray_word(w, err);
}

int
conf_text_walk(struct conf_text *text, struct err *err)
{
	struct walker w = { .text = text, .section = CONF_NO_SECTION };

	while (w.at < text->n_tokens) {
		if (read_statement(&w, err) < 0)
			return -1;
	}
	return 0;
}
