/*
 * The raw text of syncrc, before libconfuse reads it. libconfuse ends a bare
 * value at "#", drops "*" and "+" without a word, counts lines wrongly behind a
 * one-line comment of the C kind and refuses comments inside a list; and it
 * tells no line for a key once it is read. So the text is cut into the same
 * tokens here, comments are blanked out, and what would be read differently
 * from what was meant is refused. See also text_walk.c.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* The cursor over conf_text::text. */
struct reader {
	struct conf_text *text;
	size_t at;
	unsigned line;
};

int
conf_fail(struct err *err, const struct conf_place *place, const char *fmt,
    ...)
{
	char msg[sizeof(err->msg)];
	char line[16] = "";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (place->line > 0)
		snprintf(line, sizeof(line), ":%u", place->line);
	return err_set(err, ERR_CONFIG, "%s%s: %s%s%s", place->path, line,
	    place->section ? place->section : "", place->section ? ": " : "",
	    msg);
}

static int
fail_at(const struct reader *r, unsigned line, struct err *err,
    const char *msg)
{
	struct conf_place place = { .path = r->text->path, .line = line };

	return conf_fail(err, &place, "%s", msg);
}

static struct conf_token *
add_token(struct reader *r, char kind, size_t from, size_t to)
{
	struct conf_text *t = r->text;
	struct conf_token *token;

	token = VEC_ADD(t->tokens, t->n_tokens, t->cap_tokens);
	token->kind = kind;
	token->line = r->line;
	token->p = t->text + from;
	token->n = to - from;
	return token;
}

/* What libconfuse takes into a bare word. */
static bool
is_bare(char c)
{
	return c != '\0' && strchr(" #\"'\t\n\r={}()+,*", c) == NULL;
}

/* Overwrites a comment with blanks up to `to`, keeping its line ends. */
static void
blank_until(struct reader *r, size_t to)
{
	char *s = r->text->text;

	for (; r->at < to; r->at++) {
		if (s[r->at] == '\n')
			r->line++;
		else
			s[r->at] = ' ';
	}
}

static void
skip_line_comment(struct reader *r)
{
	const char *s = r->text->text + r->at;
	struct conf_text *t = r->text;
	struct conf_token *last;

	last = t->n_tokens > 0 ? &t->tokens[t->n_tokens - 1] : NULL;
	if (*s == '#' && last != NULL && last->line == r->line)
		last->hash = last->p + last->n == s ? '#' : ' ';
	blank_until(r, r->at + strcspn(s, "\n"));
}

static int
skip_block_comment(struct reader *r, struct err *err)
{
	const char *s = r->text->text + r->at;
	const char *end = strstr(s + 2, "*/");

	if (end == NULL)
		return fail_at(r, r->line, err, "this comment has no end; "
		    "close it with */");
	blank_until(r, r->at + (size_t)(end + 2 - s));
	return 0;
}

/* libconfuse reads on for the } of a ${, past quotes and line ends. */
static int
check_variables(const struct reader *r, size_t from, size_t to,
    struct err *err)
{
	const char *s = r->text->text;

	for (; from + 1 < to; from++) {
		if (s[from] != '$' || s[from + 1] != '{')
			continue;
		if (memchr(s + from, '}', to - from) == NULL)
			return fail_at(r, r->line, err, "${ begins a variable "
			    "and has no }; write ${NAME}, or use 'single "
			    "quotes'");
	}
	return 0;
}

/* No value needs more than a line; one that takes more lost its quote. */
static int
read_quoted(struct reader *r, struct err *err)
{
	const char *s = r->text->text;
	char quote = s[r->at];
	size_t from = r->at + 1, to;

	for (to = from; s[to] != quote; to++) {
		if (s[to] == '\\' && s[to + 1] != '\0' && s[to + 1] != '\n')
			to++;
		else if (s[to] == '\0' || s[to] == '\n')
			return fail_at(r, r->line, err, "this quoted value has "
			    "no end; close the quote on the same line");
	}
	add_token(r, quote == '"' ? 'd' : 's', from, to);
	r->at = to + 1;
	return quote == '"' ? check_variables(r, from, to, err) : 0;
}

