/*
 * Holds what the server shows against what it told of uploads: OK and a UID are
 * no facts (design section 5, "Not stored").
 *
 *	index lane	which have a row by now; of another size, or from a
 *			server whose word is not known yet:
 *	server		FETCH	the header
 *	index lane		which has to be that of what was sent
 *	index lane	which have none: what becomes of them
 *
 * It comes behind each look at a folder with such uploads, before anything is
 * done with their rows. What turns out to be another message gives its UID
 * back, and is paired like any that is new.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/learned.h"
#include "index/content.h"
#include "maildir/store.h"
#include "match/match.h"
#include "observe/headers.h"
#include "plan/upload.h"

#define UPLOADS		500	/* at once */

struct uploaded {
	struct pass pass;
	struct index_intent intent[UPLOADS];	/* that were asked for */
	struct headers headers;		/* the same, in order */
	int64_t after;			/* the last one looked at */
	uint64_t untold;	/* of which no header came */
	uint64_t waiting;	/* that the server does not show so far */
};

static enum task_result uploaded_load(struct task *);
static enum task_result uploaded_loaded(struct task *);
static enum task_result uploaded_told(struct task *);
static enum task_result uploaded_judged(struct task *);
static enum task_result uploaded_done(struct task *);

/* --- which have a row --- */

static bool
must_ask(const struct learned *l, const struct index_intent *in,
    const struct place *p)
{
	return p->size != in->size || !learned_uploads_right(l);
}

/* What it is about is gone, or was reset: then it is of no use. */
static bool
is_about(const struct index_intent *in, const struct place *p)
{
	return p->folder == in->folder && p->uid != 0 && p->remote.present;
}

/* 1: place_release it; 0: there is none, and the intent went; -1. */
static int
upload_place(struct index *ix, const struct index_intent *in, struct place *out,
    struct err *err)
{
	int found = index_place_by_id(ix, in->place, out, err);

	if (found == 1 && is_about(in, out))
		return 1;
	if (found == 1)
		place_release(out);
	return found == -1 || index_intent_drop(ix, in->id, err) == -1 ? -1 : 0;
}

static int
look_at_upload(struct uploaded *u, const struct index_intent *in,
    struct err *err)
{
	struct run *run = u->pass.run;
	struct place p;
	int found = upload_place(run->ix, in, &p, err), rc = 0;

	if (found != 1)
		return found;
	if (must_ask(&run->learned, in, &p)) {
		u->intent[u->headers.n] = *in;
		headers_add(&u->headers, p.uid, p.content);
	} else {
		rc = index_intent_drop(run->ix, in->id, err);
	}
	place_release(&p);
	return rc;
}

