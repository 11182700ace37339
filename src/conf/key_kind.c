/* What may be written behind a key of each kind, and what it then means. */
#include "key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

/* Of a size or a time: shortest first, up to the letter 0. */
struct unit {
	char letter;
	uint64_t factor;
	unsigned example;	/* so many, where one is to be shown */
};

static const struct unit size_units[] = {
	{ 'K', 1u << 10, 500 }, { 'M', 1u << 20, 50 }, { 'G', 1u << 30, 2 },
	{ 0, 0, 0 },
};

static const struct unit time_units[] = {
	{ 's', 1, 30 }, { 'm', 60, 5 }, { 'h', CONF_HOUR, 12 },
	{ 'd', CONF_DAY, 7 }, { 'w', 7 * CONF_DAY, 2 }, { 0, 0, 0 },
};

#define EXAMPLES	3	/* of a sentence, at most */

void *
conf_value_field(const struct conf_value *v)
{
	return (char *)v->out + v->key->offset;
}

static void
put_number(const struct conf_value *v, uint64_t n)
{
	void *field = conf_value_field(v);

	switch (v->key->size) {
	case sizeof(uint16_t):
		*(uint16_t *)field = (uint16_t)n;
		break;
	case sizeof(uint32_t):
		*(uint32_t *)field = (uint32_t)n;
		break;
	case sizeof(uint64_t):
		*(uint64_t *)field = n;
		break;
	}
}

