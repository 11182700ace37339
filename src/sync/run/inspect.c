/*
 * Holds index and Maildir against each other. Nothing is changed; memory is
 * that of the names of one folder.
 */
#include "run/inspect.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/os.h"
#include "run/inspect_repair.h"

#define MET_MAX	1200	/* octets behind the words of a finding */

/* --- telling --- */

static enum sync_finding_class
class_of(enum verify_class class)
{
	return class == VERIFY_DAMAGE ? FINDING_DAMAGE :
	    class == VERIFY_FOREIGN ? FINDING_FOREIGN : FINDING_CHANGED;
}

static void
count_finding(struct sync_verified *out, enum sync_finding_class class)
{
	switch (class) {
	case FINDING_DAMAGE:
		out->damaged++;
		break;
	case FINDING_FOREIGN:
		out->foreign++;
		break;
	case FINDING_CHANGED:
		out->changed++;
		break;
	}
}

void
inspect_tell(struct inspection *in, enum verify_kind kind,
    const struct found *about)
{
	const struct verify_words *w = verify_words(kind);
	struct sync_finding f = {
		.class = class_of(w->class), .kind = w->name,
		.folder = about->folder, .uid = about->uid,
		.unique = about->unique, .is = w->is, .should = w->should,
		.remedy = w->remedy,
	};
	struct buf text;

	buf_init(&text, MET_MAX);
	if (about->met != NULL) {
		buf_addf(&text, "%s: %.1000s", w->is, about->met);
		f.is = buf_str(&text);
	}
	count_finding(in->out, f.class);
	in->visit->finding(in->visit->arg, &f);
	buf_release(&text);
}

/* --- which --- */

bool
inspect_wants(const struct inspection *in, const char *folder,
    const char *unique, uint32_t uid)
{
	const struct sync_verify_request *q = in->request;

	return q->parts == 0 ||
	    verify_part(folder, unique, uid, q->parts) == q->part;
}

bool
inspect_wants_folder(const struct inspection *in, const char *name)
{
	const struct sync_verify_request *q = in->request;
	size_t i;

	if (!conf_folder_matches(in->account->conf, name))
		return false;
	for (i = 0; i < q->n_glob; i++)
		if (conf_pattern_matches(q->glob[i], name))
			return true;
	return q->n_glob == 0;
}

static void
tell_progress(const struct inspection *in)
{
	const struct sync_verify_visit *v = in->visit;

	v->progress(v->arg, in->fetching ? "fetching" : "reading",
	    in->fetching ? in->out->bodies : in->out->messages, in->out->total);
}

bool
inspect_goes_on(struct inspection *in)
{
	tell_progress(in);
	if (in->until != 0 && clock_mono_ms() >= in->until)
		in->out->stopped = true;
	return !in->out->stopped;
}

/* --- all of it --- */

static void
begin_clock(struct inspection *in)
{
	const uint64_t ms = (uint64_t)in->request->seconds * 1000;
	uint64_t chance = 0;

	if (ms == 0)
		return;
	in->end = clock_mono_ms() + ms;
	in->until = in->request->offline ? in->end : in->end - ms / 2;
	if (in->n_folder > 0 && os_random(&chance, sizeof(chance)) == 0)
		in->first = (size_t)(chance % in->n_folder);
}

int
inspect_begin_at(struct inspection *in, int64_t *out, struct err *err)
{
	uint64_t chance = 0;
	int64_t newest;

	*out = 0;
	if (in->until == 0)
		return 0;
	if (index_newest_place(in->account->ix, &newest, err) == -1)
		return -1;
	if (os_random(&chance, sizeof(chance)) == 0)
		*out = (int64_t)(chance % (uint64_t)(newest + 1));
	return 0;
}

/* Some folders alone are of a number that is not worth counting. */
static int
count_messages(struct inspection *in, struct err *err)
{
	const struct sync_verify_request *q = in->request;
	struct index_counts counts;

	if (q->n_glob > 0)
		return 0;
	if (index_counts(in->account->ix, 0, &counts, err) == -1)
		return -1;
	in->out->total = counts.local / (q->parts > 0 ? q->parts : 1);
	return 0;
}

static int
inspect_folders(struct inspection *in, struct err *err)
{
	size_t i;

	for (i = 0; i < in->n_folder && inspect_goes_on(in); i++) {
		const struct index_folder *f =
		    &in->folder[(in->first + i) % in->n_folder];

		if (!inspect_wants_folder(in, f->name))
			continue;
		if (inspect_folder(in, f, err) == -1)
			return -1;
		in->out->folders++;
	}
	return 0;
}

/* 1: there is no index yet, or none that can be read: the Maildir alone says
 * what that means. */
static int
inspect_all(struct inspection *in, struct err *err)
{
	int rc = inspect_index(in, err);
	bool stopped;

	if (rc == -1 || inspect_root(in, err) == -1)
		return -1;
	if (rc == 1)
		return 0;
	if (repair_flawed(in, err) == -1)
		return -1;
	if (index_folders(in->account->ix, &in->folder, &in->n_folder,
	    err) == -1)
		return -1;
	begin_clock(in);
	if (count_messages(in, err) == -1 ||
	    inspect_directories(in, err) == -1 ||
	    inspect_folders(in, err) == -1 || inspect_attic(in, err) == -1)
		return -1;
	if (in->request->offline || in->other_server)
		return 0;
	stopped = in->out->stopped;
	in->out->stopped = false;
	in->until = in->end;
	rc = inspect_remote(in, err);
	in->out->stopped |= stopped;
	return rc;
}

int
sync_verify(const struct conf_account *conf, const char *state_dir,
    const struct sync_verify_request *request,
    struct sync_verify_visit *visit, struct err *err)
{
	struct account a = { .conf = conf, .state_dir = state_dir,
	    .md = { .fd = -1, .mark_fd = -1 } };
	struct inspection in = { .account = &a, .request = request,
	    .visit = visit, .out = &visit->outcome };
	int rc;

	in.run = (struct run){ .account = &a, .conf = conf, .md = &a.md };
	visit->outcome = (struct sync_verified){ .folders = 0 };
	rc = inspect_all(&in, err);
	index_folders_free(in.folder, in.n_folder);
	repair_release(&in);
	index_close(a.ix);
	maildir_close(&a.md);
	return rc;
}
