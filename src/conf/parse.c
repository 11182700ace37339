/*
 * syncrc by libconfuse, and its complaints as our sentences. All values are
 * taken as text and judged in key_kind.c: what libconfuse knows of numbers
 * ("010" is 8) and how it says so is not for users.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/mem.h"
#include "base/str.h"
#include "key.h"

/*
 * libconfuse lets an unclosed last section pass. So one more key follows the
 * text: behind an unclosed section it turns up where nobody knows it.
 */
#define SENTINEL "end-of-syncrc"

/* A key further away than this from all known ones gets no suggestion. */
#define NEAR 3

/* libconfuse gives its error function no argument: one parse at a time. */
static _Thread_local struct {
	const struct conf_text *text;
	const struct conf_key *const *tables;
	struct err *err;
} parsing;

/* What key was perhaps meant to be, of those there were so far. */
struct guess {
	const char *key;
	const char *best;	/* NULL: none */
	size_t distance;
};

/* Of two that are as near, the first by its name. */
static void
guess_add(struct guess *g, const char *name)
{
	size_t distance = str_distance(g->key, name);

	/* Underscores are a matter of taste elsewhere. */
	if (distance > NEAR || distance >= strlen(g->key))
		return;
	if (g->best == NULL || distance < g->distance ||
	    (distance == g->distance && strcmp(name, g->best) < 0)) {
		g->best = name;
		g->distance = distance;
	}
}

static const char *
nearest_key(const char *key)
{
	const struct conf_key *const *table = parsing.tables, *k;
	struct guess g = { .key = key };

	for (; *table != NULL; table++)
		for (k = *table; k->name != NULL; k++)
			guess_add(&g, k->name);
	return g.best;
}

static const char *
nearest_section(const char *key)
{
	struct guess g = { .key = key };

	guess_add(&g, "account");
	guess_add(&g, "defaults");
	return g.best;
}

/* The section that a line belongs to, by where sections begin. */
static const struct conf_section *
section_at(const struct conf_text *text, unsigned line)
{
	const struct conf_section *found = NULL;
	size_t i;

	for (i = 0; i < text->n_sections; i++) {
		if (text->sections[i].line <= line)
			found = &text->sections[i];
	}
	return found;
}

static bool
has_password_on(const struct conf_text *text, unsigned line)
{
	size_t i;

	for (i = 0; i < text->n_settings; i++) {
		if (text->settings[i].line == line &&
		    strcmp(text->settings[i].name, "password") == 0)
			return true;
	}
	return false;
}

static void
fail_unclosed(struct conf_place *place)
{
	const struct conf_text *text = parsing.text;
	const struct conf_section *s;

	if (text->n_sections == 0)
		return;
	s = &text->sections[text->n_sections - 1];
	place->line = s->line;
	place->section = s->label;
	conf_fail(parsing.err, place, "this section is not closed; put a } at "
	    "its end");
}

static void
fail_unknown(cfg_t *cfg, struct conf_place *place, const char *key)
{
	bool root = strcmp(cfg->name, "root") == 0;
	const char *near = nearest_key(key);
	const char *hint = root ? nearest_section(key) : near;
	char word[32 + 4];

	str_printable(word, 32, key, strlen(key));
	if (strcmp(key, SENTINEL) == 0)
		fail_unclosed(place);
	else if (has_password_on(parsing.text, place->line))
		conf_fail(parsing.err, place, "there is something behind the "
		    "password; put the whole password in 'quotes'");
	else if (root && near != NULL && strcmp(near, key) == 0)
		conf_fail(parsing.err, place, "%s belongs to an account; put "
		    "it into account NAME { } or defaults { }", key);
	else if (hint != NULL)
		conf_fail(parsing.err, place, "there is no key \"%s\"; did "
		    "you mean %s?", word, hint);
	else
		conf_fail(parsing.err, place, "there is no key \"%s\"; see "
		    "syncrc(5) for those there are", word);
}

static void
fail_syntax(struct conf_place *place, const char *fmt, const char *msg)
{
	struct err *err = parsing.err;

	if (strstr(fmt, "premature end") != NULL)
		conf_fail(err, place, "the file ends in the middle of "
		    "something; a value or a } is missing");
	else if (strstr(fmt, "closing brace") != NULL)
		conf_fail(err, place, "there is a } too many; remove it");
	else if (strstr(fmt, "missing title") != NULL)
		conf_fail(err, place, "an account needs a name; write "
		    "account NAME {");
	else if (strstr(fmt, "missing opening brace") != NULL)
		conf_fail(err, place, "a { is missing; write account NAME { "
		    "... } or defaults { ... }");
	else if (strstr(fmt, "missing equal sign") != NULL)
		conf_fail(err, place, "a = is missing; write KEY = VALUE");
	else if (strstr(fmt, "unexpected token") != NULL)
		conf_fail(err, place, "a value is missing or has one of = , "
		    "{ } ( ) in it; put it in \"quotes\"");
	else
		conf_fail(err, place, "%s; see syncrc(5)", msg);
}

