/* Lets a sync that lost its connection begin anew, with what it learned. */
#include "run/again.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/loss.h"
#include "plan/loss.h"
#include "run/listing.h"

#define ATTEMPTS_MOST	100	/* of one sync, whatever they are for */

struct past_folder {
	int64_t id;
	bool left;
	bool through;
	bool observed;
	bool look_again;
	uint32_t unpulled;
	struct folder_loss loss[STEPS];
};

static bool
lost_connection(const struct run *run)
{
	return run->task.result == TASK_FAIL && !run->task.cancelled &&
	    loss_is_of_connection(&run->task.err);
}

bool
again_is_worth_it(struct run *run)
{
	struct past *p = &run->past;
	struct loss_of_run l;

	if (!lost_connection(run))
		return false;
	if (p->wanted)
		return p->attempts < ATTEMPTS_MOST;
	l = (struct loss_of_run){
		.opened = p->opened, .lost = p->lost + 1,
		.idle = p->progress > p->progress_before ? 0 : p->idle + 1,
	};
	return loss_begins_anew(&l);
}

static void
keep_folders(const struct run *run, struct past *to)
{
	size_t i;

	/* What it met it has to meet again: these are not told yet. */
	for (i = 0; i < run->report.n_issue; i++)
		if (run->report.issue[i].folder != SIZE_MAX)
			run->folder[run->report.issue[i].folder].through =
			    false;
	to->folder = xcalloc(run->n_folder + 1, sizeof(*to->folder));
	to->n_folder = run->n_folder;
	for (i = 0; i < run->n_folder; i++) {
		const struct folder *f = &run->folder[i];
		struct past_folder *kept = &to->folder[i];

		kept->id = f->row.id;
		kept->left = f->left;
		kept->through = f->through && !f->failed;
		kept->observed = f->observed;
		kept->look_again = f->look_again;
		kept->unpulled = f->unpulled;
		memcpy(kept->loss, f->loss, sizeof(kept->loss));
	}
}

void
again_hand_over(struct run *from, struct run *to)
{
	struct past *p = &from->past;

	log_info("%s: %s; with another connection", from->conf->name,
	    from->task.err.msg);
	to->past = (struct past){
		.attempts = p->attempts + 1, .lost = p->lost + !p->wanted,
		.idle = p->wanted ? p->idle :
		    p->progress > p->progress_before ? 0 : p->idle + 1,
		.progress = p->progress, .progress_before = p->progress,
		.sent = p->sent, .merging = from->merging,
		.listing = p->listing, .caps_lost = p->caps_lost,
		.mute = p->mute, .recovery_lost = p->recovery_lost,
	};
	p->listing = NULL;
	memcpy(to->past.message, p->message, sizeof(p->message));
	to->past.n_message = p->n_message;
	memcpy(to->past.search, p->search, sizeof(p->search));
	to->past.n_search = p->n_search;
	to->merging = from->merging;
	to->logged_in = from->logged_in;
	to->met = from->met;
	to->over_quota = from->over_quota;
	to->groups_refused = from->groups_refused;
	/* Lost before it knew its folders, it knows what it was told. */
	if (p->recalled)
		keep_folders(from, &to->past);
	else {
		to->past.folder = p->folder;
		to->past.n_folder = p->n_folder;
		p->folder = NULL;
		p->n_folder = 0;
	}
}

static int
by_id(const void *a, const void *b)
{
	const struct past_folder *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Another look found it to be another folder, and was lost: nothing is known of
 * its messages any more, whatever was done with it before. */
static bool
is_begun_anew(const struct folder *f)
{
	return f->row.remote && f->row.uidvalidity != 0 && f->row.uidnext == 0;
}

int
again_recall(struct run *run, struct err *err)
{
	struct past *p = &run->past;
	const struct past_folder *kept;
	size_t i;

	p->recalled = true;
	if (p->n_folder > 1)
		qsort(p->folder, p->n_folder, sizeof(*p->folder), by_id);
	for (i = 0; i < run->n_folder; i++) {
		struct folder *f = &run->folder[i];
		const struct past_folder key = { .id = f->row.id };

		kept = p->n_folder == 0 || f->row.id == 0 ? NULL :
		    bsearch(&key, p->folder, p->n_folder, sizeof(key), by_id);
		if (kept != NULL) {
			f->left = kept->left;
			f->through = f->was_through = kept->through &&
			    !is_begun_anew(f);
			f->observed = kept->observed && !is_begun_anew(f);
			f->look_again = kept->look_again;
			f->unpulled = kept->unpulled;
			memcpy(f->loss, kept->loss, sizeof(f->loss));
		}
		if (loss_recall(run, f, err) == -1)
			return -1;
	}
	return 0;
}

void
again_release(struct past *p)
{
	free(p->folder);
	p->folder = NULL;
	p->n_folder = 0;
	listing_free(p->listing);
	p->listing = NULL;
}
