/* Is this the Maildir that the index speaks of? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "core/internal.h"

char *
sync_state_dir(struct err *err)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (xdg != NULL && *xdg == '/')
		return xasprintf("%s/mailtern", xdg);
	if (home == NULL || *home != '/') {
		err_set(err, ERR_CONFIG, "neither XDG_STATE_HOME nor HOME is "
		    "set: there is no place for the index; set one of them");
		return NULL;
	}
	return xasprintf("%s/.local/state/mailtern", home);
}

static uint64_t
mix(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return (h ^ 0x1f) * 0x9e3779b97f4a7c15u;
}

/* The first half of a root's id tells whose it is, also when the index that
 * recorded it is lost; the second is random. */
static void
owner_id(const struct conf_account *c, char out[17])
{
	uint64_t h = 0xcbf29ce484222325u;

	h = mix(h, c->name);
	h = mix(h, c->tunnel != NULL ? c->tunnel : c->host);
	h = mix(h, c->user != NULL ? c->user : "");
	snprintf(out, 17, "%016llx", (unsigned long long)h);
}

static bool
is_ours(const struct conf_account *c, const char *id)
{
	char owner[17];

	owner_id(c, owner);
	return strncmp(owner, id, 16) == 0;
}

static int
forget_folder(struct index *ix, struct index_folder *f, bool local,
    struct err *err)
{
	f->base = false;
	if (local) {
		f->local = false;
		f->looked = 0;
	} else {
		f->remote = false;
		f->uidvalidity = f->uidnext = f->exists = 0;
		f->modseq = 0;
	}
	if ((local ? index_reset_local(ix, f->id, err) :
	    index_reset_remote(ix, f->id, err)) == -1)
		return -1;
	return index_folder_put(ix, f, err);
}

/* That side is another one: what was agreed on with it loses its base, and
 * nothing is deleted. */
