/*
 * One message place and its three states (design section 2): what both sides
 * last agreed on, what was last seen on disk, what was last seen on the server.
 */
#ifndef MAIL_STATE_H
#define MAIL_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* keywords is canonical (mail/flags.h), never NULL; "" for none. */
struct state {
	bool present;
	unsigned flags;			/* FLAG_* */
	char *keywords;
};

/*
 * What stat says of a message file. Hints for speed, never identity: as long as
 * they are what they were when the content was read, it is not read again.
 * Renaming changes none of them. inode 0: not known.
 */
struct file_hint {
	uint64_t inode;
	int64_t size;
	int64_t mtime;			/* ns */
};

enum fetched { FETCHED_NONE, FETCHED_PARTIAL, FETCHED_FULL };

/*
 * Base is kept once a side, as what that side was seen to hold when both last
 * agreed; base_local.present equals base_remote.present always. Where both are
 * absent, their flags and keywords are what the local side had taken away
 * before the server's side came to mean nothing. Local keywords are held by the
 * index alone, Maildir has no place for them.
 */
struct place {
	int64_t id;			/* 0: not in the index yet */
	int64_t folder;
	uint32_t uid;			/* 0: none known on the server */
	char *unique;			/* of file, before ":2,"; NULL: none */
	char *file;			/* last seen file name; NULL: none */
	bool in_new;			/* last seen in new/, else in cur/ */
	bool missing;			/* one scan lacked it: no proof yet */
	struct state base_local, base_remote, local, remote;
	int64_t content;		/* row of the content, 0: not known */
	uint32_t size;			/* RFC822.SIZE; 0: not known */
	bool has_date;			/* INTERNALDATE is known: */
	int64_t date;			/* seconds; 0 is one like any other */
	int64_t lineage;		/* of the server, hashed; 0: unknown */
	enum fetched fetched;
	struct file_hint hint;		/* taken before content was read */
	bool likely;	/* paired by header and size; a digest of the server's
			   body has not proven it */
	bool unconfirmed;	/* that it has uid is the word of an APPENDUID
				   or COPYUID: no row has shown it yet; uid 0:
				   a twin */
	struct state expected;	/* what the server was asked to hold, until a
				   row shows what it does; absent: nothing */
	/* The index's own: what the row held when it was read or written, by
	 * which the cheapest statement is found that writes it. */
	struct place_row {
		bool known, named, missing, base, local, remote;
		int64_t content, lineage;
		uint64_t seen;
	} row;
};

void state_set(struct state *, bool present, unsigned flags,
    const char *keywords);		/* copies keywords */
void place_init(struct place *);	/* all states absent, keywords "" */
void place_release(struct place *);	/* zeroed is fine */
/*
 * A file that the server has no message of its own for, as it keeps one of two
 * that are the same: remote says that it has the other's. It goes when that
 * goes, and alone it goes without a trace.
 */
bool place_is_twin(const struct place *);
/* As if it had never been on that side. What is agreed on stays, and so does
 * the content: it is what pairs the place again. */
void place_forget_local(struct place *);
void place_forget_remote(struct place *);
/*
 * The server shows what it holds: that is the remote state now. Of what it was
 * asked to hold since the last time, what it shows is agreed on already, so
 * that to take it back is a change; what it does not show never was, and is no
 * removal by anybody. Where what was asked for is the remote state itself, the
 * message was given to the server with it, and no row has shown it before: then
 * only what it does not show leaves the base.
 */
void place_show(struct place *, unsigned flags, const char *keywords);
/* Both known and equal. */
bool file_hint_equal(const struct file_hint *, const struct file_hint *);

#endif
