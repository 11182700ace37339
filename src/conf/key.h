/*
 * The keys of syncrc as data: what each is called, what may be written behind
 * it, what holds where nothing is, where the value goes. A new key is one line
 * in a table and the field it fills: what libconfuse is told, inheritance,
 * checks and their sentences, suggestions and freeing follow from that line.
 */
#ifndef CONF_KEY_H
#define CONF_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "internal.h"

enum conf_kind {
	KIND_TEXT,	/* char *: one line of at most max bytes (0: any) */
	KIND_PATH,	/* char *: the same, absolute; "~/" is filled in */
	KIND_NUMBER,	/* an unsigned type: min to max */
	KIND_SIZE,	/* uint64_t, octets: min to max, as 50M */
	KIND_DURATION,	/* int64_t, seconds: min to max, as 7d; a unit that is
			   shorter than the one min is told in is refused */
	KIND_WORD,	/* an enum: what its word stands for */
	KIND_BOOL,	/* bool */
	KIND_LIST,	/* char **, and its size_t at count */
};

/*
 * Ends with the word NULL. A word with a refusal (a sentence) is known but
 * can't be had; that of the end is for all words that are not known. Where yes
 * and no are among the words, on, off, true and false will do as well.
 */
struct conf_word {
	const char *word;
	int value;
	const char *refusal;
};

struct conf_value;
struct conf_reader;

struct conf_key {
	const char *name;		/* NULL ends a table */
	enum conf_kind kind;
	size_t offset, size;		/* of the field; size 0: no field */
	size_t count;			/* KIND_LIST: offset of the size_t */
	uint64_t min, max;
	const struct conf_word *words;
	const char *preset;		/* holds when it is not set, written as
					   in the file; NULL: 0 and NULL */
	const char *example;		/* what to write where it is missing */
	const char *item;		/* what a list is one of */
	bool needed;			/* it may not be missing */
	bool secret;			/* overwritten before it is freed */
	const char *needs;		/* not read unless this one is set */
	const char *replaced_by;	/* by this one, once it is settled */
	/* Called before it is read: what becomes of it, and of keys below,
	 * beside those that were read. */
	int (*settle)(struct conf_reader *, struct err *);
	/* Instead of what the kind does. */
	int (*read)(const struct conf_value *, struct err *);
};

/*
 * The lines of a table; CONF_OWNER is the struct that its fields are in. A
 * field of the wrong type does not compile. Behind what a kind wants, anything
 * else: .preset = "30".
 */
#define CONF_FIELD(f, ...) .offset = offsetof(CONF_OWNER, f), \
	.size = _Generic(((CONF_OWNER *)0)->f, __VA_ARGS__)
#define KEY_TEXT(key, f, ...) { .name = key, .kind = KIND_TEXT, \
	CONF_FIELD(f, char *: sizeof(char *)), __VA_ARGS__ }
#define KEY_PATH(key, f, ...) { .name = key, .kind = KIND_PATH, \
	CONF_FIELD(f, char *: sizeof(char *)), __VA_ARGS__ }
#define KEY_NUMBER(key, f, least, most, ...) { .name = key, \
	.kind = KIND_NUMBER, .min = least, .max = most, \
	CONF_FIELD(f, uint16_t: 2, uint32_t: 4, uint64_t: 8), __VA_ARGS__ }
#define KEY_SIZE(key, f, least, most, ...) { .name = key, .kind = KIND_SIZE, \
	.min = least, .max = most, CONF_FIELD(f, uint64_t: 8), __VA_ARGS__ }
#define KEY_DURATION(key, f, least, most, ...) { .name = key, \
	.kind = KIND_DURATION, .min = least, .max = most, \
	CONF_FIELD(f, int64_t: 8), __VA_ARGS__ }
#define KEY_WORD(key, f, list, ...) { .name = key, .kind = KIND_WORD, \
	.words = list, CONF_FIELD(f, uint32_t: 4, int32_t: 4), __VA_ARGS__ }
#define KEY_BOOL(key, f, ...) { .name = key, .kind = KIND_BOOL, \
	CONF_FIELD(f, bool: sizeof(bool)), __VA_ARGS__ }
#define KEY_LIST(key, f, n, ...) { .name = key, .kind = KIND_LIST, \
	CONF_FIELD(f, char **: sizeof(char **)), \
	.count = offsetof(CONF_OWNER, n), __VA_ARGS__ }
#define KEY_END { .name = NULL }

#define CONF_HOUR	3600
#define CONF_DAY	(24 * CONF_HOUR)

/* A section that may set keys: as libconfuse has it, and in the text. */
struct conf_scope {
	cfg_t *cfg;
	size_t section;		/* of conf_text::sections */
};

/* One table, read for one struct. */
struct conf_reader {
	const struct conf_key *keys;
	const struct conf_text *text;
	const struct conf_scope *scopes;	/* the first that sets a key
						   counts; at least one */
	size_t n_scopes;
	void *out;			/* zeroed; to be released in any case */
	struct conf_value *values;	/* private: one for each key */
};

/* A key as it counts: where it is set, and to what. */
struct conf_value {
	const struct conf_key *key;
	const struct conf_scope *scope;	/* NULL: it is not set */
	struct conf_place place;	/* then: of the first scope itself */
	const char *text;		/* the first of a list; else preset */
	void *out;
	bool dropped;			/* settled: it does not count */
	bool optional;			/* settled: it is not needed */
};

/* Reads the table; ERR_CONFIG with the first thing that is wrong. */
int conf_keys_read(struct conf_reader *, struct err *);
/* Frees what the table says is in there. */
void conf_keys_release(const struct conf_key *, void *out);

/* For settle: the value of a key of the table. */
struct conf_value *conf_value_of(const struct conf_reader *, const char *key);
/* For settle: drops what the key replaces; ERR_CONFIG where one of these stands
 * in the same section. */
int conf_keys_replace(struct conf_reader *, const struct conf_value *,
    struct err *);

/* key_kind.c: what the kind does with a value. For read, before its own. */
int conf_value_read(const struct conf_value *, struct err *);
/* Where the value goes. */
void *conf_value_field(const struct conf_value *);

/* account.c */
extern const struct conf_key conf_account_keys[];
/* The account of the first scope; reads conf_account_keys, and the name. */
int conf_account_read(struct conf_reader *, struct err *);
void conf_account_release(struct conf_account *);

#endif
