/* Answers what every flow asks of a folder of its run. */
#include "core/folder.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/pick.h"
#include "core/report.h"
#include "core/run.h"
#include "mail/flags.h"

void
folder_release(struct folder *f)
{
	index_folder_release(&f->row);
	free(f->lacking.keywords);
	free(f->lacking.doubtful_words);
	f->lacking = (struct lacking){ .flags = 0 };
	sight_release(&f->sight);
	free(f->fault);
	f->fault = NULL;
}

bool
folder_in_play(const struct folder *f)
{
	return f->chosen && !f->failed && !f->local_broken;
}

bool
folder_is_inbox(const struct folder *f)
{
	return strcmp(f->row.name, "INBOX") == 0;
}

enum folder_op
folder_verdict(const struct folder *f)
{
	struct folder_facts facts = {
		.base = f->row.base, .local = f->row.local,
		.remote = f->row.remote, .inbox = folder_is_inbox(f),
		.unseen = f->row.local ? f->unseen_local : f->unseen_remote,
	};

	return folder_reconcile(&facts);
}

void
folder_ability(const struct folder *f, struct ability *out)
{
	out->flags = f->row.permanent & ~f->lacking.flags;
	out->any_keyword = f->row.permanent_any;
	out->keywords = f->row.permanent_keywords != NULL ?
	    f->row.permanent_keywords : "";
	out->lacks = f->lacking.keywords;
}

void
folder_fail(struct run *run, struct folder *f, const struct err *err)
{
	f->failed = true;
	report_folder_issue(run, f, ITEM_FOLDER, ALL_ROWS,
	    "%s; the folder is left out", err->msg);
}

int
folder_leave_out(struct run *run, struct folder *f, const struct err *err)
{
	if (!err_is_of_path(err))
		return -1;
	if (f->fault == NULL)
		f->fault = xcalloc(1, sizeof(*f->fault));
	*f->fault = *err;
	f->failed = run->hold_remove_remote = true;
	return 0;
}

bool
folder_left_out(struct run *run, struct folder *f)
{
	if (f->fault != NULL)
		folder_fail(run, f, f->fault);
	return f->failed;
}

uint32_t
folder_next_uid(const struct folder *f)
{
	return f->row.uidnext > f->transferred_next ? f->row.uidnext :
	    f->transferred_next;
}

struct folder *
folder_trash(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_folder && run->conf->trash != NULL; i++)
		if (strcmp(run->folder[i].row.name, run->conf->trash) == 0 &&
		    run->folder[i].row.remote)
			return &run->folder[i];
	return NULL;
}

bool
folder_lacks_trash(const struct run *run)
{
	return run->conf->trash != NULL && folder_trash(run) == NULL;
}

struct folder *
folder_named(const struct run *run, const char *name)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (strcmp(run->folder[i].row.name, name) == 0)
			return &run->folder[i];
	return NULL;
}

struct folder *
folder_by_id(const struct run *run, int64_t id)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (run->folder[i].row.id == id)
			return &run->folder[i];
	return NULL;
}

bool
folder_takes_removals(const struct folder *f)
{
	return !f->row.read_only &&
	    (f->row.permanent & ~f->lacking.flags & FLAG_DELETED) != 0;
}

bool
folder_takes_part(const struct run *run, const struct folder *f)
{
	return folder_in_play(f) && (!run->undone || run->merged || f->undone);
}

bool
folder_takes_uploads(const struct run *run, const struct folder *f)
{
	bool there = f->row.remote || (run->md->look_only &&
	    folder_verdict(f) == FOLDER_MAKE_REMOTE);

	return folder_takes_part(run, f) && f->dirty > 0 && f->row.local &&
	    there;
}

/* Nothing that STATUS tells has moved, and nothing here waits to be done. */
static bool
is_unchanged(const struct run *run, const struct folder *f)
{
	const struct imap_folder *l = &f->listed;

	return !run->opt.full && !f->verify &&
	    l->has_status && l->modseq != 0 &&
	    f->row.base && f->dirty == 0 && f->uploads == 0 && !f->owed &&
	    l->modseq == f->row.modseq &&
	    l->uidvalidity == f->row.uidvalidity &&
	    l->uidnext == f->row.uidnext && l->messages == f->row.exists;
}

bool
folder_wants_look(const struct run *run, const struct folder *f)
{
	if (f->was_through && !run->merged && !run->undone)
		return false;
	return folder_takes_part(run, f) && (!f->row.local || !f->row.remote ||
	    !is_unchanged(run, f));
}

int
folder_unseen(struct run *run, struct folder *f, bool local, bool *out,
    struct err *err)
{
	struct picked row[1];
	struct pick pick = { .run = run, .folder = f, .ops = OP_PULL, .max =
	    1 };
	int n;

	/* What OP_PUSH means, asked of the index: row by row it would be a
	 * query for each message that waits to be pulled. */
	if (local)
		return index_has(run->ix, PLACES_UNPAIRED_LOCAL, f->row.id, out,
		    err);
	n = pick_rows(&pick, row, err);
	if (n == -1)
		return -1;
	picked_release(row, n);
	*out = n > 0;
	return 0;
}

bool
code_is_folder(enum imap_code_kind code)
{
	switch (code) {
	case CODE_OVERQUOTA:
	case CODE_NOPERM:
	case CODE_READ_ONLY:
	case CODE_TRYCREATE:
	case CODE_NONEXISTENT:
	case CODE_UNAVAILABLE:
	case CODE_INUSE:
	case CODE_EXPIRED:
	case CODE_PRIVACYREQUIRED:
	case CODE_AUTHORIZATIONFAILED:
	case CODE_CONTACTADMIN:
		return true;
	default:
		return false;
	}
}

bool
code_is_passing(enum imap_code_kind code)
{
	return code == CODE_SERVERBUG || code == CODE_LIMIT ||
	    code_is_folder(code);
}
