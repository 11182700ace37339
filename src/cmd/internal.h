/* What the commands share. Nobody outside src/cmd sees this. */
#ifndef CMD_INTERNAL_H
#define CMD_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "conf/conf.h"
#include "sync/history.h"
#include "sync/sync.h"
#include "sync/verify.h"

/* Long options have no letter. */
enum {
	OPT_JSON = 256,
	OPT_VERSION,
	OPT_FULL,
	OPT_ADOPT,
	OPT_FORCE_DELETES,
	OPT_UNDO_DELETES,
	OPT_IGNORE, OPT_CLOCK_AHEAD,
	OPT_SINCE, OPT_REMOVED, OPT_MESSAGE_ID, OPT_FOLLOW, OPT_TO,
	OPT_OFFLINE, OPT_PART, OPT_TIME, OPT_REPAIR,
};

/* --- select.c: ACCOUNT[:GLOB]... --- */

struct target {
	const struct conf_account *account;	/* of conf */
	const char **glob;	/* owned; the texts are argv's */
	size_t n_glob, cap_glob;
	bool whole;		/* named without a glob: all its folders */
};

struct selection {
	struct target *target;	/* each account once, as first named */
	size_t n, cap;
};

/* All accounts when n is 0. ERR_USAGE. */
int selection_fill(struct selection *, const struct conf *, char **arg, int n,
    struct err *);
/* For commands that take whole accounts only. */
int selection_refuse_globs(const struct selection *, const char *command,
    struct err *);
void selection_release(struct selection *);

/* The patterns for sync_options: none when the whole account is meant. */
size_t target_globs(const struct target *);

/* --- text.c: pure --- */

/* "work: INBOX: pull UID 5", safe for a terminal. Caller frees. */
char *op_format(const char *account, const struct sync_done *);

/* The sentence of an item, with since when and how often it was tried behind
 * it; numbered: with its number, too, as status --ignore takes it. Caller
 * frees. */
char *item_format(const struct sync_item *, bool numbered);

/* "work: 3 to push, 1 held; last sync 2026-11-23 04:46 (5 minutes ago)" in
 * local time. Caller frees. */
char *status_format(const char *account, const struct sync_status *,
    int64_t now);

/* "work: [12] 2026-11-23 04:46, r3: INBOX: removed-local UID 5, "Lunch", from
 * Jane, <a@b>: why". Caller frees. */
char *log_format(const char *account, const struct sync_log_entry *);

/* "work: INBOX: restored FILE, "Lunch", from Jane; from PATH". Caller frees. */
char *restored_format(const char *account, const struct sync_restored *);

/* "work: INBOX: FILE, UID 5: what is; it should be: ...; to do: ...". Caller
 * frees. */
char *finding_format(const char *account, const struct sync_finding *);
/* "work: INBOX: FILE, UID 5: repaired: what was done". Caller frees. */
char *repaired_format(const char *account, const struct sync_finding *);
/* "work: 1234 messages in 12 folders: nothing is wrong". Caller frees. */
char *verified_format(const char *account, const struct sync_verified *);

/* --- when.c: pure --- */

/* "2026-11-23", "2026-11-23 04:46", both in local time, "3d" (m, h, d, w) for
 * so long ago, or "@SECONDS". False: it is none of these. */
bool when_parse(const char *text, int64_t now, int64_t *out);
/* "90", "90s", "5m" or "2h", in seconds; false: it is none of these, or 0. */
bool duration_parse(const char *text, int64_t *out);

/* --- tell.c --- */

/*
 * The notes of one account. For people they go to stderr at once, but with -q
 * only when it is known that the account did not end with 0 or 75.
 */
struct notes {
	char **kept;
	size_t n, cap;
	uint64_t dropped;	/* beyond what is kept */
};

void notes_tell(struct notes *, struct report *, const char *account,
    const char *sentence);
/* The same with an item; numbered: as item_format. With -q only when due. */
void item_tell(struct notes *, struct report *, const char *account,
    const struct sync_item *, bool numbered);
/* A finding of verify: damage as an item is, all else to stdout. */
void finding_tell(struct notes *, struct report *, const char *account,
    const struct sync_finding *);
/* What was done about one. */
void repaired_tell(struct report *, const char *account,
    const struct sync_finding *);
/* The account ended with this status. Releases. */
void notes_end(struct notes *, const char *account, int status);

/* The event of an operation. */
void op_report_event(struct report *, const char *account,
    const struct sync_done *, bool dry_run);

#endif
