/*
 * A table of keys, read for one struct: which section sets each, which of them
 * count beside each other, and that what is needed is there. What may be
 * written behind a key: key_kind.c.
 */
#include "key.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct conf_value *
conf_value_of(const struct conf_reader *r, const char *key)
{
	struct conf_value *v = r->values;

	while (v->key->name != NULL && strcmp(v->key->name, key) != 0)
		v++;
	assert(v->key->name != NULL);
	return v;
}

/* The first section that sets it; its place, or that of the first section. */
static void
find_value(const struct conf_reader *r, struct conf_value *v)
{
	const struct conf_section *sections = r->text->sections;
	const struct conf_scope *s = r->scopes;
	const char *name = v->key->name;

	v->place.path = r->text->path;
	v->place.section = sections[s->section].label;
	v->place.line = sections[s->section].line;
	for (; s < r->scopes + r->n_scopes; s++) {
		unsigned line = conf_text_key_line(r->text, s->section, name);

		if (line == 0)
			continue;
		v->scope = s;
		v->place.section = sections[s->section].label;
		v->place.line = line;
		v->text = cfg_size(s->cfg, name) > 0 ?
		    cfg_getnstr(s->cfg, name, 0) : "";
		break;
	}
}

/* One for each key, and one for the end of the table. */
static void
find_values(struct conf_reader *r)
{
	size_t i, n = 0;

	while (r->keys[n].name != NULL)
		n++;
	r->values = xcalloc(n + 1, sizeof(*r->values));
	for (i = 0; i <= n; i++) {
		r->values[i].key = &r->keys[i];
		r->values[i].out = r->out;
		r->values[i].text = r->keys[i].preset;
		if (i < n)
			find_value(r, &r->values[i]);
	}
}

int
conf_keys_replace(struct conf_reader *r, const struct conf_value *by,
    struct err *err)
{
	const struct conf_value *both = NULL;
	struct conf_value *v;

	for (v = r->values; v->key->name != NULL; v++) {
		if (v->key->replaced_by == NULL ||
		    strcmp(v->key->replaced_by, by->key->name) != 0)
			continue;
		v->dropped = true;
		/* The first by its name, in whatever order they are read. */
		if (v->scope == by->scope && (both == NULL ||
		    strcmp(v->key->name, both->key->name) < 0))
			both = v;
	}
	return both == NULL ? 0 : conf_fail(err, &both->place, "%s replaces "
	    "%s; remove one of the two", by->key->name, both->key->name);
}

static bool
is_set(const struct conf_value *v)
{
	return v->scope != NULL && !v->dropped;
}

static int
read_value(struct conf_reader *r, struct conf_value *v, struct err *err)
{
	const struct conf_key *k = v->key;

	if (k->needs != NULL && !is_set(conf_value_of(r, k->needs)))
		return 0;
	if (k->settle != NULL && k->settle(r, err) < 0)
		return -1;
	if (v->dropped)
		return 0;
	if (v->scope == NULL && k->needed && !v->optional)
		return conf_fail(err, &v->place, "%s is missing; add %s",
		    k->name, k->example);
	if (v->text == NULL)
		return 0;
	return k->read != NULL ? k->read(v, err) : conf_value_read(v, err);
}

int
conf_keys_read(struct conf_reader *r, struct err *err)
{
	struct conf_value *v;
	int status = 0;

	find_values(r);
	for (v = r->values; v->key->name != NULL && status == 0; v++)
		status = read_value(r, v, err);
	free(r->values);
	r->values = NULL;
	return status;
}

static void
release_list(char ***list, size_t *n)
{
	while (*n > 0)
		free((*list)[--*n]);
	free(*list);
	*list = NULL;
}

void
conf_keys_release(const struct conf_key *k, void *out)
{
	char *base = out, **text;

	for (; k->name != NULL; k++) {
		if (k->size == 0)
			continue;
		if (k->kind == KIND_LIST)
			release_list((void *)(base + k->offset),
			    (void *)(base + k->count));
		if (k->kind != KIND_TEXT && k->kind != KIND_PATH)
			continue;
		text = (void *)(base + k->offset);
		if (k->secret)
			str_wipe_free(*text);
		else
			free(*text);
		*text = NULL;
	}
}
