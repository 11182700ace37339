/* Opens index and Maildir, and asks whether they speak of each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "core/learned.h"
#include "observe/observe.h"

#define MARKER_LOOKS	4

static uint64_t
mix(uint64_t h, const char *s)
{
	return (fnv1a(h, s, strlen(s)) ^ 0x1f) * 0x9e3779b97f4a7c15u;
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
	    index_reset_remote(ix, f->id, NULL, err)) == -1)
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

/* What is on disk alone is no news any more, but may be much. */
static int
ask_before_uploads(struct run *run, struct err *err)
{
	int rc;

	if (run->opt.adopt)
		return 0;
	run->account->adopted = false;
	rc = index_begin(run->ix, err);
	if (rc == 0)
		rc = index_set(run->ix, "adopted", NULL, err);
	return index_end(run->ix, rc, err);
}

/* What was allowed stays so, also when the run is cut off. */
static int
allow_uploads(struct run *run, struct err *err)
{
	struct account *a = run->account;
	int rc;

	if (!run->opt.adopt || a->adopted || run->md->look_only)
		return 0;
	a->adopted = true;
	rc = index_begin(run->ix, err);
	if (rc == 0)
		rc = index_set(run->ix, "adopted", "yes", err);
	return index_end(run->ix, rc, err);
}

/* Facts of the index that change together. */
struct fact {
	const char *key, *value;
};

static int
set_two(struct index *ix, const struct fact fact[2], struct err *err)
{
	int rc = index_set(ix, fact[0].key, fact[0].value, err);

	return rc == -1 ? -1 : index_set(ix, fact[1].key, fact[1].value, err);
}

static int
set_both(struct index *ix, const struct fact fact[2], struct err *err)
{
	int rc = index_begin(ix, err);

	if (rc == 0)
		rc = set_two(ix, fact, err);
	return index_end(ix, rc, err);
}

/* The marker carries what is recorded as the next one: that will do until
 * something else is recorded. */
static int
confirm_token(struct index *ix, const char *token, struct err *err)
{
	const struct fact both[2] = {
		{ "token", token }, { "token-next", token }
	};
	int rc = index_begin_seen(ix, err);

	if (rc == 0)
		rc = set_two(ix, both, err);
	return index_end(ix, rc, err);
}

/* Which root the index speaks of, and as it is now. */
static int
set_root(struct run *run, struct err *err)
{
	const struct account *a = run->account;
	const struct fact both[2] = {
		{ "root-id", a->root_id }, { "token", a->token }
	};

	return set_both(run->ix, both, err);
}

static int
new_marker(struct run *run, struct err *err)
{
	struct account *a = run->account;
	char random[33];

	owner_id(run->conf, a->root_id);
	random_hex(random);
	random[16] = '\0';
	memcpy(a->root_id + 16, random, 17);
	random_hex(a->token);
	if (set_root(run, err) == -1)
		return -1;
	run->marked = true;
	return maildir_mark(run->md, a->root_id, a->token, err);
}

static int
lock_maildir(struct run *run, struct err *err)
{
	return maildir_lock(run->md, err) == -1 ? -1 :
	    layout_settle(run, err);
}

/* --- the cases --- */

/* A dry run may not make the index forget, and without that it would tell of
 * removals that never come. */
static int
no_dry_merge(struct run *run, struct err *err)
{
	return !run->md->look_only ? 0 : err_set(err, ERR_HELD, "a sync would "
	    "merge both sides of account %s anew, and a dry run can't tell "
	    "what comes of that; a merge deletes nothing: run sync without "
	    "--dry-run", run->conf->name);
}

/* Messages that were agreed on. */
static int
count_known(struct run *run, uint64_t *out, struct err *err)
{
	struct index_counts counts;

	if (index_counts(run->ix, 0, &counts, err) == -1)
		return -1;
	*out = counts.paired;
	return 0;
}

static const char *
state_in_words(enum maildir_root state)
{
	return state == ROOT_MISSING ? "does not exist" :
	    state == ROOT_EMPTY ? "is empty" : "has no marker";
}

/* Another program's base was taken over (sync/takeover.h) for this root, which
 * has had no marker yet. */