/* libconfuse: something is wrong. The first complaint counts. */
static void on_error(cfg_t *, const char *, va_list)
    __attribute__((format(printf, 2, 0)));

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	const struct conf_section *s;
	struct conf_place place = { .path = parsing.text->path };
	char msg[200];
	va_list again;

	if (parsing.err->kind != ERR_NONE)
		return;
	place.line = cfg->line > 0 ? (unsigned)cfg->line : 1;
	if (strcmp(cfg->name, "root") != 0) {
		s = section_at(parsing.text, place.line);
		place.section = s != NULL ? s->label : NULL;
	}
	va_copy(again, ap);
	if (strstr(fmt, "no such option") != NULL) {
		fail_unknown(cfg, &place, va_arg(ap, const char *));
	} else {
		vsnprintf(msg, sizeof(msg), fmt, again);
		fail_syntax(&place, fmt, msg);
	}
	va_end(again);
}

/* What libconfuse is to know of an account. To be freed. */
static cfg_opt_t *
make_options(const struct conf_key *const *tables)
{
	const struct conf_key *k;
	cfg_opt_t *all = NULL;
	size_t n = 0, cap = 0;

	for (; *tables != NULL; tables++) {
		for (k = *tables; k->name != NULL; k++)
			*VEC_ADD(all, n, cap) = k->kind == KIND_LIST ?
			    (cfg_opt_t)CFG_STR_LIST(k->name, NULL,
			    CFGF_NODEFAULT) :
			    (cfg_opt_t)CFG_STR(k->name, NULL, CFGF_NODEFAULT);
	}
	*VEC_ADD(all, n, cap) = (cfg_opt_t)CFG_END();
	return all;
}

static cfg_t *
make_parser(const struct conf_key *const *tables)
{
	cfg_opt_t *keys = make_options(tables);
	cfg_opt_t root[] = {
		CFG_SEC("account", keys, CFGF_MULTI | CFGF_TITLE |
		    CFGF_NO_TITLE_DUPES),
		CFG_SEC("defaults", keys, CFGF_MULTI),
		CFG_STR(SENTINEL, NULL, CFGF_NODEFAULT),
		CFG_END()
	};
	cfg_t *cfg = cfg_init(root, CFGF_NONE);

	free(keys);
	if (cfg == NULL)
		fatal_memory();
	cfg_set_error_function(cfg, on_error);
	return cfg;
}

cfg_t *
conf_parse(const struct conf_text *text, const struct conf_key *const *tables,
    struct err *err)
{
	struct conf_place place = { .path = text->path };
	struct err own = { 0 };
	cfg_t *cfg = make_parser(tables);
	char *all;
	int status;

	parsing.text = text;
	parsing.tables = tables;
	parsing.err = &own;
	all = xasprintf("%s\n%s = 1\n", text->text, SENTINEL);
	status = cfg_parse_buf(cfg, all);
	str_wipe_free(all);
	if (status == CFG_SUCCESS && own.kind == ERR_NONE)
		return cfg;
	place.line = cfg->line > 0 ? (unsigned)cfg->line : 1;
	if (own.kind == ERR_NONE)
		conf_fail(&own, &place, "this is no KEY = VALUE; see "
		    "syncrc(5)");
	*err = own;
	conf_parse_free(cfg, tables);
	return NULL;
}

static void
wipe_section(cfg_t *section, const struct conf_key *const *tables)
{
	const struct conf_key *k;
	char *secret;

	for (; *tables != NULL; tables++) {
		for (k = *tables; k->name != NULL; k++) {
			if (!k->secret)
				continue;
			secret = cfg_getstr(section, k->name);
			if (secret != NULL)
				mem_wipe(secret, strlen(secret));
		}
	}
}

void
conf_parse_free(cfg_t *cfg, const struct conf_key *const *tables)
{
	unsigned i;

	for (i = 0; i < cfg_size(cfg, "account"); i++)
		wipe_section(cfg_getnsec(cfg, "account", i), tables);
	for (i = 0; i < cfg_size(cfg, "defaults"); i++)
		wipe_section(cfg_getnsec(cfg, "defaults", i), tables);
	cfg_free(cfg);
}
