/*
 * Writes the log: what was done, and of removals why: what this run saw itself,
 * in numbers, and what it has from an earlier one, as such.
 */
#include <inttypes.h>

#include "base/limits.h"
#include "core/pick.h"
#include "index/log.h"
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

/* As it is where it is there, else as it was last seen on the server. */
static const struct state *
state_of(const struct place *p)
{
	return p->local.present ? &p->local : &p->remote;
}

static void
add_message(struct index_log_line *line, const struct place *p)
{
	const struct state *was = state_of(p);

	line->uid = p->uid;
	line->unique = p->unique;
	line->content = p->content;
	line->flags = was->flags;
	line->keywords = *was->keywords != '\0' ? was->keywords : NULL;
}

int
log_line(struct run *run, struct index_log_line *line, struct err *err)
{
	struct report *r = &run->report;

	if (r->logged == 0 && index_log_next_run(run->ix, &r->logged,
	    err) == -1)
		return -1;
	line->run = r->logged;
	return index_log(run->ix, line, err);
}

static int
line_write(struct run *run, const char *what, struct line *l, struct err *err)
{
	struct index_log_line line = {
		.what = what, .folder = l->folder->row.name,
	};
	int rc;

	if (l->place != NULL)
		add_message(&line, l->place);
	if (run->opt.force_deletes)
		buf_addf(&l->why, "; --force-deletes");
	line.evidence = buf_str(&l->why);
	rc = log_line(run, &line, err);
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
	if (how->kept)
		buf_addf(&l.why, "; kept in the attic");
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

/* --- what adds or changes --- */

int
log_done(struct run *run, enum sync_op op, const struct folder *f,
    const struct log_about *about, struct err *err)
{
	static const char *const what[] = {
		[SYNC_PULL] = "pulled", [SYNC_PUSH] = "pushed",
		[SYNC_FLAG_LOCAL] = "flags-local",
		[SYNC_FLAG_REMOTE] = "flags-remote",
		[SYNC_MOVE_REMOTE] = "moved-remote",
		[SYNC_COPY_REMOTE] = "copied-remote",
		[SYNC_MAKE_LOCAL] = "made-local",
		[SYNC_MAKE_REMOTE] = "made-remote",
		[SYNC_RENAME_LOCAL] = "renamed-local",
		[SYNC_RENAME_REMOTE] = "renamed-remote",
	};
	struct index_log_line line = {
		.what = what[op], .folder = f->row.name,
		.detail = about->detail,
		.evidence = run->opt.undo_deletes ? "--undo-deletes" : NULL,
	};

	if (about->place != NULL)
		add_message(&line, about->place);
	return log_line(run, &line, err);
}

int
log_flags(struct run *run, const struct folder *f, const struct picked *p,
    bool local, struct err *err)
{
	struct log_about about = { .place = &p->place };
	struct buf detail;
	int rc;

	buf_init(&detail, 4 * LIMIT_KEYWORDS);
	verdict_detail(p, local, &detail);
	about.detail = buf_str(&detail);
	rc = log_done(run, local ? SYNC_FLAG_LOCAL : SYNC_FLAG_REMOTE, f,
	    &about, err);
	buf_release(&detail);
	return rc;
}
