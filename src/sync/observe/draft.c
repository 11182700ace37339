/* Drafts that were edited in place, from the first look to the attic. */
#include "observe/draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/hash.h"
#include "index/content.h"
#include "index/fact.h"
#include "mail/flags.h"
#include "maildir/attic.h"

#define SLOTS	16	/* drafts of a folder on their way at a time */

/* Facts of the folder; the number is that of a place or of a slot. */
#define EDIT	"draft-edit-"
#define OLD	"draft-old-"
#define NEW	"draft-new-"

struct fact_name {
	char text[48];
};

static const char *
fact_name(struct fact_name *out, const char *what, int64_t number)
{
	snprintf(out->text, sizeof(out->text), "%s%lld", what,
	    (long long)number);
	return out->text;
}

bool
draft_is_folder(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strcasecmp(slash != NULL ? slash + 1 : name, "Drafts") == 0;
}

/* The user's word, or the name that such a folder has. */
static bool
is_draft(const struct known_files *k, const struct index_seen_local *seen)
{
	return (seen->flags & FLAG_DRAFT) || draft_is_folder(k->folder->name);
}

/* Never 0. */
static int64_t
sum_of(const struct file_hint *hint)
{
	uint64_t sum = fnv1a(FNV1A_START, &hint->size, sizeof(hint->size));

	sum = fnv1a(sum, &hint->mtime, sizeof(hint->mtime));
	return (int64_t)(sum >> 2) + 1;
}

static int
count(struct index *ix, int by, struct err *err)
{
	int64_t n;

	if (index_fact_get(ix, 0, DRAFTS_FACT, &n, err) == -1)
		return -1;
	return index_fact_set(ix, 0, DRAFTS_FACT, n + by > 0 ? n + by : 0,
	    err);
}

/* The slot with that number; SLOTS: none; -1. */
static int
slot_find(struct index *ix, int64_t folder, const char *what, int64_t want,
    struct err *err)
{
	struct fact_name name;
	int64_t id;
	int i;

	for (i = 0; i < SLOTS; i++) {
		if (index_fact_get(ix, folder, fact_name(&name, what, i), &id,
		    err) == -1)
			return -1;
		if (id == want)
			break;
	}
	return i;
}

enum draft
draft_judge(const struct known_files *k, const struct place *p,
    const struct index_seen_local *seen, struct err *err)
{
	const int64_t folder = k->folder->id, now = sum_of(&seen->hint);
	struct fact_name name;
	int64_t before;
	bool waits;
	int slot;

	if (!is_draft(k, seen) || !p->remote.present ||
	    !p->base_local.present || !p->local.present)
		return DRAFT_NONE;
	if (!k->decides)
		return DRAFT_WAITS;
	fact_name(&name, EDIT, p->id);
	slot = slot_find(k->ix, folder, OLD, 0, err);
	if (slot == -1 || index_fact_get(k->ix, folder, name.text, &before,
	    err) == -1)
		return DRAFT_FAILED;
	/* No row has shown yet what became of the last edit. */
	waits = before != now || slot == SLOTS || p->unconfirmed;
	if (index_fact_set(k->ix, folder, name.text, waits ? now : 0, err) ==
	    -1)
		return DRAFT_FAILED;
	return waits ? DRAFT_WAITS : DRAFT_EDITED;
}

int
draft_replaced(const struct known_files *k, int64_t old, const char *unique,
    struct err *err)
{
	const int64_t folder = k->folder->id;
	struct fact_name name;
	struct place p;
	int slot = slot_find(k->ix, folder, OLD, 0, err), r;

	if (slot == -1)
		return -1;
	r = index_place_by_unique(k->ix, folder, unique, &p, err);
	if (r <= 0)
		return r;
	r = index_fact_set(k->ix, folder, fact_name(&name, OLD, slot), old,
	    err);
	if (r == 0)
		r = index_fact_set(k->ix, folder, fact_name(&name, NEW, slot),
		    p.id, err);
	place_release(&p);
	return r == 0 ? count(k->ix, 1, err) : -1;
}

int
draft_joined(struct index *ix, const struct place *file,
    const struct place *now, struct err *err)
{
	struct fact_name name;
	int64_t any;
	int slot;

	if (index_fact_get(ix, 0, DRAFTS_FACT, &any, err) == -1)
		return -1;
	if (any == 0)
		return 0;
	slot = slot_find(ix, now->folder, NEW, file->id, err);
	if (slot == -1)
		return -1;
	return slot == SLOTS ? 0 : index_fact_set(ix, now->folder,
	    fact_name(&name, NEW, slot), now->id, err);
}

static int
add_open(void *arg, const struct index_fact *fact, struct err *err)
{
	int64_t *n = arg;

	(void)err;
	*n += fact->value != 0;
	return 0;
}

