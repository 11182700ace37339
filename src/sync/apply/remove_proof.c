/*
 * Sees whether the server removed what it said OK to (design section 11): a
 * fallen EXISTS says so, else it is asked. What it has still waits, and is told
 * when that happens again.
 */
#include "apply/remove.h"

static enum task_result remove_left_told(struct task *);

void
remove_proof_begin(struct removing *r)
{
	r->exists = imap_box_exists(r->pass.conn->session);
	uidset_clear(&r->left);
	imap_cmd_release(&r->look.cmd);
}

static void
left_row(void *arg, const struct imap_fetch *f)
{
	struct removing *r = arg;

	if (uidset_has(&r->uids, f->uid))
		uidset_add(&r->left, f->uid);
}

/* The others that come and go at that time make it ask. */
static bool
has_fallen(const struct removing *r)
{
	uint64_t now = imap_box_exists(r->pass.conn->session);

	return now + uidset_count(&r->uids) == r->exists;
}

enum task_result
remove_prove(struct removing *r)
{
	struct task *t = &r->pass.task;
	struct imap_fetch_args args = {
		.uids = &r->uids, .items = FETCH_FLAGS,
		.sink = { .arg = r, .row = left_row },
	};

	if (has_fallen(r))
		return remove_proven(r);
	imap_fetch_start(r->pass.conn->session, &r->look, t, &args);
	return remove_wait(r, &r->look.cmd, remove_left_told);
}

/* Refused: nobody knows, so all may be there. */
static enum task_result
remove_left_told(struct task *t)
{
	struct removing *r = (struct removing *)t;
	uint32_t uid = 0;

	if (imap_refusal(&r->look.cmd) != NULL)
		while (uidset_next(&r->uids, &uid))
			uidset_add(&r->left, uid);
	return remove_proven(r);
}

/* Once, it may come later. */
int
remove_record_left(struct removing *r, const struct place *p, struct err *err)
{
	struct tries tries;

	if (tries_of(r->pass.run, p, ITEM_REMOVE, &tries, err) == -1)
		return -1;
	r->stays += tries.n > 0;
	return record_failure(r->pass.run, r->pass.folder, p,
	    &(struct failure){ ITEM_REMOVE, "", false }, err);
}

void
remove_report_left(struct removing *r)
{
	const unsigned long long n = r->stays;

	if (n > 0)
		report_folder_issue(r->pass.run, r->pass.folder, ITEM_REMOVE,
		    n, "%llu message%s deleted here %s still on the server, "
		    "which said OK to their removal", n, n == 1 ? "" : "s",
		    n == 1 ? "is" : "are");
	r->stays = 0;
}
