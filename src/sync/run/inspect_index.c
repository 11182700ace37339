/* The index as such: its file, its tables, and what they say of each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "index/verify.h"
#include "observe/observe.h"
#include "run/inspect.h"

#define SLACK	120	/* seconds that two clocks may differ */

static const enum verify_kind kind_of[] = {
	[FLAW_PAGE] = V_INDEX_DAMAGED, [FLAW_CHECK] = V_INDEX_PAGES,
	[FLAW_TABLE] = V_INDEX_TABLES, [FLAW_UID_TWICE] = V_ROW_UID_TWICE,
	[FLAW_NAME_TWICE] = V_ROW_NAME_TWICE, [FLAW_NO_FOLDER] = V_ROW_FOLDER,
	[FLAW_DIGEST] = V_CONTENT_CUT, [FLAW_TALLY] = V_FOLDER_TALLY,
	[FLAW_RAW] = V_FOLDER_RAW, [FLAW_PATH] = V_FOLDER_PATH,
	[FLAW_NO_NAME] = V_FOLDER_NO_NAME, [FLAW_UIDNEXT] = V_FOLDER_UIDNEXT,
	[FLAW_UIDVALIDITY] = V_FOLDER_UIDVALIDITY,
	[FLAW_FOLDER_CLOCK] = V_FOLDER_CLOCK, [FLAW_INTENT] = V_INTENT_FOLDER,
	[FLAW_ITEM] = V_ITEM_PLACE, [FLAW_LOG_CLOCK] = V_LOG_CLOCK,
	[FLAW_LOG] = V_LOG_BAD,
};

struct flaws {
	struct inspection *in;
	struct index_folder *folder;
	size_t n;
	bool unreadable;
};

static const char *
name_of(const struct flaws *f, int64_t id)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->folder[i].id == id)
			return f->folder[i].name;
	return NULL;
}

/* Of two rows the text is the unique part, and the rest says the same. */
static void
on_flaw(void *arg, const struct index_flaw_found *found)
{
	struct flaws *f = arg;
	const enum verify_kind kind = kind_of[found->flaw];
	const bool of_row = kind == V_ROW_UID_TWICE ||
	    kind == V_ROW_NAME_TWICE || kind == V_ROW_FOLDER;
	const char *text = *found->text != '\0' ? found->text : NULL;
	char uid[40];

	f->unreadable |= found->flaw == FLAW_PAGE;
	if (kind == V_FOLDER_TALLY || kind == V_FOLDER_CLOCK)
		*VEC_ADD(f->in->flawed, f->in->n_flawed, f->in->cap_flawed) =
		    (struct flawed_folder){ found->folder, kind };
	if (found->flaw == FLAW_UIDNEXT) {
		snprintf(uid, sizeof(uid), "%lu", (unsigned long)found->uid);
		text = uid;
	}
	inspect_tell(f->in, kind, &(struct found){
		.folder = name_of(f, found->folder), .uid = found->uid,
		.unique = of_row ? text : NULL, .met = of_row ? NULL : text });
}

/* --- facts --- */

static bool
is_hex_id(const char *s)
{
	return s != NULL && strlen(s) == 32 &&
	    strspn(s, "0123456789abcdef") == 32;
}

/* Only an index that has seen a login speaks of a root. */
static int
check_root_facts(struct inspection *in, const char *last, struct err *err)
{
	static const char *const keys[] = { "root-id", "token" };
	struct index *ix = in->account->ix;
	char *value;
	size_t i;

	for (i = 0; last != NULL && i < 2; i++) {
		if (index_get(ix, keys[i], &value, err) == -1)
			return -1;
		if (!is_hex_id(value))
			inspect_tell(in, V_FACT_ROOT, &(struct found){
				.met = value == NULL ? keys[i] : value });
		free(value);
	}
	return 0;
}

static void
check_last_sync(struct inspection *in, const char *last)
{
	const int64_t at = last == NULL ? 0 : strtoll(last, NULL, 10);
	const time_t t = (time_t)at;
	char text[40] = "";
	struct tm tm;

	if (at <= clock_wall() + SLACK)
		return;
	if (gmtime_r(&t, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	inspect_tell(in, V_FACT_CLOCK, &(struct found){ .met = text });
}

static int
check_server_facts(struct inspection *in, const char *last, struct err *err)
{
	if (last != NULL && root_is_of_another(&in->run, &in->other_server,
	    err) == -1)
		return -1;
	if (in->other_server)
		inspect_tell(in, V_FACT_SERVER, &(struct found){ 0 });
	return 0;
}

static int
check_facts(struct inspection *in, struct err *err)
{
	char *last;
	int rc;

	if (index_get(in->account->ix, "last-sync", &last, err) == -1)
		return -1;
	rc = check_root_facts(in, last, err);
	if (rc == 0)
		rc = check_server_facts(in, last, err);
	if (rc == 0)
		check_last_sync(in, last);
	free(last);
	return rc;
}

/* --- the whole --- */

static void
close_index(struct inspection *in)
{
	index_close(in->account->ix);
	in->account->ix = in->run.ix = NULL;
}

/* Folders' names are for the words: without them it goes, too. */
static int
check_tables_too(struct inspection *in, struct err *err)
{
	struct flaws f = { .in = in };
	const struct index_flaw_visit visit = { &f, on_flaw,
	    clock_wall() + SLACK };
	struct err ignored;
	int rc;

	(void)index_folders(in->account->ix, &f.folder, &f.n, &ignored);
	rc = index_verify(in->account->ix, &visit, err);
	index_folders_free(f.folder, f.n);
	if (rc == 0 && f.unreadable) {
		close_index(in);
		return 1;
	}
	return rc == 0 ? check_facts(in, err) : -1;
}

/* What was sound a moment ago is not set aside now; if it is, there is no more
 * to be done. */
static int
open_for_repair(struct inspection *in, struct err *err)
{
	struct index_open_result how = { .fresh = false };
	int rc;

	close_index(in);
	rc = account_open_index(in->account, INDEX_WRITE, &how, err);
	in->run.ix = in->account->ix;
	if (rc == 0 && how.set_aside != NULL) {
		inspect_tell(in, V_INDEX_DAMAGED, &(struct found){
			.met = how.set_aside });
		rc = 1;
	}
	free(how.set_aside);
	return rc;
}

int
inspect_index(struct inspection *in, struct err *err)
{
	struct index_open_result how = { .fresh = false };
	int rc = account_open_index(in->account, INDEX_READ, &how, err);

	if (rc == -1 && err->kind == ERR_STALE) {
		in->out->never = true;
		return 1;
	}
	if (rc == -1 && how.damaged) {
		inspect_tell(in, V_INDEX_DAMAGED, &(struct found){
			.met = err->msg });
		return 1;
	}
	if (rc == -1)
		return -1;
	in->run.ix = in->account->ix;
	if (how.marked)
		inspect_tell(in, V_INDEX_MARKED, &(struct found){ 0 });
	rc = check_tables_too(in, err);
	if (rc != 0 || how.marked || !in->request->repair)
		return rc;
	return open_for_repair(in, err);
}
