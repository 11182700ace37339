/* What sync says through its callbacks, on its way to people and programs. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "internal.h"
#include "ui/json.h"

#define KEPT_MAX	500	/* lines that a mail from cron can do with */

void
notes_tell(struct notes *notes, struct report *r, const char *account,
    const char *sentence)
{
	struct json_event *e = json_event_new("note");

	json_event_add_text(e, "account", account);
	json_event_add_text(e, "message", sentence);
	report_event(r, e);
	if (!r->quiet)
		log_warn("%s: %s", account, sentence);
	else if (notes->n < KEPT_MAX)
		*VEC_ADD(notes->kept, notes->n, notes->cap) =
		    xstrdup(sentence);
	else
		notes->dropped++;
}

void
notes_end(struct notes *notes, const char *account, int status)
{
	bool silent = status == 0 || status == 75;
	size_t i;

	for (i = 0; i < notes->n; i++) {
		if (!silent)
			log_warn("%s: %s", account, notes->kept[i]);
		free(notes->kept[i]);
	}
	if (!silent && notes->dropped > 0)
		log_warn("%s: and %llu more; see mailtern status %s", account,
		    (unsigned long long)notes->dropped, account);
	free(notes->kept);
	*notes = (struct notes){ 0 };
}

void
op_report_event(struct report *r, const char *account,
    const struct sync_done *done, bool dry_run)
{
	struct json_event *e;

	if (!r->json)
		return;
	e = json_event_new("op");
	json_event_add_text(e, "account", account);
	json_event_add_text(e, "folder", done->folder);
	json_event_add_text(e, "op", sync_op_name(done->op));
	if (done->uid != 0)
		json_event_add_number(e, "uid", done->uid);
	else
		json_event_add_text(e, "uid", NULL);
	json_event_add_text(e, "unique", done->unique);
	json_event_add_text(e, "detail",
	    done->detail != NULL ? done->detail : "");
	if (dry_run)
		json_event_add_bool(e, "dry_run", true);
	report_event(r, e);
}