static int
is_taken_over(struct run *run, bool *out, struct err *err)
{
	char *from = NULL, *id = NULL;
	int rc = index_get(run->ix, IMPORTED, &from, err);

	if (rc == 0)
		rc = index_get(run->ix, "root-id", &id, err);
	*out = rc == 0 && from != NULL && id == NULL &&
	    run->account->root_state == ROOT_UNMARKED;
	free(from);
	free(id);
	return rc;
}

/* Only dry runs have paired so far: that is no agreement. */
static int
forget_dry_pairs(struct run *run, uint64_t *known, struct err *err)
{
	char *id, *from = NULL;

	if (index_get(run->ix, "root-id", &id, err) == -1 ||
	    index_get(run->ix, IMPORTED, &from, err) == -1) {
		free(id);
		return -1;
	}
	if (id == NULL && from == NULL && *known > 0) {
		*known = 0;
		return forget_side(run->ix, true, err);
	}
	free(id);
	free(from);
	return 0;
}

static int
without_marker(struct run *run, struct err *err)
{
	const enum maildir_root state = run->account->root_state;
	const char *what = state_in_words(state);
	bool taken_over;
	uint64_t known;

	if (count_known(run, &known, err) == -1 ||
	    forget_dry_pairs(run, &known, err) == -1 ||
	    is_taken_over(run, &taken_over, err) == -1)
		return -1;
	if (taken_over)
		known = 0;	/* it is agreed on, and nothing to merge */
	if (known > 0 && state != ROOT_UNMARKED && !run->opt.adopt)
		return err_set(err, ERR_HELD, "the Maildir %s %s, but the "
		    "last run left %llu message%s in it; nothing was touched. "
		    "Mount or restore it, or run sync --adopt to begin with it "
		    "as it is", run->md->root, what, (unsigned long long)known,
		    known == 1 ? "" : "s");
	if (known > 0 && no_dry_merge(run, err) == -1)
		return -1;
	if (run->md->look_only)
		return 0;
	if (known > 0) {
		report_note_later(run, xasprintf("the Maildir %s %s; both "
		    "sides are merged, nothing is deleted", run->md->root,
		    what));
		if (forget_side(run->ix, true, err) == -1 ||
		    ask_before_uploads(run, err) == -1)
			return -1;
	}
	run->account->unclaimed = true;
	return lock_maildir(run, err);
}

/* Somebody else's root, taken over on request: it gets a marker of ours. */
static int
take_over(struct run *run, struct err *err)
{
	const struct account *a = run->account;
	uint64_t known;

	if (no_dry_merge(run, err) == -1 || lock_maildir(run, err) == -1 ||
	    count_known(run, &known, err) == -1)
		return -1;
	report_note_later(run, xasprintf("the Maildir %s is taken over; both "
	    "sides are merged, nothing is deleted", run->md->root));
	if (known > 0 && forget_side(run->ix, true, err) == -1)
		return -1;
	if (maildir_unmark(run->md, a->root_id, a->token, err) == -1)
		return -1;
	return new_marker(run, err);
}

