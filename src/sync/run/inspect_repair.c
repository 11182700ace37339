/* Puts right what verify found, where that can lose nothing. */
#include "run/inspect_repair.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/report.h"
#include "index/content.h"
#include "mail/flags.h"
#include "maildir/attic.h"
#include "maildir/store.h"
#include "observe/observe.h"

#define NOTED_MAX	10000

static void
tell_repaired(struct inspection *in, enum verify_kind kind,
    const struct found *about, const char *what)
{
	const struct sync_finding f = {
		.class = FINDING_DAMAGE, .kind = verify_words(kind)->name,
		.folder = about->folder, .uid = about->uid,
		.unique = about->unique, .is = what,
	};

	in->out->repaired++;
	in->visit->repaired(in->visit->arg, &f);
}

/* --- a message's file --- */

void
repair_note_file(struct inspection *in, const struct place *p,
    const struct file_hint *hint, enum verify_kind kind)
{
	if (!in->repairs || in->n_noted == NOTED_MAX)
		return;
	*VEC_ADD(in->noted, in->n_noted, in->cap_noted) =
	    (struct noted_file){ p->id, *hint, kind };
}

void
repair_release(struct inspection *in)
{
	free(in->noted);
	free(in->flawed);
	report_release(&in->run.report);
}

static const struct noted_file *
find_noted(const struct inspection *in, int64_t place)
{
	size_t i;

	for (i = 0; i < in->n_noted; i++)
		if (in->noted[i].place == place)
			return &in->noted[i];
	return NULL;
}

static bool
same_state(const struct state *a, const struct state *b)
{
	return a->flags == b->flags && keywords_equal(a->keywords,
	    b->keywords);
}

/* It is the same on both sides but for its octets: nothing waits to be carried
 * over that would be lost with the file. */
static bool
is_same_but_octets(const struct place *p)
{
	return p->base_local.present && p->local.present &&
	    p->remote.present && !p->missing && !p->likely &&
	    !p->unconfirmed && !p->expected.present && p->uid != 0 &&
	    p->file != NULL && same_state(&p->local, &p->base_local) &&
	    same_state(&p->remote, &p->base_remote);
}

/* One repair of a file. */
struct file_repair {
	struct inspection *in;
	const struct index_folder *folder;
	const struct noted_file *noted;
	struct place was, now;	/* the row, read twice: now is what changes */
	bool moved;		/* the file is in the attic */
};

static int
log_repair(struct file_repair *r, struct err *err)
{
	const struct place *p = &r->was;

	return log_line(&r->in->run, &(struct index_log_line){
		.what = "repaired", .folder = r->folder->name, .uid = p->uid,
		.unique = p->unique, .content = p->content,
		.flags = p->local.flags, .evidence = "the file did not hold "
		"the message, which the server has whole: it lies in the "
		"attic, and the message is pulled again",
	    }, err);
}

/* As what was overwritten (index/seen_local.c): base does not speak of it any
 * more, so that it is to be pulled. */
static int
let_go_of_file(struct file_repair *r, struct err *err)
{
	struct index *ix = r->in->account->ix;
	int rc = index_begin(ix, err);

	if (rc == 0)
		rc = log_repair(r, err);
	state_set(&r->now.base_local, false, 0, "");
	state_set(&r->now.base_remote, false, 0, "");
	place_forget_local(&r->now);
	if (rc == 0)
		rc = index_place_put(ix, &r->now, err);
	return index_end(ix, rc, err);
}

static int
take_up_again(struct file_repair *r, struct err *err)
{
	struct index *ix = r->in->account->ix;
	int rc = index_begin(ix, err);

	/* What the row holds now is not what it held when this was read. */
	r->was.row.known = false;
	if (rc == 0)
		rc = index_place_put(ix, &r->was, err);
	return index_end(ix, rc, err);
}

/* The file as it was when it was read. */
static int
put_away(struct file_repair *r, struct err *err)
{
	const char *path = r->folder->path;
	const struct maildir_message m = { path, r->was.in_new, r->was.file };
	const struct maildir_known known = { .hint = r->noted->hint };
	struct maildir *md = &r->in->account->md;
	struct maildir_attic attic;
	int rc;

	maildir_attic_init(&attic, md, path, clock_wall());
	rc = maildir_put_away(&attic, &m, &known, err);
	r->moved = rc == 0;
	if (rc == 0)
		rc = maildir_attic_sync(&attic, err);
	maildir_attic_release(&attic);
	return rc == 0 ? maildir_sync_folder(md, path, err) : -1;
}

/* Where the file stayed, the row has it again; once it is gone from its place
 * the row must not speak of it, whatever fails then. */
