/* Names the folders in which the server does not store that mail was read. */
#include "base/mem.h"
#include "mail/flags.h"
#include "run/phases.h"

/* In a share, most likely, whose owner has the only say. */
static bool
stores_no_seen(const struct folder *f)
{
	return folder_in_play(f) && f->row.remote && f->row.id != 0 &&
	    f->row.uidvalidity != 0 && !f->row.read_only &&
	    !(f->row.permanent & ~f->lacking.flags & FLAG_SEEN);
}

static int
unread_work(struct pass *p, struct err *err)
{
	struct run *run = p->run;
	size_t i;
	int rc = 0;

	for (i = 0; i < run->n_folder && rc == 0; i++)
		if (stores_no_seen(&run->folder[i]))
			rc = index_owes_flag(run->ix, run->folder[i].row.id,
			    FLAG_SEEN, &run->folder[i].unread, err);
	return rc;
}

static enum task_result
unread_told(struct task *t)
{
	struct run *run = phase_run(t);
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (run->folder[i].unread)
			report_folder_issue(run, &run->folder[i], ITEM_NOTE, 0,
			    "the server does not store \\Seen in that folder; "
			    "what was read or marked unread here is so here "
			    "alone");
	return TASK_DONE;
}

static enum task_result
unread_begin(struct task *t)
{
	struct run *run = phase_run(t);
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (stores_no_seen(&run->folder[i]))
			return phase_job(t, unread_work, unread_told);
	return TASK_DONE;
}

void
unread_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	phase_start(ph, run, out, "unread", unread_begin);
}
