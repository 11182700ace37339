/*
 * Moves what is removed on the server to the trash folder: by UID MOVE; without
 * that by UID COPY, between an intent and a record of it (transfer.h). Only
 * what a row of the trash shows is expunged here.
 */
#include "apply/remove.h"

#include <stdlib.h>
#include <string.h>

#include "mail/flags.h"

static enum task_result trash_moved(struct task *);
static enum task_result trash_left_known(struct task *);
static enum task_result trash_intended(struct task *);
static enum task_result trash_copied(struct task *);
static enum task_result trash_recorded(struct task *);
static enum task_result trash_looked(struct task *);

int
remove_trash_recall(struct removing *r, struct err *err)
{
	int i, any;

	if (r->trash == NULL)
		return 0;
	for (i = 0; i < r->n; i++)
		r->transfer[i] = (struct transfer){
			.place = &r->row[i].p.place
		};
	r->transfers = (struct transfers){
		.trash = r->trash, .v = r->transfer, .n = r->n
	};
	any = transfers_recall(r->pass.run, &r->transfers, err);
	r->transferred_before = any == 1;
	return any == -1 ? -1 : 0;
}

void
remove_trash_release(struct removing *r)
{
	memset(r->transfer, 0, sizeof(r->transfer));
	r->transferred_before = r->moved = false;
	r->doubtful = r->unshown = 0;
	free(r->transfers.why);
	r->transfers.why = NULL;
	imap_cmd_release(&r->move);
}

/* It arrives there without \Deleted. */
static void
unmark(struct removing *r)
{
	struct imap_store_args args = {
		.uids = &r->marked, .silent = true, .flags = FLAG_DELETED,
	};

	if (!uidset_empty(&r->marked))
		imap_store_start(r->pass.conn->session, &r->store,
		    &r->pass.task, &args);
}

static int
trash_intend_work(struct pass *p, struct err *err)
{
	struct removing *r = (struct removing *)p;

	return transfers_intend(p->run, &r->transfers, err);
}

enum task_result
remove_to_trash(struct removing *r)
{
	struct imap_session *session = r->pass.conn->session;
	struct task *t = &r->pass.task;
	int i;

	if ((imap_session_caps(session) & CAP_MOVE) &&
	    !r->transferred_before) {
		unmark(r);
		remove_proof_begin(r);
		imap_move_start(session, &r->move, t, &r->uids,
		    r->trash->row.raw);
		return remove_wait(r, &r->move, trash_moved);
	}
	for (i = 0; i < r->n; i++)
		if (uidset_has(&r->uids, r->row[i].p.place.uid))
			r->transfer[i].state = TRANSFER_FRESH;
	return pass_job(&r->pass, trash_intend_work, trash_intended);
}

static bool
is_unanswered(const struct imap_cmd *cmd)
{
	return cmd->task != NULL && !cmd->done;
}

static enum task_result
trash_moved(struct task *t)
{
	struct removing *r = (struct removing *)t;
	const char *why = imap_refusal(&r->move);

	if (is_unanswered(&r->store))
		return remove_wait(r, &r->store, trash_moved);
	if (why != NULL) {
		remove_refused(r, why);
		return remove_record(r);
	}
	r->trash->look_again = true;
	r->moved = true;
	return remove_prove(r);
}

static int
trash_left_work(struct pass *p, struct err *err)
{
	struct removing *r = (struct removing *)p;
	struct transfers *t = &r->transfers;

	if (transfers_intend(p->run, t, err) == -1)
		return -1;
	return r->move.code != CODE_COPYUID ? 0 :
	    transfers_answered(p->run, t, &r->move, err);
}

/*
 * MOVE said OK, and they are here still. Where it told of copies they are in
 * the trash; else the next run looks there first.
 */
enum task_result
remove_trash_left(struct removing *r)
{
	int i;

	if (!r->moved || uidset_empty(&r->left))
		return remove_record(r);
	for (i = 0; i < r->n; i++)
		if (uidset_has(&r->left, r->row[i].p.place.uid))
			r->transfer[i].state = TRANSFER_FRESH;
	return pass_job(&r->pass, trash_left_work, trash_left_known);
}

static enum task_result
trash_left_known(struct task *t)
{
	return remove_record((struct removing *)t);
}

/* --- copies --- */

