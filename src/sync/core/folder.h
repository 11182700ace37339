/*
 * A folder during a run: its row of the index, and what this run learned of it.
 * Each lies in run->folder, sorted by name with INBOX first.
 */
#ifndef SYNC_CORE_FOLDER_H
#define SYNC_CORE_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/sight.h"
#include "imap/list.h"
#include "imap/resp.h"
#include "index/folder.h"
#include "plan/folder.h"
#include "plan/message.h"

struct run;

/* What this run saw of a folder, for the log of removals. */
struct proof {
	int64_t scanned[2];	/* when complete scans began, seconds; 0: none
				   */
	bool full;		/* the server listed it in full, ... */
	uint64_t listed;	/* so many; */
	uint64_t vanished;	/* or told so many as gone */
};

/* What is done with a folder on a connection, and may cost it. */
enum step {
	STEP_NONE, STEP_LOOK, STEP_MAKE, STEP_UPLOADED, STEP_PAIR, STEP_PULL,
	STEP_FLAGS, STEP_COPY, STEP_PUSH, STEP_PROVE, STEP_REMOVE, STEP_DROP,
	STEPS
};
#define STEP_BIT(step) (1u << (step))

/* Connections that were lost at one of them, in this sync (core/loss.h). */
struct folder_loss {
	uint16_t n;		/* in succession */
	uint16_t all;		/* ... or not */
	uint16_t at_once;	/* messages that are asked for; 0: any number */
	bool by_main : 1;	/* the main one was: nobody else can take over
				   */
	bool alone : 1;		/* one that does nothing else was asked for */
	bool proven : 1;	/* it is the folder's fault: it is passed by */
	bool kept : 1;		/* ... as an earlier sync found out */
};

/*
 * Two threads write here, never at one time: a flow that has posted a job on
 * the index lane waits for it before it looks at the folder again. Each group
 * says who writes it.
 */
struct folder {
	/* Set when the folders are loaded; then the loop's copy, which jobs of
	 * the folder's own flow write back. */
	struct index_folder row;
	struct imap_folder listed;	/* numbers of LIST-STATUS; no names */
	bool inside;		/* of folders = */
	bool chosen;		/* and of the command line's globs */
	bool is_trash;		/* Trash or Junk by special use: no guard */
	bool local_seen;	/* the walk over the root came by */
	bool local_broken;	/* has some of cur, new, tmp: held */
	bool returned;		/* it was gone from the server: is it what it
				   was? */
	bool remote_gone;	/* LIST lacked it; not believed yet */
	struct folder_lack lack;	/* then: what STATUS says of it */

	/* Jobs on the index lane. */
	bool missing;		/* the first scan lacked files */
	bool unseen_remote;	/* gone here, it holds messages never seen */
	bool unseen_local;	/* it holds files that the server never had */
	bool unread;		/* it stores no \Seen, and that is owed */
	bool owed;		/* something waits for the folder to store more
				   than it could */
	/* Flags that it does not store, whatever it says (lacking.h). */
	struct lacking {
		unsigned flags;
		char *keywords;		/* canonical; NULL: none */
		bool stale;		/* learned long ago: to be seen anew */
		/* Those of which an earlier run said so, once: it may have been
		 * the hour. Not written while flags are carried over. */
		unsigned doubtful;
		char *doubtful_words;	/* canonical; NULL: none */
	} lacking;
	uint64_t dirty;		/* rows, when last counted */
	uint64_t uploads;	/* whose UID was told, and no more is known */
	uint64_t edits;		/* drafts that the next run sends, ... */
	bool replaced;		/* ... or this one: it has to see them there */
	bool only_pulls;	/* nothing but a pull is to be done for them */
	uint64_t remove_local, remove_remote;	/* that reconcile asks for */
	bool undone;		/* removals of it were undone: one more round */
	struct sight sight;	/* what the server has and does not show */
	struct err *fault;	/* why it failed, when its directories did */

	/* The loop. */
	bool verify;		/* the server's side is to be listed in full */
	bool observed;		/* the server's side was looked at */
	uint32_t unpulled;	/* highest UID that was not pulled; 0: none,
				   UINT32_MAX: any may be */
	bool unsettled;		/* the sum did not close: removals wait */
	bool look_again;	/* what this run did there is not seen yet, or
				   a row has to show it */
	bool left;		/* it was, by a folder task */
	bool through;		/* all is done with it, ... */
	bool was_through;	/* ... and was by an earlier attempt of this
				   sync (core/past.h) */
	struct folder_loss loss[STEPS];
	bool waits_for_all;	/* what it has may be moved from the others */
	bool put_off;		/* messages that failed before were, ... */
	bool suspects;		/* ... and a connection was lost at some */
	bool late;		/* they come now */

	/* Either, one after the other. */
	bool failed;		/* it is left out of this run */
	struct proof proof;
	uint32_t transferred_next;	/* above the UIDs of this run's copies
					   */
};

void folder_release(struct folder *);

/* It takes part in this run so far. */
bool folder_in_play(const struct folder *);
bool folder_is_inbox(const struct folder *);
/* What is to be done about the folder itself. */
enum folder_op folder_verdict(const struct folder *);
/* What the server can store in it; borrows from the folder, and belongs to the
 * index lane like that. */
void folder_ability(const struct folder *, struct ability *out);

/* It takes no part in this run any more, for that reason, which is an issue.
 * Loop thread. */
void folder_fail(struct run *, struct folder *, const struct err *);
/*
 * Its directories can't be read or made: 0, the folder is left alone, or -1,
 * that is not all. What seems gone from another may lie in it now, so nothing
 * is removed from the server. Index lane.
 */
int folder_leave_out(struct run *, struct folder *, const struct err *);
/* It has failed; why becomes an issue here. Loop thread. */
bool folder_left_out(struct run *, struct folder *);

/* The folder that `trash` names, if the server has it; else NULL. */
struct folder *folder_trash(const struct run *);
/* `trash` names one that the server does not have: nothing can go there. */
bool folder_lacks_trash(const struct run *);
/* NULL: there is none of that name; of that row. */
struct folder *folder_named(const struct run *, const char *name);
struct folder *folder_by_id(const struct run *, int64_t id);

/* What is stored there from now on has this UID, or a higher one, as far as is
 * known: above what was seen, and what this run copied there. */
uint32_t folder_next_uid(const struct folder *);
/* Messages can be marked there, and so removed. */
bool folder_takes_removals(const struct folder *);

/* When removals are undone, the other folders are through with it. */
bool folder_takes_part(const struct run *, const struct folder *);
/* What is new in it goes to the server, or would, when a dry run's folders are
 * made there. */
bool folder_takes_uploads(const struct run *, const struct folder *);
/* It takes part, and its server's side is to be looked at. */
bool folder_wants_look(const struct run *, const struct folder *);

/* One message at least that the other side has not seen. Index lane. */
int folder_unseen(struct run *, struct folder *, bool local, bool *out,
    struct err *);

/* The server refuses a command with that code for the folder or the account,
 * whatever the message. */
bool code_is_folder(enum imap_code_kind);
/* Or for the moment's sake: a part of it would fare no better. */
bool code_is_passing(enum imap_code_kind);

#endif
