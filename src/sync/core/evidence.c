/*
 * Why something was removed, for the log of the index: what this run saw
 * itself, in numbers, and what it has from an earlier one, as such.
 */
#include <inttypes.h>

#include "core/report.h"
#include "core/run.h"

#define EVIDENCE_MAX	1000

static void
add_forced(const struct run *run, struct buf *out)
{
	if (run->opt.force_deletes)
		buf_addf(out, "; --force-deletes");
}

/* The server does not have it. */
static void
add_remote(const struct folder *f, struct buf *out)
{
	const struct proof *p = &f->proof;

	if (!f->row.remote)
		buf_addf(out, "the folder is gone from the server: "
		    "two lists lacked it");
	else if (!f->observed)
		buf_addf(out, "gone from the server in an earlier run");
	else if (p->full)
		buf_addf(out, "not in the complete listing of the server: "
		    "%" PRIu64 " messages, EXISTS %u, UIDVALIDITY %u",
		    p->listed, f->row.exists, f->row.uidvalidity);
	else
		buf_addf(out, "the server told %" PRIu64 " as gone, and the "
		    "sum closes: EXISTS %u, UIDVALIDITY %u", p->vanished,
		    f->row.exists, f->row.uidvalidity);
}

/* The disk does not have it. */
static void
add_local(const struct run *run, const struct folder *f, struct buf *out)
{
	const struct proof *p = &f->proof;

	if (!f->row.local)
		buf_addf(out, "the directory is gone from an intact parent");
	else if (p->scanned[0] == 0)
		buf_addf(out, "gone from disk: two scans of an earlier run");
	else if (p->scanned[1] == 0)
		buf_addf(out, "gone from disk: two scans of an earlier run, "
		    "and a complete one at %" PRId64, p->scanned[0]);
	else
		buf_addf(out, "gone from disk: complete scans at %" PRId64
		    " and %" PRId64, p->scanned[0], p->scanned[1]);
	buf_addf(out, "; marker %s", run->account->token);
}

static int
write_line(struct run *run, const char *what, const struct folder *f,
    const struct place *p, struct buf *why, struct err *err)
{
	int rc;

	add_forced(run, why);
	rc = index_log(run->ix, what, f->row.name, p == NULL ? 0 : p->uid,
	    p == NULL ? NULL : p->unique, buf_str(why), err);
	buf_release(why);
	return rc;
}

int
evidence_local(struct run *run, const struct folder *f, const struct place *p,
    struct err *err)
{
	struct buf why;

	buf_init(&why, EVIDENCE_MAX);
	if (p->remote.present)
		buf_addf(&why, "marked as deleted, and expunge = yes");
	else
		add_remote(f, &why);
	return write_line(run, "removed-local", f, p, &why, err);
}

int
evidence_remote(struct run *run, const struct folder *f,
    const struct place *p, const char *trash, struct err *err)
{
	struct buf why;

	buf_init(&why, EVIDENCE_MAX);
	if (p->local.present)
		buf_addf(&why, "marked as deleted, and expunge = yes");
	else
		add_local(run, f, &why);
	buf_addf(&why, "; the server had size %u and date %" PRId64
	    " as recorded", p->size, p->date);
	if (trash != NULL)
		buf_addf(&why, "; moved to %s", trash);
	return write_line(run, trash != NULL ? "trashed" : "removed-remote", f,
	    p, &why, err);
}

int
evidence_forgotten(struct run *run, const struct folder *f,
    const struct place *p, struct err *err)
{
	struct buf why;

	buf_init(&why, EVIDENCE_MAX);
	add_local(run, f, &why);
	buf_addf(&why, "; ");
	add_remote(f, &why);
	return write_line(run, "forgotten", f, p, &why, err);
}

int
evidence_folder(struct run *run, const struct folder *f, struct err *err)
{
	const char *what = "dropped-local";
	struct buf why;

	buf_init(&why, EVIDENCE_MAX);
	if (!f->row.local) {
		add_local(run, f, &why);
		what = "dropped-remote";
	}
	if (f->row.remote) {
		buf_addf(&why, "; the server showed 0 messages in it");
	} else {
		what = f->row.local ? what : "forgotten";
		buf_addf(&why, "%s", f->row.local ? "" : "; ");
		add_remote(f, &why);
	}
	return write_line(run, what, f, NULL, &why, err);
}
