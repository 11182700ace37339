/* What the files of conf share. See conf/conf.h. */
#ifndef CONF_INTERNAL_H
#define CONF_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include <confuse.h>

#include "base/err.h"
#include "conf/conf.h"

/* Where in the file something is said, for messages. */
struct conf_place {
	const char *path;
	unsigned line;		/* 0 when it is about the whole file */
	const char *section;	/* "account work", "defaults", or NULL */
};

/* ERR_CONFIG "PATH:LINE: SECTION: message". Always -1. */
int conf_fail(struct err *, const struct conf_place *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * The text of syncrc as libconfuse will see it, and what libconfuse does not
 * tell: on which line each section and each key stands.
 */
struct conf_token {
	char kind;		/* 'w' bare, 'd' "", 's' '', one of {}()=+, */
	char hash;		/* '#' when glued, ' ' after blanks, or 0 */
	unsigned line;
	const char *p;		/* into conf_text::text, without the quotes */
	size_t n;
};

struct conf_section {
	char *label;		/* "account work", "defaults" */
	char *name;		/* "account", "defaults" */
	unsigned line;
	bool closed;
};

#define CONF_NO_SECTION	((size_t)-1)

/* A "KEY = VALUE". */
struct conf_setting {
	char *name;
	size_t section;		/* of conf_text::sections; CONF_NO_SECTION */
	unsigned line;
};

struct conf_text {
	const char *path;	/* borrowed */
	char *text;		/* comments are blanked out */
	size_t len;
	struct conf_token *tokens;
	size_t n_tokens, cap_tokens;
	struct conf_section *sections;
	size_t n_sections, cap_sections;
	struct conf_setting *settings;
	size_t n_settings, cap_settings;
};

/*
 * Fills text from the n bytes at raw (a NUL behind them), and refuses what
 * libconfuse would read differently from what was meant.
 */
int conf_text_init(struct conf_text *text, const char *path, const char *raw,
    size_t n, struct err *);
void conf_text_release(struct conf_text *);

/* The line of key in that section; 0 when it is not there. */
unsigned conf_text_key_line(const struct conf_text *, size_t section,
    const char *key);

/* Second half of conf_text_init: sections and keys out of the tokens. */
int conf_text_walk(struct conf_text *, struct err *);

/*
 * text by libconfuse, with the keys of these tables (key.h; NULL behind the
 * last) in an account and in the defaults; NULL when it is refused.
 * conf_parse_free ends it.
 */
struct conf_key;
cfg_t *conf_parse(const struct conf_text *text,
    const struct conf_key *const *tables, struct err *err);
void conf_parse_free(cfg_t *, const struct conf_key *const *tables);

/* No two accounts share a root or have one in the other's. */
int conf_roots_check(const struct conf *, struct err *);

#endif