static int
uploaded_load_work(struct pass *pass, struct err *err)
{
	struct uploaded *u = (struct uploaded *)pass;
	struct run *run = pass->run;
	struct index_intent_stream from = {
		.folder = pass->folder->row.id, .told = TOLD_SHOWN,
		.after = u->after,
	};
	struct index_intent *v = xcalloc(UPLOADS, sizeof(*v));
	int i, rc, n = index_intents_told(run->ix, &from, v,
	    learned_uploads_ask(&run->learned, UPLOADS), err);

	rc = n == -1 ? -1 : index_begin(run->ix, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = look_at_upload(u, &v[i], err);
	if (n != -1)
		rc = index_end(run->ix, rc, err);
	if (n > 0)
		u->after = v[n - 1].id;
	else
		u->after = -1;
	free(v);
	return rc;
}

static enum task_result
uploaded_load(struct task *t)
{
	return pass_job((struct pass *)t, uploaded_load_work, uploaded_loaded);
}

static enum task_result
uploaded_loaded(struct task *t)
{
	struct uploaded *u = (struct uploaded *)t;

	if (u->headers.n == 0)
		return task_next(t, uploaded_judged);
	headers_ask(&u->headers, u->pass.conn->session, t);
	return imap_wait(t, &u->headers.fetch.cmd, uploaded_told);
}

/* --- whose it is --- */

/* The header is that of another upload to the folder: the UIDs were swapped. */
static int
is_of_another(struct uploaded *u, const struct index_intent *in,
    const struct fingerprint *fp, bool *out, struct err *err)
{
	struct index_content c;
	size_t i;
	int found = 0;

	*out = false;
	for (i = 0; i < u->headers.n && found != -1 && !*out; i++) {
		if (u->intent[i].id == in->id ||
		    u->intent[i].content == in->content)
			continue;
		found = index_content_by_id(u->pass.run->ix,
		    u->intent[i].content, &c, err);
		*out = found == 1 && header_has_head(fp, &c);
	}
	return found == -1 ? -1 : 0;
}

/* The index does not know it; of a file that is gone nobody does. */
static void
compare_dates(struct uploaded *u, const struct place *p,
    const struct fingerprint *shown, struct upload_shown *out)
{
	const struct maildir_message file = {
		u->pass.folder->row.path, p->in_new, p->file,
	};
	struct fingerprint sent;
	struct err ignored;
	int64_t mtime;

	if (!shown->has_sent || !p->local.present || p->file == NULL ||
	    maildir_fingerprint(u->pass.run->md, &file, &sent, &mtime,
	    &ignored) == -1)
		return;
	out->date_known = sent.has_sent;
	out->date_same = sent.has_sent && sent.sent == shown->sent;
}

static int
compare_upload(struct uploaded *u, size_t i, const struct place *p,
    struct upload_shown *out, struct err *err)
{
	const struct index_intent *in = &u->intent[i];
	const struct fingerprint *shown = &u->headers.v[i].fp;
	struct index_content sent;
	int found = index_content_by_id(u->pass.run->ix, in->content, &sent,
	    err);

	*out = (struct upload_shown){
		.size_told = p->size != 0, .size_same = p->size == in->size,
	};
	if (found != 1)
		return found;
	out->head_same = header_has_head(shown, &sent);
	out->id_known = sent.message_id[0] != '\0' &&
	    shown->message_id[0] != '\0';
	out->id_same = strcmp(sent.message_id, shown->message_id) == 0;
	if (out->head_same)
		return 0;
	compare_dates(u, p, shown, out);
	return is_of_another(u, in, shown, &out->head_of_another, err);
}

/* --- what becomes of it --- */

/* The file loses the UID. What is to be sent once more says so. */
static int
take_back(struct index *ix, struct index_intent *in, struct place *p,
    enum index_told told, struct err *err)
{
	if (!p->local.present)
		return index_place_drop(ix, p->id, err) == -1 ? -1 :
		    index_intent_drop(ix, in->id, err);
	place_forget_remote(p);
	state_set(&p->base_local, false, 0, "");
	state_set(&p->base_remote, false, 0, "");
	in->told = told;
	return index_place_put(ix, p, err) == -1 ? -1 :
	    index_intent_put(ix, in, err);
}

/* Twins of a UID that is none of them any more. */
static int
free_twins(struct uploaded *u, uint32_t uid, enum index_told told,
    struct err *err)
{
	struct index *ix = u->pass.run->ix;
	struct index_intent_stream from = {
		.folder = u->pass.folder->row.id, .told = TOLD_TWIN,
	};
	struct index_intent in;
	struct place p;
	int n, found, rc = 0;

	while (rc == 0 && (n = index_intents_told(ix, &from, &in, 1, err)) > 0)
	{
		from.after = in.id;
		if (in.uidnext != uid)
			continue;
		found = index_place_by_id(ix, in.place, &p, err);
		if (found != 1) {
			rc = found;
			continue;
		}
		rc = take_back(ix, &in, &p, told, err);
		place_release(&p);
	}
	return rc == -1 || n == -1 ? -1 : 0;
}

/* Both ways round: what is there is a message of its own. */
static int
part_upload(struct uploaded *u, struct index_intent *in, struct place *p,
    struct err *err)
{
	struct index *ix = u->pass.run->ix;
	const uint32_t uid = p->uid;
	char *words = xstrdup(p->remote.keywords);
	const struct index_seen_remote seen = {
		.uid = uid, .has_flags = true, .flags = p->remote.flags,
		.keywords = words, .size = p->size,
		.has_date = p->has_date, .date = p->date,
	};
	bool changed;
	int rc = take_back(ix, in, p, TOLD_NOTHING, err);

	if (rc == 0)
		rc = index_see_remote(ix, in->folder, &seen, &changed, err);
	free(words);
	return rc == -1 ? -1 : free_twins(u, uid, TOLD_NOTHING, err);
}

static int
judge_upload(struct uploaded *u, size_t i, struct err *err)
{
	struct run *run = u->pass.run;
	const struct header *h = &u->headers.v[i];
	struct index_intent *in = &u->intent[i];
	struct upload_shown shown;
	struct place p;
	enum upload_is is;
	int rc, found;

	if (!h->got) {
		u->untold++;
		return 0;
	}
	found = upload_place(run->ix, in, &p, err);
	if (found != 1)
		return found;
	rc = compare_upload(u, i, &p, &shown, err);
	is = upload_is(&shown);
	if (rc == 0)
		rc = learn_upload(run, is, shown.head_same, err);
	if (rc == 0)
		rc = is == UPLOAD_ANOTHER ? part_upload(u, in, &p, err) :
		    index_intent_drop(run->ix, in->id, err);
	place_release(&p);
	return rc == -1 ? -1 : 0;
}

static int
uploaded_judge_work(struct pass *pass, struct err *err)
{
	struct uploaded *u = (struct uploaded *)pass;
	size_t i;
	int rc = index_begin(pass->run->ix, err);

	for (i = 0; i < u->headers.n && rc == 0; i++)
		rc = judge_upload(u, i, err);
	return index_end(pass->run->ix, rc, err);
}

static enum task_result
uploaded_told(struct task *t)
{
	return pass_job((struct pass *)t, uploaded_judge_work, uploaded_judged);
}

/* --- which have none --- */

int
record_not_shown(struct run *run, struct folder *f, const struct place *p,
    struct err *err)
{
	struct failure why = { ITEM_PUSH, "", false };
	char *text = xasprintf("the server took %s but shows no message like "
	    "it; it is not sent again", p->unique);
	int rc;

	why.text = text;
	rc = record_failure(run, f, p, &why, err);
	free(text);
	return rc;
}

static int
upload_lacks(struct uploaded *u, struct index_intent *in, struct err *err)
{
	struct index *ix = u->pass.run->ix;
	struct place p;
	uint32_t uid;
	int rc = 0, found = upload_place(ix, in, &p, err);

	if (found != 1)
		return found;
	uid = p.uid;
	switch (upload_lacking(uid, u->pass.folder->row.uidnext, in->again)) {
	case UPLOAD_WAITS:
		u->waiting++;
		break;
	case UPLOAD_AGAIN:
		rc = take_back(ix, in, &p, TOLD_LACKING, err);
		if (rc == 0)
			rc = free_twins(u, uid, TOLD_LACKING, err);
		break;
	case UPLOAD_GIVEN_UP:
		rc = take_back(ix, in, &p, TOLD_NOTHING, err);
		if (rc == 0)
			rc = free_twins(u, uid, TOLD_NOTHING, err);
		if (rc == 0 && p.local.present)
			rc = record_not_shown(u->pass.run, u->pass.folder, &p,
			    err);
	}
	place_release(&p);
	return rc;
}

static int
uploaded_lacking_work(struct pass *pass, struct err *err)
{
	struct uploaded *u = (struct uploaded *)pass;
	struct folder *f = pass->folder;
	struct index *ix = pass->run->ix;
	struct index_intent_stream from = {
		.folder = f->row.id, .told = TOLD_UID,
	};
	struct index_intent in;
	int n, rc = index_begin(ix, err);

	while (rc == 0 && f->observed && !f->unsettled) {
		n = index_intents_told(ix, &from, &in, 1, err);
		if (n != 1) {
			rc = n;
			break;
		}
		from.after = in.id;
		rc = upload_lacks(u, &in, err);
	}
	if (rc == 0)
		rc = index_uploads_told(ix, f->row.id, &f->uploads, err);
	return index_end(ix, rc, err);
}

static enum task_result
uploaded_judged(struct task *t)
{
	struct uploaded *u = (struct uploaded *)t;

	headers_release(&u->headers);
	return u->after != -1 ? task_next(t, uploaded_load) :
	    pass_job(&u->pass, uploaded_lacking_work, uploaded_done);
}

static enum task_result
uploaded_done(struct task *t)
{
	struct uploaded *u = (struct uploaded *)t;
	const unsigned long long n = u->waiting, untold = u->untold;

	if (n > 0)
		report_folder_issue(u->pass.run, u->pass.folder, ITEM_SUM, n,
		    "the server said that it stored %llu message%s, and does "
		    "not show %s so far; the file%s here", n,
		    n == 1 ? "" : "s", n == 1 ? "it" : "them",
		    n == 1 ? " stays" : "s stay");
	else if (untold > 0)
		report_folder_issue(u->pass.run, u->pass.folder, ITEM_SUM,
		    untold, "the server does not tell what it made of %llu "
		    "message%s that %s uploaded; nothing is done with %s",
		    untold, untold == 1 ? "" : "s", untold == 1 ? "was" :
		    "were", untold == 1 ? "it" : "them");
	return TASK_DONE;
}

static void
uploaded_finish(struct task *t)
{
	struct uploaded *u = (struct uploaded *)t;

	headers_release(&u->headers);
	pass_end(&u->pass);
}

void
uploaded_start(struct conn *conn, struct folder *folder,
    struct pass_result *out)
{
	struct uploaded *u = xcalloc(1, sizeof(*u));

	u->pass.folder = folder;
	u->pass.step = STEP_UPLOADED;
	u->pass.task.finish = uploaded_finish;
	pass_start(&u->pass, conn, out, "uploaded", uploaded_load);
}