int
root_is_current(struct run *run, bool *out, struct err *err)
{
	const struct account *a = run->account;
	char *token = NULL, *next = NULL, *id = NULL;
	int rc = -1;

	if (index_get(run->ix, "token", &token, err) == 0 &&
	    index_get(run->ix, "token-next", &next, err) == 0 &&
	    index_get(run->ix, "root-id", &id, err) == 0)
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
report_not_current(struct run *run, struct err *err)
{
	char *id;

	if (index_get(run->ix, "root-id", &id, err) == -1)
		return -1;
	if (id != NULL)
		report_note_later(run, xasprintf("the Maildir %s is not as "
		    "the last run left it (restored from a backup?); both "
		    "sides are merged, nothing is deleted", run->md->root));
	else if (run->report.n_later == 0)	/* of an index that was lost */
		report_note_later(run, xasprintf("the Maildir %s was synced "
		    "before, but the index knows nothing of it; both sides "
		    "are merged, nothing is deleted", run->md->root));
	free(id);
	return 0;
}

static int
merge_with_marker(struct run *run, struct err *err)
{
	uint64_t known;

	if (count_known(run, &known, err) == -1)
		return -1;
	if (known > 0 && (no_dry_merge(run, err) == -1 ||
	    forget_side(run->ix, true, err) == -1 ||
	    ask_before_uploads(run, err) == -1))
		return -1;
	if (report_not_current(run, err) == -1)
		return -1;
	return run->md->look_only ? 0 : set_root(run, err);
}

static int
same_setting(struct run *run, const struct fact *now, bool *changed,
    struct err *err)
{
	char *was;

	if (index_get(run->ix, now->key, &was, err) == -1)
		return -1;
	if (was != NULL && strcmp(was, now->value) != 0)
		*changed = true;
	free(was);
	return 0;
}

/* Then it belongs to no host yet, and whatever was mistyped is corrected
 * without a question. */
static int
was_never_in_sync(struct run *run, bool *out, struct err *err)
{
	uint64_t known;
	char *last;

	if (index_get(run->ix, "last-sync", &last, err) == -1)
		return -1;
	*out = last == NULL;
	free(last);
	if (*out && count_known(run, &known, err) == -1)
		return -1;
	*out = *out && known == 0;
	return 0;
}

static void
server_of(const struct conf_account *c, struct fact out[2])
{
	out[0] = (struct fact){ "host", c->tunnel != NULL ? c->tunnel :
	    c->host };
	out[1] = (struct fact){ "user", c->user != NULL ? c->user : "" };
}

int
root_is_of_another(struct run *run, bool *out, struct err *err)
{
	struct fact now[2];

	*out = false;
	server_of(run->conf, now);
	return same_setting(run, &now[0], out, err) == -1 ? -1 :
	    same_setting(run, &now[1], out, err);
}

/* Another host or user: the UIDs of the index mean nothing there. Which it is
 * is written when a login has succeeded. */
static int
check_server(struct run *run, struct err *err)
{
	const struct conf_account *c = run->conf;
	struct fact now[2];
	bool changed, never;

	server_of(c, now);
	if (root_is_of_another(run, &changed, err) == -1)
		return -1;
	if (changed && was_never_in_sync(run, &never, err) == -1)
		return -1;
	if (changed && never)
		return run->md->look_only ? 0 :
		    forget_side(run->ix, false, err);
	if (changed && !run->opt.adopt)
		return err_set(err, ERR_CONFIG, "host or user of account %s "
		    "changed since the last run; set them back, or run sync "
		    "--adopt to merge the Maildir with the account there",
		    c->name);
	if (changed && (no_dry_merge(run, err) == -1 ||
	    forget_side(run->ix, false, err) == -1))
		return -1;
	return changed && !run->md->look_only ? set_both(run->ix, now, err) :
	    0;
}

/* Ours by the index, made for a host or user that never worked. */
static int
is_of_a_typo(struct run *run, bool *out, struct err *err)
{
	char *id;

	if (was_never_in_sync(run, out, err) == -1 ||
	    index_get(run->ix, "root-id", &id, err) == -1)
		return -1;
	*out = *out && id != NULL &&
	    strcmp(id, run->account->root_id) == 0;
	free(id);
	return 0;
}

int
root_record_server(struct run *run, struct err *err)
{
	struct fact now[2];

	server_of(run->conf, now);
	return set_two(run->ix, now, err);
}

int
root_claim(struct run *run, struct err *err)
{
	struct account *a = run->account;
	struct fact now[2];

	server_of(run->conf, now);
	if (run->md->look_only)
		return 0;
	if (set_both(run->ix, now, err) == -1)
		return -1;
	if (!a->unclaimed)
		return 0;
	if (a->root_state == ROOT_MARKED && maildir_unmark(run->md,
	    a->root_id, a->token, err) == -1)
		return -1;
	a->unclaimed = false;
	return new_marker(run, err);
}

static int
with_marker(struct run *run, struct err *err)
{
	bool current, ours = is_ours(run->conf, run->account->root_id);
	bool typo = false;

	if (!ours && !run->opt.adopt && is_of_a_typo(run, &typo, err) == -1)
		return -1;
	run->account->unclaimed = typo;
	if (typo)
		return run->md->look_only ? 0 : lock_maildir(run, err);
	if (!ours && !run->opt.adopt)
		return err_set(err, ERR_CONFIG, "the Maildir %s belongs to "
		    "another account, host or user; set the maildir of account "
		    "%s right, or run sync --adopt to take it over",
		    run->md->root, run->conf->name);
	if (!ours)
		return take_over(run, err);
	if (lock_maildir(run, err) == -1 ||
	    root_is_current(run, &current, err) == -1)
		return -1;
	return current ? 0 : merge_with_marker(run, err);
}

/* --- opening --- */

static int
open_index(struct run *run, struct err *err)
{
	struct account *a = run->account;
	struct index_open_result how = { .fresh = false };
	char *path = account_index_path(a, err);
	int rc;

	if (path == NULL)
		return -1;
	rc = index_open(&a->ix, path, run->opt.full ? INDEX_CHECK :
	    INDEX_WRITE, &how, err);
	if (rc == 0 && how.set_aside != NULL)
		report_note_later(run, xasprintf("the index was damaged and "
		    "lies at %s now; both sides are merged, nothing is deleted",
		    how.set_aside));
	free(how.set_aside);
	free(path);
	return rc;
}

/* As an earlier run left it open: the same directory, with its marker. */
static bool
is_open_still(struct run *run)
{
	const struct account *a = run->account;
	struct err ignored;

	return run->md->mark_fd != -1 && maildir_check_mark(run->md,
	    a->root_id, a->token, &ignored) == 0;
}

static int
find_root(struct account *a, struct err *err)
{
	struct maildir_found found;
	int rc = maildir_open(&a->md, a->conf->maildir, &found, err);

	if (found.root != ROOT_MARKED)
		a->md.layout = layout_wanted(a->conf);
	a->root_state = found.root;
	memcpy(a->root_id, found.id, sizeof(found.id));
	memcpy(a->token, found.token, sizeof(found.token));
	return rc;
}

int
root_find(struct account *a, struct err *err)
{
	return find_root(a, err) == -1 ? -1 : layout_refuse_moving(a, err);
}

/* A sync at work gives the root another marker, and the index learns of it in
 * between: what was read of both is read again until it agrees. */
int
root_find_beside(struct run *run, bool *current, struct err *err)
{
	int i;

	*current = false;
	for (i = 0; i < MARKER_LOOKS && !*current; i++) {
		if (i > 0)
			maildir_close(run->md);
		if (root_find(run->account, err) == -1)
			return -1;
		if (run->ix == NULL)
			break;
		if (root_is_current(run, current, err) == -1)
			return -1;
	}
	return 0;
}

static int
open_maildir(struct run *run, struct err *err)
{
	if (is_open_still(run)) {
		run->account->root_state = ROOT_MARKED;
		return 0;
	}
	maildir_close(run->md);
	return find_root(run->account, err);
}

int
root_open(struct run *run, struct err *err)
{
	struct account *a = run->account;
	char *adopted;

	if (a->ix != NULL && (run->opt.full || index_has_moved(a->ix))) {
		index_close(a->ix);
		a->ix = NULL;
	}
	if (a->ix == NULL && open_index(run, err) == -1)
		return -1;
	run->ix = a->ix;
	if (issues_begin(run, err) == -1 || open_maildir(run, err) == -1)
		return -1;
	run->md->look_only = run->opt.dry_run;
	if (maildir_root_is_folder(run->md))
		return err_set(err, ERR_CONFIG, "the Maildir %s is a folder "
		    "itself: it has cur, new and tmp, and mail in these would "
		    "lie in no folder. Move them into a directory INBOX in it, "
		    "set layout = \"maildir++\" of account %s, where they are "
		    "INBOX, or set its `maildir` to another directory",
		    run->md->root, run->conf->name);
	if (check_server(run, err) == -1 || learned_load(run, err) == -1 ||
	    index_get(run->ix, "adopted", &adopted, err) == -1)
		return -1;
	a->adopted = adopted != NULL;
	free(adopted);
	free(a->known_namespace);
	a->known_namespace = NULL;
	if (index_get(run->ix, "namespace", &a->known_namespace, err) == -1)
		return -1;
	if ((a->root_state == ROOT_MARKED ? with_marker(run, err) :
	    without_marker(run, err)) == -1)
		return -1;
	return allow_uploads(run, err);
}

int
root_mark(struct run *run, struct err *err)
{
	struct account *a = run->account;
	char next[33];
	const struct fact both[2] = {
		{ "token-next", next }, { "root-id", a->root_id }
	};

	if (run->marked || run->md->look_only)
		return 0;
	random_hex(next);
	if (set_both(run->ix, both, err) == -1 || maildir_remark(run->md,
	    a->root_id, a->token, next, err) == -1 ||
	    confirm_token(run->ix, next, err) == -1)
		return -1;
	memcpy(a->token, next, sizeof(next));
	run->marked = true;
	return 0;
}
