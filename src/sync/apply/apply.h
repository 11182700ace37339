/* The passes that carry out the plan of a folder. */
#ifndef SYNC_APPLY_APPLY_H
#define SYNC_APPLY_APPLY_H

#include "core/pass.h"
#include "core/pick.h"

extern const struct passes passes_real;

/* folder_make.c: the folder, where a side lacks it. */
pass_starter folder_make_start;
/* Index lane: the directories of these folders, for few syncs. What can't be
 * made is left out. */
int make_directories(struct run *, struct folder *const *, size_t n,
    struct err *);
/* pull.c, copy.c, push.c, flags.c, remove.c. */
pass_starter pull_start;
pass_starter copy_start;
pass_starter push_start;
pass_starter flags_start;
pass_starter remove_start;
/* prove.c, before remove: pairs that are only likely, of which one half is to
 * go. What is parted there is pulled when the folder is looked at again. */
pass_starter prove_start;
/* The same of pairs that nothing is to become of, newest first, as many octets
 * a day as verify-bytes says. */
pass_starter verify_start;
/* The removal waits until the pair is proven. */
bool prove_is_wanted(const struct place *);
/* folder_delete.c: the folder, where a side lost it and all is removed that was
 * known to be in it. */
pass_starter folder_delete_start;

/*
 * A pull may come to its end behind the connection: whoever has that may go on
 * with another folder when no more is asked of the server.
 */
struct pull;
/* The one of that folder that is under way; NULL: none, or a preview. */
struct pull *pull_find(struct run *, const struct folder *);
bool pull_line_is_free(const struct pull *);
void pull_leave_behind(struct pull *);
/* A folder whose pull could do with another connection, or NULL; the pass that
 * lends it one (pull_sources.c). */
struct folder *pull_short_of_lines(struct run *);
pass_starter lend_start;
/* pull_group.c: pulls that wait for others go on, as no others come. */
void pull_group_post(struct run *);

/* OP_REMOVE_* that are not held. */
unsigned removals_allowed(const struct run *, const struct folder *);
/*
 * Index lane: what of a row's removal may be carried out now; the rest of its
 * verdict goes. Where both sides are to go (expunge = yes) and one is not among
 * may, the other stays, too. waits: a message is not expunged while a file with
 * its content waits to be pushed elsewhere.
 */
int remove_narrow(struct run *, struct picked *, unsigned may, bool waits,
    struct err *);

/*
 * folder_delete.c: what an earlier run left under way. recall: on the index
 * lane, before the folders are loaded. A preview takes it out of the list, and
 * so does who is to leave it. recover: a pass of no folder that goes on with
 * it; then the list is to be asked for again.
 */
struct imap_list;
struct delete_left {
	bool leave;	/* set by the caller */
	bool goes_on;	/* there is something to recover */
	char *name;	/* of what is left, as it is called now; NULL */
};
int folder_delete_recall(struct run *, struct imap_list *,
    struct delete_left *, struct err *);
pass_starter folder_delete_recover_start;

#endif