static int
read_bare(struct reader *r, struct err *err)
{
	const char *s = r->text->text;
	size_t from = r->at;

	if (s[from] == '$' && s[from + 1] == '{') {
		r->at += strcspn(s + from, "}\n");
		if (check_variables(r, from, r->at + (s[r->at] == '}'),
		    err) < 0)
			return -1;
		r->at++;
	} else {
		while (is_bare(s[r->at]))
			r->at++;
	}
	/* As other languages end a line; it would become part of the value. */
	if (s[r->at - 1] == ';')
		return fail_at(r, r->line, err, "there is a ; at the end of a "
		    "value; remove it, or put the value in \"quotes\" if it "
		    "belongs to it");
	add_token(r, 'w', from, r->at);
	return 0;
}

static bool
at_slashes(const char *s)
{
	size_t n = strspn(s, "/");

	return n >= 2 && !is_bare(s[n]);
}

static int
read_token(struct reader *r, struct err *err)
{
	const char *s = r->text->text + r->at;

	if (*s == '\n')
		r->line++;
	if (strchr(" \t\r\n", *s) != NULL) {
		r->at++;
	} else if (*s == '#' || at_slashes(s)) {
		skip_line_comment(r);
	} else if (s[0] == '/' && s[1] == '*') {
		return skip_block_comment(r, err);
	} else if (*s == '"' || *s == '\'') {
		return read_quoted(r, err);
	} else if (s[0] == '+' && s[1] == '=') {
		add_token(r, '+', r->at, r->at + 2);
		r->at += 2;
	} else if (*s == '*' || *s == '+') {
		return fail_at(r, r->line, err, *s == '*' ?
		    "a value with * in it wants quotes; write \"*\"" :
		    "a value with + in it wants quotes; write \"a+b\"");
	} else if (is_bare(*s)) {
		return read_bare(r, err);
	} else {
		add_token(r, *s, r->at, r->at + 1);
		r->at++;
	}
	return 0;
}

int
conf_text_init(struct conf_text *text, const char *path, const char *raw,
    size_t n, struct err *err)
{
	struct reader r = { .text = text, .line = 1 };

	*text = (struct conf_text){ .path = path };
	text->text = xmalloc(n + 1);
	memcpy(text->text, raw, n);
	text->text[n] = '\0';
	text->len = n;
	/* A byte order mark, as editors elsewhere leave it. */
	if (strncmp(raw, "\xef\xbb\xbf", 3) == 0)
		memset(text->text, ' ', 3);
	while (r.at < n) {
		if (text->text[r.at] == '\0')
			return fail_at(&r, r.line, err, "there is a NUL byte; "
			    "save the file as plain text");
		if (read_token(&r, err) < 0)
			return -1;
	}
	return conf_text_walk(text, err);
}

void
conf_text_release(struct conf_text *text)
{
	size_t i;

	if (text->text != NULL)
		mem_wipe(text->text, text->len);
	free(text->text);
	free(text->tokens);
	for (i = 0; i < text->n_sections; i++) {
		free(text->sections[i].label);
		free(text->sections[i].name);
	}
	free(text->sections);
	for (i = 0; i < text->n_settings; i++)
		free(text->settings[i].name);
	free(text->settings);
	*text = (struct conf_text){ 0 };
}

unsigned
conf_text_key_line(const struct conf_text *text, size_t section,
    const char *key)
{
	size_t i;

	for (i = 0; i < text->n_settings; i++) {
		if (text->settings[i].section == section &&
		    strcmp(text->settings[i].name, key) == 0)
			return text->settings[i].line;
	}
	return 0;
}
