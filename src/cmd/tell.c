/* What sync says through its callbacks, on its way to people and programs. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "internal.h"
#include "ui/json.h"

#define KEPT_MAX	500	/* lines that a mail from cron can do with */

static void
tell(struct notes *notes, struct report *r, const char *account,
    const char *line)
{
	if (!r->quiet)
		log_warn("%s: %s", account, line);
	else if (notes->n < KEPT_MAX)
		*VEC_ADD(notes->kept, notes->n, notes->cap) = xstrdup(line);
	else
		notes->dropped++;
}

void
notes_tell(struct notes *notes, struct report *r, const char *account,
    const char *sentence)
{
	struct json_event *e = json_event_new("note");

	json_event_add_text(e, "account", account);
	json_event_add_text(e, "message", sentence);
	report_event(r, e);
	tell(notes, r, account, sentence);
}

static void
add_json_time(struct json_event *e, const char *key, int64_t t)
{
	if (t > 0)
		json_event_add_number(e, key, (uint64_t)t);
	else
		json_event_add_text(e, key, NULL);
}

static void
item_report_event(struct report *r, const char *account,
    const struct sync_item *item)
{
	struct json_event *e = json_event_new("item");

	json_event_add_text(e, "account", account);
	if (item->id > 0)
		json_event_add_number(e, "id", (uint64_t)item->id);
	else
		json_event_add_text(e, "id", NULL);
	json_event_add_text(e, "folder", item->folder);
	json_event_add_text(e, "message", item->text);
	add_json_time(e, "first", item->first);
	add_json_time(e, "last", item->last);
	add_json_time(e, "next", item->next);
	json_event_add_number(e, "tries", item->tries);
	json_event_add_bool(e, "ignored", item->ignored);
	json_event_add_number(e, "more", item->more);
	report_event(r, e);
}

void
item_tell(struct notes *notes, struct report *r, const char *account,
    const struct sync_item *item, bool numbered)
{
	char *line = item_format(item, numbered);

	item_report_event(r, account, item);
	if (item->more > 0) {
		free(line);
		line = xasprintf("%s%sand %llu more; see mailtern status %s",
		    item->folder != NULL ? item->folder : "",
		    item->folder != NULL ? ": " : "",
		    (unsigned long long)item->more, account);
	}
	/* What is ignored needs nobody. */
	if (item->ignored)
		report_line(r, "%s: %s", account, line);
	else if (item->due || !r->quiet)
		tell(notes, r, account, line);
	free(line);
}

/* Whom it is about. */
static void
add_json_place(struct json_event *e, const struct sync_finding *f)
{
	json_event_add_text(e, "kind", f->kind);
	json_event_add_text(e, "folder", f->folder);
	json_event_add_text(e, "unique", f->unique);
	if (f->uid != 0)
		json_event_add_number(e, "uid", f->uid);
	else
		json_event_add_text(e, "uid", NULL);
}

static void
finding_report_event(struct report *r, const char *account,
    const struct sync_finding *f)
{
	static const char *const class[] = {
		[FINDING_DAMAGE] = "damage", [FINDING_FOREIGN] = "foreign",
		[FINDING_CHANGED] = "changed",
	};
	struct json_event *e = json_event_new("finding");

	json_event_add_text(e, "account", account);
	json_event_add_text(e, "class", class[f->class]);
	add_json_place(e, f);
	json_event_add_text(e, "is", f->is);
	json_event_add_text(e, "should", f->should);
	json_event_add_text(e, "remedy", f->remedy);
	report_event(r, e);
}

void
repaired_tell(struct report *r, const char *account,
    const struct sync_finding *f)
{
	struct json_event *e = json_event_new("repaired");
	char *line = repaired_format(account, f);

	json_event_add_text(e, "account", account);
	add_json_place(e, f);
	json_event_add_text(e, "what", f->is);
	report_event(r, e);
	report_line(r, "%s", line);
	free(line);
}

void
finding_tell(struct notes *notes, struct report *r, const char *account,
    const struct sync_finding *f)
{
	char *line = finding_format(account, f);

	finding_report_event(r, account, f);
	if (f->class == FINDING_DAMAGE)
		tell(notes, r, account, line + strlen(account) + 2);
	else
		report_line(r, "%s", line);
	free(line);
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
	if (done->subject != NULL) {
		json_event_add_text(e, "subject", done->subject);
		json_event_add_text(e, "from", done->sender);
	}
	if (dry_run)
		json_event_add_bool(e, "dry_run", true);
	report_event(r, e);
}