static int
replace_file(struct file_repair *r, struct err *err)
{
	const struct found about = { r->folder->name, r->was.unique,
	    r->was.uid, NULL };

	if (root_mark(&r->in->run, err) == -1 ||
	    let_go_of_file(r, err) == -1)
		return -1;
	if (put_away(r, err) == -1 && r->moved)
		return -1;
	if (!r->moved) {
		*err = (struct err){ 0 };
		return take_up_again(r, err);
	}
	tell_repaired(r->in, r->noted->kind, &about, "the file lies in the "
	    "attic now, and the next sync pulls the message again");
	return 0;
}

int
repair_file(struct inspection *in, const struct index_folder *folder,
    int64_t place, struct err *err)
{
	struct file_repair r = { .in = in, .folder = folder,
	    .noted = find_noted(in, place) };
	struct index *ix = in->account->ix;
	int found;

	if (r.noted == NULL || conf_attic_days(in->account->conf) == 0)
		return 0;
	found = index_place_by_id(ix, place, &r.was, err);
	if (found == 1)
		found = index_place_by_id(ix, place, &r.now, err);
	if (found == 1)
		found = is_same_but_octets(&r.was) ? replace_file(&r, err) : 0;
	place_release(&r.was);
	place_release(&r.now);
	return found == -1 ? -1 : 0;
}

/* --- rows and folders --- */

int
repair_row(struct inspection *in, const struct found *about, int64_t place,
    struct err *err)
{
	struct index *ix = in->account->ix;
	struct place p;
	int found, rc;

	if (!in->repairs)
		return 0;
	found = index_place_by_id(ix, place, &p, err);
	if (found <= 0)
		return found;
	rc = index_begin(ix, err);
	if (rc == 0)
		rc = index_place_put(ix, &p, err);
	rc = index_end(ix, rc, err);
	place_release(&p);
	if (rc == 0)
		tell_repaired(in, V_ROW_SEEN, about, "the stamp is that of "
		    "the row again");
	return rc;
}

static int
forget_stamps(struct index *ix, struct index_folder *f, struct err *err)
{
	f->scanned = f->looked = f->last_full = 0;
	return index_folder_put(ix, f, err);
}

int
repair_folder(struct inspection *in, int64_t folder, enum verify_kind kind,
    struct err *err)
{
	struct index *ix = in->account->ix;
	struct index_folder *v;
	uint64_t ignored;
	size_t i, n;
	int rc;

	if (!in->repairs)
		return 0;
	if (index_folders(ix, &v, &n, err) == -1)
		return -1;
	rc = index_begin(ix, err);
	for (i = 0; i < n && rc == 0; i++)
		if (v[i].id == folder)
			rc = kind == V_FOLDER_TALLY ? index_recount(ix, folder,
			    &ignored, err) : forget_stamps(ix, &v[i], err);
	rc = index_end(ix, rc, err);
	for (i = 0; i < n && rc == 0; i++)
		if (v[i].id == folder)
			tell_repaired(in, kind, &(struct found){
				.folder = v[i].name }, kind == V_FOLDER_TALLY ?
			    "the rows were counted anew" : "the next sync "
			    "looks at all of the folder");
	index_folders_free(v, n);
	return rc;
}

int
repair_flawed(struct inspection *in, struct err *err)
{
	size_t i;

	for (i = 0; i < in->n_flawed; i++)
		if (repair_folder(in, in->flawed[i].folder,
		    in->flawed[i].kind, err) == -1)
			return -1;
	return 0;
}

/* --- directories --- */

struct users {
	bool has[3];		/* cur, new, tmp: a row has its file there */
};

static int
see_user(void *arg, struct place *p, struct err *err)
{
	struct users *u = arg;

	(void)err;
	u->has[p->in_new ? 1 : 0] = true;
	return 0;
}

/* An empty cur in place of one that is lost would say that all was deleted. */
bool
repair_parts(struct inspection *in, const struct index_folder *folder,
    const bool missing[3])
{
	static const char *const what[3] = { "cur was made again",
	    "new was made again", "tmp was made again" };
	struct users u = { { false } };
	const struct index_visit visit = { see_user, &u };
	struct err ignored;
	int i;

	if (!in->repairs || index_each(in->account->ix, PLACES_LOCAL,
	    folder->id, &visit, &ignored) == -1)
		return false;
	for (i = 0; i < 3; i++)
		if (missing[i] && u.has[i])
			return false;
	if (maildir_folder_create(&in->account->md, folder->path,
	    &ignored) == -1)
		return false;
	for (i = 0; i < 3; i++)
		if (missing[i])
			tell_repaired(in, V_DIR_PART, &(struct found){
				.folder = folder->name }, what[i]);
	return true;
}