static bool
has_control(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

/* "a, b and c": what stands before the i-th of n. */
static const char *
separator(size_t i, size_t n, const char *last)
{
	return i == 0 ? "" : i + 1 < n ? ", " : last;
}

/* --- text --- */

static int
check_text(const struct conf_value *v, struct err *err)
{
	const char *name = v->key->name;

	if (*v->text == '\0')
		return conf_fail(err, &v->place, "%s is empty; give it a value "
		    "or remove it", name);
	if (has_control(v->text))
		return conf_fail(err, &v->place, "%s has a line end or another "
		    "control character in it; write it on one line", name);
	return 0;
}

static int
read_text(const struct conf_value *v, struct err *err)
{
	size_t max = (size_t)v->key->max;

	if (max > 0 && strlen(v->text) > max)
		return conf_fail(err, &v->place, "%s is longer than %zu bytes; "
		    "shorten it", v->key->name, max);
	if (check_text(v, err) < 0)
		return -1;
	*(char **)conf_value_field(v) = xstrdup(v->text);
	return 0;
}

/* Takes out each slash that stands before another one or at the end. */
static void
drop_slashes(char *path)
{
	const char *from;
	char *to = path;

	for (from = path; *from != '\0'; from++) {
		if (from[0] == '/' && (from[1] == '/' || from[1] == '\0'))
			continue;
		*to++ = *from;
	}
	*to = '\0';
}

static bool
leads_up(const char *path)
{
	size_t n = strlen(path);

	return strstr(path, "/../") != NULL ||
	    (n >= 3 && strcmp(path + n - 3, "/..") == 0);
}

static int
read_path(const struct conf_value *v, struct err *err)
{
	const struct conf_key *k = v->key;
	char *path;

	if (check_text(v, err) < 0)
		return -1;
	path = fs_expand_home(v->text);
	*(char **)conf_value_field(v) = path;
	if (path == NULL || *path != '/')
		return conf_fail(err, &v->place, "%s is no absolute path; "
		    "begin it with / or ~/", k->name);
	drop_slashes(path);
	if (*path == '\0' || leads_up(path))
		return conf_fail(err, &v->place, "%s is the root directory or "
		    "has .. in it; write the path in full", k->name);
	if (k->max > 0 && strlen(path) > k->max)
		return conf_fail(err, &v->place, "%s is too long a path; "
		    "shorten it", k->name);
	return 0;
}

/* --- numbers --- */

static int
read_number(const struct conf_value *v, struct err *err)
{
	const struct conf_key *k = v->key;
	uint64_t n;

	if (!span_number(span_of(v->text), k->max, &n) || n < k->min)
		return conf_fail(err, &v->place, "%s is no number from %llu to "
		    "%llu; correct it", k->name, (unsigned long long)k->min,
		    (unsigned long long)k->max);
	put_number(v, n);
	return 0;
}

/* A shorter unit than the least value is told in can't be meant. */
static const struct unit *
first_unit(const struct conf_key *k)
{
	const struct unit *u;

	u = k->kind == KIND_SIZE ? size_units : time_units;
	while (u[1].letter != 0 && u[1].factor <= k->min)
		u++;
	return u;
}

static bool
parse_amount(const struct conf_key *k, const char *text, uint64_t *out)
{
	const struct unit *u;
	struct span number = span_of(text);

	if (number.n == 0)
		return false;
	number.n--;
	for (u = first_unit(k); u->letter != 0; u++) {
		if (u->letter != text[number.n])
			continue;
		if (!span_number(number, k->max / u->factor, out))
			return false;
		*out *= u->factor;
		return *out >= k->min;
	}
	return false;
}

/* In the longest unit that leaves nothing over. */
static void
add_amount(struct buf *b, const struct conf_key *k, uint64_t n)
{
	const struct unit *best = NULL, *u;

	for (u = first_unit(k); u->letter != 0; u++) {
		if (n % u->factor == 0)
			best = u;
	}
	if (best == NULL)
		buf_addf(b, "%llu octets", (unsigned long long)n);
	else
		buf_addf(b, "%llu%c", (unsigned long long)(n / best->factor),
		    best->letter);
}

/* "12h, 7d or 2w": those that would be taken. */
static void
add_examples(struct buf *b, const struct conf_key *k)
{
	const struct unit *shown[EXAMPLES], *u;
	size_t i, n = 0;

	for (u = first_unit(k); u->letter != 0 && n < EXAMPLES; u++) {
		if (u->example * u->factor >= k->min &&
		    u->example * u->factor <= k->max)
			shown[n++] = u;
	}
	for (i = 0; i < n; i++)
		buf_addf(b, "%s%u%c", separator(i, n, " or "),
		    shown[i]->example, shown[i]->letter);
	if (n == 0)
		add_amount(b, k, k->max);
}

static int
read_amount(const struct conf_value *v, struct err *err)
{
	const struct conf_key *k = v->key;
	struct buf b;
	uint64_t n;

	if (parse_amount(k, v->text, &n)) {
		put_number(v, n);
		return 0;
	}
	buf_init(&b, sizeof(err->msg));
	buf_addf(&b, "no %s such as ", k->kind == KIND_SIZE ? "size" : "time");
	add_examples(&b, k);
	buf_addf(&b, ", ");
	if (k->min > first_unit(k)->factor) {
		buf_addf(&b, "from ");
		add_amount(&b, k, k->min);
		buf_addf(&b, " ");
	}
	buf_addf(&b, "up to ");
	add_amount(&b, k, k->max);
	conf_fail(err, &v->place, "%s is %s; correct it", k->name,
	    buf_str(&b));
	buf_release(&b);
	return -1;
}

/* --- words --- */

/* The word itself, or the end of the list. */
static const struct conf_word *
find_word(const struct conf_word *list, const char *word)
{
	while (list->word != NULL && strcmp(list->word, word) != 0)
		list++;
	return list;
}

static int
refuse_word(const struct conf_value *v, const struct conf_word *w,
    struct err *err)
{
	size_t i = 0, n = 0;
	struct buf b;

	if (w->refusal != NULL)
		return conf_fail(err, &v->place, "%s", w->refusal);
	for (w = v->key->words; w->word != NULL; w++)
		n += w->refusal == NULL;
	buf_init(&b, sizeof(err->msg));
	for (w = v->key->words; w->word != NULL; w++) {
		if (w->refusal == NULL)
			buf_addf(&b, "%s%s", separator(i++, n, " and "),
			    w->word);
	}
	conf_fail(err, &v->place, "%s is none of %s; write one of them",
	    v->key->name, buf_str(&b));
	buf_release(&b);
	return -1;
}

static int
read_word(const struct conf_value *v, struct err *err)
{
	const struct conf_word *w = find_word(v->key->words, v->text);
	int b;

	if (w->word == NULL) {
		b = cfg_parse_boolean(v->text);
		if (b == 0 || b == 1)
			w = find_word(v->key->words, b == 1 ? "yes" : "no");
	}
	if (w->word == NULL || w->refusal != NULL)
		return refuse_word(v, w, err);
	put_number(v, (uint64_t)w->value);
	return 0;
}

static int
read_bool(const struct conf_value *v, struct err *err)
{
	int b = cfg_parse_boolean(v->text);

	if (b != 0 && b != 1)
		return conf_fail(err, &v->place, "%s is neither yes nor no; "
		    "write one of them", v->key->name);
	*(bool *)conf_value_field(v) = b == 1;
	return 0;
}

/* --- lists --- */

/* "!" in front of an item takes something out. */
static int
check_item(const struct conf_value *v, const char *item, struct err *err)
{
	const char *what = v->key->item != NULL ? v->key->item : "item";

	if (item[*item == '!'] != '\0' && !has_control(item))
		return 0;
	return conf_fail(err, &v->place, "%s has an empty %s or a control "
	    "character in it; remove it", v->key->name, what);
}

static int
refuse_empty(const struct conf_value *v, struct err *err)
{
	const struct conf_key *k = v->key;

	return conf_fail(err, &v->place, "%s is empty; %s%s", k->name,
	    k->example != NULL ? "write " : "give it a value or remove it",
	    k->example != NULL ? k->example : "");
}

static int
read_list(const struct conf_value *v, struct err *err)
{
	size_t *count = (void *)((char *)v->out + v->key->count);
	const char *name = v->key->name, *item = v->text;
	size_t i, n = v->scope == NULL ? 1 : cfg_size(v->scope->cfg, name);
	char **list;

	if (n == 0)
		return refuse_empty(v, err);
	list = xcalloc(n, sizeof(*list));
	*(char ***)conf_value_field(v) = list;
	for (i = 0; i < n; i++) {
		if (v->scope != NULL)
			item = cfg_getnstr(v->scope->cfg, name, (unsigned)i);
		if (check_item(v, item, err) < 0)
			return -1;
		list[(*count)++] = xstrdup(item);
	}
	return 0;
}

int
conf_value_read(const struct conf_value *v, struct err *err)
{
	static int (*const kinds[])(const struct conf_value *, struct err *) = {
		[KIND_TEXT] = read_text,
		[KIND_PATH] = read_path,
		[KIND_NUMBER] = read_number,
		[KIND_SIZE] = read_amount,
		[KIND_DURATION] = read_amount,
		[KIND_WORD] = read_word,
		[KIND_BOOL] = read_bool,
		[KIND_LIST] = read_list,
	};

	return kinds[v->key->kind](v, err);
}