static int
forget_side(struct index *ix, bool local, struct err *err)
{
	struct index_folder *v;
	size_t n, i;
	int rc;

	if (index_folders(ix, &v, &n, err) == -1)
		return -1;
	rc = index_begin(ix, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = forget_folder(ix, &v[i], local, err);
	index_folders_free(v, n);
	return index_end(ix, rc, err);
}

static int
set_two(struct index *ix, const char *k1, const char *v1, const char *k2,
    const char *v2, struct err *err)
{
	int rc = index_set(ix, k1, v1, err);

	return rc == -1 ? -1 : index_set(ix, k2, v2, err);
}

static int
set_both(struct index *ix, const char *k1, const char *v1, const char *k2,
    const char *v2, struct err *err)
{
	int rc = index_begin(ix, err);

	if (rc == 0)
		rc = set_two(ix, k1, v1, k2, v2, err);
	return index_end(ix, rc, err);
}

/* The marker carries what is recorded as the next one: that will do until
 * something else is recorded. */
static int
confirm_token(struct index *ix, const char *token, struct err *err)
{
	int rc = index_begin_seen(ix, err);

	if (rc == 0)
		rc = set_two(ix, "token", token, "token-next", token, err);
	return index_end(ix, rc, err);
}

static int
new_marker(struct account *a, struct err *err)
{
	char random[33];

	owner_id(a->conf, a->root_id);
	random_hex(random);
	random[16] = '\0';
	memcpy(a->root_id + 16, random, 17);
	random_hex(a->token);
	if (set_both(a->ix, "root-id", a->root_id, "token", a->token, err) ==
	    -1)
		return -1;
	a->marked = true;
	return maildir_mark(&a->md, a->root_id, a->token, err);
}

/* --- the cases --- */

/* A dry run may not make the index forget, and without that it would tell of
 * removals that never come. */
static int
no_dry_merge(struct account *a, struct err *err)
{
	return !a->opt.dry_run ? 0 : err_set(err, ERR_HELD, "a sync would merge "
	    "both sides of account %s anew, and a dry run can't tell what comes "
	    "of that; a merge deletes nothing: run sync without --dry-run",
	    a->conf->name);
}

/* Messages that were agreed on. */
static int
count_known(struct account *a, uint64_t *out, struct err *err)
{
	struct index_counts counts;

	if (index_counts(a->ix, 0, &counts, err) == -1)
		return -1;
	*out = counts.paired;
	return 0;
}

static int
without_marker(struct account *a, struct err *err)
{
	const char *what = a->root_state == ROOT_MISSING ? "does not exist" :
	    a->root_state == ROOT_EMPTY ? "is empty" : "has no marker";
	uint64_t known;

	if (count_known(a, &known, err) == -1)
		return -1;
	if (known > 0 && a->root_state != ROOT_UNMARKED && !a->opt.adopt)
		return err_set(err, ERR_HELD, "the Maildir %s %s, but the "
		    "last run left %llu message%s in it; nothing was touched. "
		    "Mount or restore it, or run sync --adopt to begin with it "
		    "as it is", a->md.root, what, (unsigned long long)known,
		    known == 1 ? "" : "s");
	if (known > 0 && no_dry_merge(a, err) == -1)
		return -1;
	if (a->opt.dry_run)
		return 0;
	if (known > 0) {
		report_note_later(a,
		    xasprintf("the Maildir %s %s; both sides are "
		    "merged, nothing is deleted", a->md.root, what));
		if (forget_side(a->ix, true, err) == -1)
			return -1;
	}
	if (maildir_lock(&a->md, err) == -1)
		return -1;
	return new_marker(a, err);
}

/* Somebody else's root, taken over on request: it gets a marker of ours. */
static int
take_over(struct account *a, struct err *err)
{
	uint64_t known;

	if (no_dry_merge(a, err) == -1 || maildir_lock(&a->md, err) == -1 ||
	    count_known(a, &known, err) == -1)
		return -1;
	report_note_later(a,
	    xasprintf("the Maildir %s is taken over; both sides are "
	    "merged, nothing is deleted", a->md.root));
	if (known > 0 && forget_side(a->ix, true, err) == -1)
		return -1;
	if (maildir_unmark(&a->md, a->root_id, a->token, err) == -1)
		return -1;
	return new_marker(a, err);
}

int
root_is_current(struct account *a, bool *out, struct err *err)
{
	char *token = NULL, *next = NULL, *id = NULL;
	int rc = -1;

	if (index_get(a->ix, "token", &token, err) == 0 &&
	    index_get(a->ix, "token-next", &next, err) == 0 &&
	    index_get(a->ix, "root-id", &id, err) == 0)
		rc = 0;
	*out = rc == 0 && a->root_state == ROOT_MARKED && id != NULL &&
	    strcmp(id, a->root_id) == 0 &&
	    ((token != NULL && strcmp(token, a->token) == 0) ||
	    (next != NULL && strcmp(next, a->token) == 0));
	free(token);
	free(next);
	free(id);
	return rc;
}

static int
tell_not_current(struct account *a, struct err *err)
{
	char *id;

	if (index_get(a->ix, "root-id", &id, err) == -1)
		return -1;
	if (id != NULL)
		report_note_later(a,
		    xasprintf("the Maildir %s is not as the last run "
		    "left it (restored from a backup?); both sides are merged, "
		    "nothing is deleted", a->md.root));
	else if (a->n_later == 0)	/* of an index that was set aside */
		report_note_later(a,
		    xasprintf("the Maildir %s was synced before, but "
		    "the index knows nothing of it; both sides are merged, "
		    "nothing is deleted", a->md.root));
	free(id);
	return 0;
}

static int
with_marker(struct account *a, struct err *err)
{
	uint64_t known;
	bool current;

	if (!is_ours(a->conf, a->root_id) && !a->opt.adopt)
		return err_set(err, ERR_CONFIG, "the Maildir %s belongs to "
		    "another account, host or user; set the maildir of account "
		    "%s right, or run sync --adopt to take it over", a->md.root,
		    a->conf->name);
	if (!is_ours(a->conf, a->root_id))
		return take_over(a, err);
	if (maildir_lock(&a->md, err) == -1 ||
	    root_is_current(a, &current, err) == -1)
		return -1;
	if (current)
		return 0;
	if (count_known(a, &known, err) == -1)
		return -1;
	if (known > 0 && (no_dry_merge(a, err) == -1 ||
	    forget_side(a->ix, true, err) == -1))
		return -1;
	if (tell_not_current(a, err) == -1)
		return -1;
	return a->opt.dry_run ? 0 : set_both(a->ix, "root-id", a->root_id,
	    "token", a->token, err);
}

static int
same_setting(struct account *a, const char *key, const char *now, bool *changed,
    struct err *err)
{
	char *was;

	if (index_get(a->ix, key, &was, err) == -1)
		return -1;
	if (was != NULL && strcmp(was, now) != 0)
		*changed = true;
	free(was);
	return 0;
}

/* Another host or user: the UIDs of the index mean nothing there. */
static int
check_server(struct account *a, struct err *err)
{
	const struct conf_account *c = a->conf;
	const char *host = c->tunnel != NULL ? c->tunnel : c->host;
	const char *user = c->user != NULL ? c->user : "";
	bool changed = false;

	if (same_setting(a, "host", host, &changed, err) == -1 ||
	    same_setting(a, "user", user, &changed, err) == -1)
		return -1;
	if (changed && !a->opt.adopt)
		return err_set(err, ERR_CONFIG, "host or user of account %s "
		    "changed since the last run; set them back, or run sync "
		    "--adopt to merge the Maildir with the account there",
		    c->name);
	if (changed && (no_dry_merge(a, err) == -1 ||
	    forget_side(a->ix, false, err) == -1))
		return -1;
	return a->opt.dry_run ? 0 : set_both(a->ix, "host", host, "user", user,
	    err);
}

static int
open_index(struct account *a, struct err *err)
{
	struct index_open_result how = { .fresh = false };
	char *dir, *path;
	int rc;

	dir = a->opt.state_dir != NULL ? xstrdup(a->opt.state_dir) :
	    sync_state_dir(err);
	if (dir == NULL)
		return -1;
	path = xasprintf("%s/%s.db", dir, a->conf->name);
	rc = index_open(&a->ix, path, a->opt.full ? INDEX_CHECK : INDEX_WRITE,
	    &how, err);
	if (rc == 0 && how.set_aside != NULL)
		report_note_later(a,
		    xasprintf("the index was damaged and lies at %s "
		    "now; both sides are merged, nothing is deleted",
		    how.set_aside));
	free(how.set_aside);
	free(path);
	free(dir);
	return rc;
}

int
root_open(struct account *a, struct err *err)
{
	char *adopted;

	if (open_index(a, err) == -1 || issues_begin(a, err) == -1 ||
	    maildir_open(&a->md, a->conf->maildir, &a->root_state, a->root_id,
	    a->token, err) == -1 ||
	    check_server(a, err) == -1)
		return -1;
	if (index_get(a->ix, "adopted", &adopted, err) == -1)
		return -1;
	a->adopted = adopted != NULL;
	a->md.look_only = a->opt.dry_run;
	free(adopted);
	if (a->root_state == ROOT_MARKED)
		return with_marker(a, err);
	return without_marker(a, err);
}

int
root_mark(struct account *a, struct err *err)
{
	char next[33];

	if (a->marked || a->opt.dry_run)
		return 0;
	random_hex(next);
	if (set_both(a->ix, "token-next", next, "root-id", a->root_id, err) ==
	    -1 || maildir_remark(&a->md, a->root_id, a->token, next, err) == -1
	    || confirm_token(a->ix, next, err) == -1)
		return -1;
	memcpy(a->token, next, sizeof(next));
	a->marked = true;
	return 0;
}
