/* What a sync would push, without the network. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/internal.h"
#include "mail/flags.h"
#include "plan/folder.h"

static void say(struct account *, struct sync_status *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What status itself found. */
static void
say(struct account *a, struct sync_status *out, const char *fmt, ...)
{
	char text[1000];
	struct sync_item item = { .text = text, .due = true };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out->held++;
	a->cb.item(a->cb.arg, a->conf->name, &item);
}

/* Caller frees; NULL: err is set. */
static char *
index_path(const struct conf_account *conf, const struct sync_options *opt,
    struct err *err)
{
	char *path, *dir = opt->state_dir != NULL ? xstrdup(opt->state_dir) :
	    sync_state_dir(err);

	if (dir == NULL)
		return NULL;
	path = xasprintf("%s/%s.db", dir, conf->name);
	free(dir);
	return path;
}

static int
open_for_status(struct account *a, struct sync_status *out, struct err *err)
{
	struct index_open_result how = { .fresh = false };
	char *path = index_path(a->conf, &a->opt, err);
	int rc;

	if (path == NULL)
		return -1;
	rc = index_open(&a->ix, path, INDEX_READ, &how, err);
	if (rc == 0) {
		index_close(a->ix);
		a->ix = NULL;
		rc = index_open(&a->ix, path, INDEX_WRITE, &how, err);
		if (rc == -1 && err->kind == ERR_BUSY) {
			a->read_only = out->busy = true;
			rc = index_open(&a->ix, path, INDEX_READ, &how, err);
		}
	}
	if (how.set_aside != NULL)
		say(a, out, "the index was damaged and lies at %s now; the "
		    "next sync merges both sides", how.set_aside);
	free(how.set_aside);
	free(path);
	if (rc == -1)
		return -1;
	rc = maildir_open(&a->md, a->conf->maildir, &a->root_state,
	    a->root_id, a->token, err);
	a->md.look_only = true;
	return rc;
}

/* The same two looks that a sync takes. */
static int
scan_twice(struct account *a, struct folder *f, struct err *err)
{
	struct observed_local seen;

	if (observe_local(a->ix, &a->md, &f->row, LOOK_FIRST, &seen, err) == -1)
		return -1;
	if (seen.fault)		/* what becomes of it is not known before */
		report_note(a, "%s: the folder is not as the last sync left it "
		    "(restored from a backup?); the next one merges both sides "
		    "and deletes nothing", f->row.name);
	return seen.missing ? observe_local(a->ix, &a->md, &f->row,
	    LOOK_SECOND, &seen, err) : 0;
}

static void
tell_row(struct account *a, struct folder *f, const struct picked *p,
    struct sync_status *out)
{
	unsigned ops = p->verdict.ops;
	static const struct {
		unsigned bit;
		enum sync_op op;
	} outgoing[] = {
		{ OP_PUSH, SYNC_PUSH },
		{ OP_FLAG_REMOTE, SYNC_FLAG_REMOTE },
		{ OP_REMOVE_REMOTE, SYNC_REMOVE_REMOTE },
	};
	struct buf detail;
	size_t i;

	buf_init(&detail, 4 * LIMIT_KEYWORDS);
	for (i = 0; i < sizeof(outgoing) / sizeof(outgoing[0]); i++) {
		if (!(ops & outgoing[i].bit))
			continue;
		out->outgoing++;
		if (outgoing[i].bit == OP_FLAG_REMOTE)
			verdict_detail(p, false, &detail);
		report_done(a, outgoing[i].op, f, &p->place, buf_str(&detail));
		buf_clear(&detail);
	}
	buf_release(&detail);
	if (ops & (OP_PULL | OP_FLAG_LOCAL | OP_REMOVE_LOCAL))
		out->incoming++;
}

static int
tell_rows(struct account *a, struct folder *f, struct sync_status *out,
    struct err *err)
{
	struct picked row[64];
	struct pick pick = {
		.folder = f, .expunge = a->conf->expunge, .max = 64,
		.ops = ~0u,
	};
	int i, n;

	while (!pick.end) {
		n = pick_rows(a->ix, &pick, row, err);
		if (n == -1)
			return -1;
		for (i = 0; i < n; i++)
			tell_row(a, f, &row[i], out);
		picked_release(row, n);
	}
	return 0;
}

static void
tell_folder(struct account *a, struct folder *f, struct sync_status *out)
{
	struct folder_facts facts = {
		.base = f->row.base, .local = f->row.local,
		.remote = f->row.remote, .unseen = f->unseen_local,
		.inbox = strcmp(f->row.name, "INBOX") == 0,
	};
	enum folder_op op = folder_reconcile(&facts);

	if (op == FOLDER_MAKE_REMOTE || op == FOLDER_REMOVE_REMOTE) {
		out->outgoing++;
		report_done(a, op == FOLDER_MAKE_REMOTE ? SYNC_MAKE_REMOTE :
		    SYNC_DROP_REMOTE, f, NULL, "");
	}
}

/* A folder of the index that is gone from disk lost its files, too. */
static int
look_at_folder(struct account *a, struct folder *f, struct sync_status *out,
    struct err *err)
{
	struct index_counts counts;

