/* What is on either side against what the index last saw there. */
#ifndef SYNC_OBSERVE_OBSERVE_H
#define SYNC_OBSERVE_OBSERVE_H

#include "core/pass.h"

/* remote.c: the server's side of a folder, which is selected then. */
pass_starter observe_remote_start;

/*
 * local.c. Blocking; index lane. After the second look of this run, what is
 * still missing is believed to be gone. The one of a prescan is a first one
 * that only tells of a fault: it is forgotten by whoever can say so.
 */
enum look { LOOK_PRESCAN, LOOK_FIRST, LOOK_SECOND };

struct observed_local {
	bool changed;		/* rows were written */
	bool missing;		/* rows of the index were not found */
	uint64_t lacking;	/* so many */
	bool fault;		/* an older state came back: it lost its base */
	bool returned;		/* files were back that had been removed */
	uint64_t edits;		/* drafts that were edited; the next run sends
				   them */
	bool replaced;		/* this run does, and wants to see them there */
	bool named;		/* something there needs the user: a first look
				   that is no prescan says what */
	bool complete;
};
int observe_local(struct run *, struct index_folder *, enum look,
    struct observed_local *out, struct err *);

/* The run itself has changed the folder. In the transaction that says so: what
 * is put back from a backup is older than this. */
int observe_local_ours(struct index *, struct maildir *, struct index_folder *,
    struct err *);

/*
 * root.c, index lane. Opens and locks index and Maildir, where they are not
 * open still, and decides whether this is the Maildir that the index speaks of
 * (design section 5, "Epochs", "Roots and folders"). What is not goes through a
 * merge: the rows lose their base.
 */
int root_open(struct run *, struct err *);
/* A login has succeeded: host and user are recorded, a new root is marked. */
int root_claim(struct run *, struct err *);
/* In a transaction: the account belongs to host and user before any login. */
int root_record_server(struct run *, struct err *);
/* The index speaks of another host or user than the configuration. */
int root_is_of_another(struct run *, bool *out, struct err *);
/* The fact that names the program whose base was taken over: until the root has
 * its first marker, what is agreed on is that. */
#define IMPORTED	"imported"
/* Only the Maildir, and what marker it has. ERR_HELD while its folders are on
 * their way to another layout. */
int root_find(struct account *, struct err *);
/* The same beside a sync that may be at work; *current as root_is_current, and
 * false without an index. */
int root_find_beside(struct run *, bool *current, struct err *);

/*
 * layout.c. How folders are to lie; ERR_HELD while they are on their way; and,
 * under the lock (a dry run only tells), moved to where they are to lie: before
 * anything is looked at, for then what is known of them holds.
 */
struct layout layout_wanted(const struct conf_account *);
int layout_refuse_moving(const struct account *, struct err *);
int layout_settle(struct run *, struct err *);

/* The marker that was read is the one that the index expects. */
int root_is_current(struct run *, bool *out, struct err *);
/* A token of this run's own, before the first change of anything. */
int root_mark(struct run *, struct err *);

/*
 * folders.c, index lane: the folders of both sides and of the index made into
 * run->folder, sorted, INBOX first. list: what the server has; NULL: not known.
 */
int folders_load(struct run *, const struct imap_list *, struct err *);
/* Once more, from the beginning: pointers to what was loaded are void. */
int folders_reload(struct run *, const struct imap_list *, struct err *);
/* The next first look is at every file, when that is due. */
void folder_plan_look(const struct run *, struct index_folder *);
/* The folder is gone from that side for sure: so are its messages there. Not
 * so INBOX, which is never deleted: it will be made and pulled again. */
int folder_gone_local(struct run *, struct folder *, struct err *);
int folder_gone_remote(struct run *, struct folder *, struct err *);
/* In a transaction: its messages are not there any more, INBOX's neither; what
 * has its name now is something else. */
int folder_left_remote(struct run *, struct folder *, struct err *);

#endif