static void
uids_of_transfers(struct removing *r, enum transfer_state state)
{
	int i;

	uidset_clear(&r->uids);
	for (i = 0; i < r->n; i++)
		if (r->transfer[i].state == state)
			uidset_add(&r->uids, r->row[i].p.place.uid);
}

/* Only what is in the trash for sure goes here. */
static enum task_result
remove_copied(struct removing *r)
{
	uids_of_transfers(r, TRANSFER_DONE);
	return uidset_empty(&r->uids) || r->pass.folder->failed ?
	    remove_record(r) : remove_mark(r);
}

/* A word is no copy: a row has to show it. */
static enum task_result
trash_look(struct removing *r)
{
	uids_of_transfers(r, TRANSFER_SENT);
	if (uidset_empty(&r->uids))
		return remove_copied(r);
	transfer_look_start(&r->pass, &r->transfers, &r->looked);
	return pass_wait(&r->pass.task, &r->looked, trash_looked);
}

static enum task_result
trash_intended(struct task *t)
{
	struct removing *r = (struct removing *)t;
	int i;

	uids_of_transfers(r, TRANSFER_FRESH);
	uidset_clear(&r->marked);
	for (i = 0; i < r->n; i++) {
		const struct place *p = &r->row[i].p.place;

		/* What an attempt before lost, the next run looks for. */
		r->doubtful += r->transfer[i].state == TRANSFER_DOUBT &&
		    r->pass.run->past.attempts == 0;
		if (r->transfer[i].state == TRANSFER_FRESH &&
		    (p->remote.flags & FLAG_DELETED))
			uidset_add(&r->marked, p->uid);
	}
	if (uidset_empty(&r->uids))
		return trash_look(r);
	unmark(r);
	r->copying = true;
	imap_cmd_release(&r->move);
	imap_copy_start(r->pass.conn->session, &r->move, t, &r->uids,
	    r->trash->row.raw);
	return remove_wait(r, &r->move, trash_copied);
}

static int
answered_work(struct pass *p, struct err *err)
{
	struct removing *r = (struct removing *)p;

	return transfers_answered(p->run, &r->transfers, &r->move, err);
}

/* Refused: of a long set, a part may have been copied. The next run looks. */
static enum task_result
trash_copied(struct task *t)
{
	struct removing *r = (struct removing *)t;
	const char *why = imap_refusal(&r->move);

	if (is_unanswered(&r->store))
		return remove_wait(r, &r->store, trash_copied);
	r->copying = false;
	if (why != NULL) {
		remove_refused(r, why);
		return trash_look(r);
	}
	r->trash->look_again = true;
	return pass_job(&r->pass, answered_work, trash_recorded);
}

static enum task_result
trash_recorded(struct task *t)
{
	return trash_look((struct removing *)t);
}

/* What is not there, and may be sent once more, is. */
static enum task_result
trash_looked(struct task *t)
{
	struct removing *r = (struct removing *)t;

	if (r->transfers.why != NULL)
		remove_refused(r, r->transfers.why);
	uids_of_transfers(r, TRANSFER_FRESH);
	if (uidset_empty(&r->uids) || r->refused != NULL ||
	    r->pass.folder->failed)
		return remove_copied(r);
	return pass_job(&r->pass, trash_intend_work, trash_intended);
}

/* Index lane: the server said that it copied it, and shows no copy. */
bool
remove_is_unshown(const struct removing *r, int i)
{
	return r->trash != NULL && r->transfer[i].state == TRANSFER_SENT;
}

int
remove_record_unshown(struct removing *r, const struct place *p,
    struct err *err)
{
	struct tries tries;

	if (tries_of(r->pass.run, p, ITEM_REMOVE, &tries, err) == -1)
		return -1;
	r->unshown += tries.n > 0;
	return record_failure(r->pass.run, r->pass.folder, p,
	    &(struct failure){ ITEM_REMOVE, "", false }, err);
}

void
remove_report_unshown(struct removing *r)
{
	const unsigned long long n = r->unshown;

	report_folder_issue(r->pass.run, r->pass.folder, ITEM_REMOVE, n,
	    "the server said that it copied %llu message%s deleted here to "
	    "%s, which does not show %s; %s here on the server", n,
	    n == 1 ? "" : "s", r->trash->row.name, n == 1 ? "it" : "them",
	    n == 1 ? "it stays" : "they stay");
	r->unshown = 0;
}