int
drafts_count(struct run *run, int64_t *out, struct err *err)
{
	const struct index_fact_visit visit = { add_open, out };
	int64_t known;
	int rc;

	*out = 0;
	if (index_fact_get(run->ix, 0, DRAFTS_FACT, &known, err) == -1)
		return -1;
	if (known == 0 || index_facts(run->ix, OLD, &visit, err) == -1)
		return known == 0 ? 0 : -1;
	if (known == *out)
		return 0;
	rc = index_begin(run->ix, err);
	if (rc == 0)
		rc = index_fact_set(run->ix, 0, DRAFTS_FACT, *out, err);
	return index_end(run->ix, rc, err);
}

/* --- the old one goes --- */

enum settled { SETTLED_KEEP, SETTLED_DROP, SETTLED_GO };

static enum settled
judge_draft(const struct place *old, const struct place *new)
{
	if (old->id == 0 || new->id == 0 || !old->remote.present)
		return SETTLED_DROP;	/* as any two messages from now on */
	if (old->base_local.present && !old->local.present)
		return SETTLED_DROP;	/* the user has deleted it */
	if (!old->base_local.present || !new->base_local.present ||
	    !new->remote.present || new->uid == 0 || new->uid == old->uid ||
	    new->unconfirmed)
		return SETTLED_KEEP;
	return SETTLED_GO;
}

static int
take_off(struct run *run, struct folder *f, const struct place *old,
    struct err *err)
{
	const struct maildir_message at = { f->row.path, old->in_new,
	    old->file };
	struct maildir_known known = { .hint = old->hint };
	struct index_content content;
	struct maildir_attic attic;
	int r = index_content_by_id(run->ix, old->content, &content, err);

	if (r <= 0)
		return r == 0 ? err_set(err, ERR_STALE, "not known") : -1;
	known.has_content = true;
	known.form = content.form;
	memcpy(known.content, content.digest, sizeof(known.content));
	if (conf_attic_days(run->conf) == 0)
		r = maildir_remove_known(run->md, &at, &known, err);
	else {
		maildir_attic_init(&attic, run->md, f->row.path, clock_wall());
		r = maildir_put_away(&attic, &at, &known, err);
		if (r == 0)
			r = maildir_attic_sync(&attic, err);
		maildir_attic_release(&attic);
	}
	return r == 0 ? maildir_sync_folder(run->md, f->row.path, err) : -1;
}

static int
slot_clear(struct run *run, struct folder *f, int slot, struct err *err)
{
	struct fact_name name;

	if (index_fact_set(run->ix, f->row.id, fact_name(&name, OLD, slot), 0,
	    err) == -1)
		return -1;
	if (index_fact_set(run->ix, f->row.id, fact_name(&name, NEW, slot), 0,
	    err) == -1)
		return -1;
	return count(run->ix, -1, err);
}

static int
settle_record(struct run *run, struct folder *f, int slot,
    const struct place *old, struct err *err)
{
	int rc = index_begin(run->ix, err);

	if (rc == 0 && old != NULL)
		rc = evidence_local(run, f, old, err);
	if (rc == 0 && old != NULL)
		rc = index_removed_put(run->ix, f->row.id, old->unique, err);
	if (rc == 0 && old != NULL)
		rc = index_unsee_local(run->ix, old->id, err);
	if (rc == 0)
		rc = slot_clear(run, f, slot, err);
	if (rc == 0 && old != NULL)
		rc = observe_local_ours(run->ix, run->md, &f->row, err);
	return index_end(run->ix, rc, err);
}

static int
settle_one(struct run *run, struct folder *f, int slot, struct place both[2],
    struct err *err)
{
	struct err why = { .kind = ERR_NONE };

	switch (judge_draft(&both[0], &both[1])) {
	case SETTLED_KEEP:
		return 0;
	case SETTLED_DROP:
		return settle_record(run, f, slot, NULL, err);
	case SETTLED_GO:
		break;
	}
	/* Somebody has it in hand: later. */
	if (take_off(run, f, &both[0], &why) == -1) {
		if (why.kind == ERR_STALE || err_is_of_path(&why))
			return 0;
		*err = why;
		return -1;
	}
	return settle_record(run, f, slot, &both[0], err);
}

int
drafts_settle(struct run *run, struct folder *f, struct err *err)
{
	int i, k, r = 0;

	for (i = 0; i < SLOTS && r != -1; i++) {
		static const char *const what[2] = { OLD, NEW };
		struct place both[2] = { { .id = 0 }, { .id = 0 } };
		struct fact_name name;
		int64_t id[2] = { 0, 0 };

		for (k = 0; k < 2 && r != -1; k++)
			r = index_fact_get(run->ix, f->row.id,
			    fact_name(&name, what[k], i), &id[k], err);
		for (k = 0; k < 2 && r != -1 && id[0] != 0; k++)
			r = index_place_by_id(run->ix, id[k], &both[k], err);
		if (r != -1 && id[0] != 0)
			r = settle_one(run, f, i, both, err);
		for (k = 0; k < 2; k++)
			if (both[k].id != 0)
				place_release(&both[k]);
	}
	return r == -1 ? -1 : 0;
}