	if (f->row.id == 0)
		return 0;		/* new, and the index is not ours now */
	if (f->fault != NULL) {
		say(a, out, "%s: %s", f->row.name, f->fault->msg);
		return 0;
	}
	if (!a->read_only && f->row.local && scan_twice(a, f, err) == -1) {
		if (!is_folder_error(err))
			return -1;
		say(a, out, "%s: %s", f->row.name, err->msg);
		return 0;
	}
	if (!a->read_only && !f->row.local && (index_counts(a->ix, f->row.id,
	    &counts, err) == -1 || (counts.local > 0 &&
	    folder_gone_local(a, f, err) == -1)))
		return -1;
	if (folder_unseen(a, f, true, &f->unseen_local, err) == -1)
		return -1;
	tell_folder(a, f, out);
	return tell_rows(a, f, out, err);
}

/* Those of folders that `folders` does not take in any more are not judged. */
static bool
is_inside(const struct account *a, int64_t folder, const char **name_out)
{
	size_t i;

	*name_out = NULL;
	for (i = 0; folder != 0 && i < a->n_folder; i++)
		if (a->folder[i].row.id == folder) {
			*name_out = a->folder[i].row.name;
			return a->folder[i].inside;
		}
	return true;
}

/* What the last runs could not do, in the words that they used. */
static int
tell_items(struct account *a, struct sync_status *out, struct err *err)
{
	struct index_item row[64];
	int64_t after = 0;
	int i, n;

	do {
		n = index_items(a->ix, -1, after, row, 64, err);
		for (i = 0; i < n; i++) {
			struct sync_item item = item_for_user(&row[i]);

			after = row[i].id;
			if (is_inside(a, row[i].folder, &item.folder) &&
			    *row[i].text != '\0') {
				out->held += !item.ignored;
				out->ignored += item.ignored;
				a->cb.item(a->cb.arg, a->conf->name, &item);
			}
			index_item_release(&row[i]);
		}
	} while (n == 64);
	return n < 0 ? -1 : 0;
}

static int
tell_all(struct account *a, struct sync_status *out, struct err *err)
{
	bool current;
	char *last;
	size_t i;

	if (index_get(a->ix, "last-sync", &last, err) == -1)
		return -1;
	out->last_sync = last == NULL ? 0 : strtoll(last, NULL, 10);
	free(last);
	if (root_is_current(a, &current, err) == -1)
		return -1;
	/* What is not there now was not deleted by anybody, as far as we know. */
	if (!current) {
		a->read_only = true;
		say(a, out, "the Maildir %s is not as the last sync left it, "
		    "or is not there: this tells what was known then",
		    a->md.root);
	}
	if (folders_load(a, NULL, err) == -1)
		return -1;
	for (i = 0; i < a->n_folder; i++)
		if (a->folder[i].inside && !a->folder[i].local_broken &&
		    look_at_folder(a, &a->folder[i], out, err) == -1)
			return -1;
	return tell_items(a, out, err);
}

int
sync_status(const struct conf_account *conf, const struct sync_options *opt,
    const struct sync_callbacks *cb, struct sync_status *out, struct err *err)
{
	struct sync_result result = { .pending = 0 };
	struct account a = {
		.conf = conf, .opt = *opt, .cb = *cb, .result = &result,
		.md = { .fd = -1, .mark_fd = -1 },
	};
	size_t i;
	int rc;

	*out = (struct sync_status){ .outgoing = 0 };
	rc = open_for_status(&a, out, err);
	if (rc == -1 && err->kind == ERR_STALE)
		rc = 0;			/* never synced: nothing to tell */
	else if (rc == 0)
		rc = tell_all(&a, out, err);
	for (i = 0; i < a.n_folder; i++)
		folder_release(&a.folder[i]);
	free(a.folder);
	issues_release(&a);
	index_close(a.ix);
	maildir_close(&a.md);
	return rc;
}

/* Without the lock: whether there is one. */
static int
find_item(struct index *ix, int64_t id, bool *found_out, struct err *err)
{
	struct index_item it;
	int n = index_items(ix, -1, id - 1, &it, 1, err);

	if (n <= 0)
		return n;
	*found_out = it.id == id && *it.text != '\0';
	index_item_release(&it);
	return 0;
}

int
sync_ignore(const struct conf_account *conf, const struct sync_options *opt,
    int64_t id, bool look_only, bool *found_out, struct err *err)
{
	struct index_open_result how = { .fresh = false };
	struct index *ix = NULL;
	char *path = index_path(conf, opt, err);
	int rc;

	*found_out = false;
	if (path == NULL)
		return -1;
	rc = index_open(&ix, path, look_only ? INDEX_READ : INDEX_WRITE,
	    &how, err);
	free(how.set_aside);
	free(path);
	if (rc == -1)
		return err->kind == ERR_STALE ? 0 : -1;
	if (look_only)
		rc = find_item(ix, id, found_out, err);
	else if ((rc = index_begin(ix, err)) == 0)
		rc = index_end(ix, index_item_ignore(ix, id, found_out, err),
		    err);
	index_close(ix);
	return rc;
}
