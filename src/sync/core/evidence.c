/*
 * Writes into the log why something was removed: what this run saw itself, in
 * numbers, and what it has from an earlier one, as such.
 */
#include <inttypes.h>

#include "core/report.h"
#include "core/run.h"

#define EVIDENCE_MAX	1000

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
		    "%" PRIu64 " messages, EXISTS %u, UIDVALIDITY %" PRIu64,
		    p->listed, f->row.exists, f->row.uidvalidity);
	else
		buf_addf(out, "the server told %" PRIu64 " as gone, and the "
		    "sum closes: EXISTS %u, UIDVALIDITY %" PRIu64, p->vanished,
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

/* A line in the making. */
struct line {
	const struct folder *folder;
	const struct place *place;	/* NULL: it is about the folder */
	struct buf why;
};

static void
line_begin(struct line *l, const struct folder *f, const struct place *p)
{
	*l = (struct line){ .folder = f, .place = p };
	buf_init(&l->why, EVIDENCE_MAX);
}

static int
line_write(struct run *run, const char *what, struct line *l, struct err *err)
{
	const struct place *p = l->place;
	struct index_log_line line = { what, l->folder->row.name, 0, NULL, "" };
	int rc;

	if (p != NULL) {
		line.uid = p->uid;
		line.unique = p->unique;
	}
	if (run->opt.force_deletes)
		buf_addf(&l->why, "; --force-deletes");
	line.evidence = buf_str(&l->why);
	rc = index_log(run->ix, &line, err);
	buf_release(&l->why);
	return rc;
}

int
evidence_local(struct run *run, const struct folder *f, const struct place *p,
    struct err *err)
{
	struct line l;

	line_begin(&l, f, p);
	if (p->remote.present)
		buf_addf(&l.why, "marked as deleted, and expunge = yes");
	else
		add_remote(f, &l.why);
	if (p->likely)
		buf_addf(&l.why, "; unproven: paired by header and size alone");
	return line_write(run, "removed-local", &l, err);
}

static void
add_sameness(struct buf *why, const struct place *p,
    const struct removed_how *how)
{
	buf_addf(why, "; the server had ");
	if (how->size)
		buf_addf(why, "size %u%s", p->size, how->date ? " and " : "");
	if (how->date)
		buf_addf(why, "date %" PRId64, p->date);
	if (how->header)
		buf_addf(why, "the header");
	buf_addf(why, " as recorded");
}

int
evidence_remote(struct run *run, const struct folder *f,
    const struct place *p, const struct removed_how *how, struct err *err)
{
	struct line l;

	line_begin(&l, f, p);
	if (p->local.present)
		buf_addf(&l.why, "marked as deleted, and expunge = yes");
	else
		add_local(run, f, &l.why);
	add_sameness(&l.why, p, how);
	if (how->trash != NULL)
		buf_addf(&l.why, "; moved to %s", how->trash);
	return line_write(run, how->trash != NULL ? "trashed" :
	    "removed-remote", &l, err);
}

int
evidence_forgotten(struct run *run, const struct folder *f,
    const struct place *p, struct err *err)
{
	struct line l;

	line_begin(&l, f, p);
	add_local(run, f, &l.why);
	buf_addf(&l.why, "; ");
	if (place_is_twin(p))
		buf_addf(&l.why, "the server has it once, for another file");
	else
		add_remote(f, &l.why);
	return line_write(run, "forgotten", &l, err);
}

int
evidence_parted(struct run *run, const struct folder *f,
    const struct place *p, struct err *err)
{
	struct line l;

	line_begin(&l, f, p);
	buf_addf(&l.why, "the server's message has the header and the size of "
	    "the file, and another body");
	return line_write(run, "parted", &l, err);
}

int
evidence_folder(struct run *run, const struct folder *f, struct err *err)
{
	const char *what = "dropped-local";
	struct line l;

	line_begin(&l, f, NULL);
	if (!f->row.local) {
		add_local(run, f, &l.why);
		what = "dropped-remote";
	}
	if (f->row.remote) {
		buf_addf(&l.why, "; the server showed 0 messages in it");
	} else {
		what = f->row.local ? what : "forgotten";
		buf_addf(&l.why, "%s", f->row.local ? "" : "; ");
		add_remote(f, &l.why);
	}
	return line_write(run, what, &l, err);
}
