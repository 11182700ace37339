/*
 * Message places. A row is dirty when its three states differ or it is not
 * paired (the schema says how, once, in a generated column); reconcile reads
 * dirty rows only. Each row carries a checksum; a row whose checksum is wrong
 * is never handed out: the function fails with ERR_IO and a sentence that names
 * it, and the next index_open sets the file aside.
 */
#ifndef INDEX_PLACE_H
#define INDEX_PLACE_H

#include "index/index.h"

/* 1: found, *out is filled (place_release it); 0: no such row; -1: error. */
int index_place_by_id(struct index *, int64_t id, struct place *out,
    struct err *);
int index_place_by_uid(struct index *, int64_t folder, uint32_t uid,
    struct place *out, struct err *);
int index_place_by_unique(struct index *, int64_t folder, const char *unique,
    struct place *out, struct err *);

/* The highest id that was ever given; 0: none. */
int index_newest_place(struct index *, int64_t *id_out, struct err *);

/* Inserts (id 0, then set) or updates the whole row and its checksum. */
int index_place_put(struct index *, struct place *, struct err *);
int index_place_drop(struct index *, int64_t id, struct err *);

/* Which rows a stream has. */
enum index_which {
	PLACES_ALL,
	PLACES_DIRTY,
	PLACES_LOCAL,		/* local.present */
	PLACES_REMOTE,		/* remote.present */
	PLACES_UNPAIRED_LOCAL,	/* local.present, neither base nor remote */
	PLACES_MISSING,		/* local.present and missing */
	PLACES_OWED,		/* whose two bases differ */
};
/*
 * Streams in ascending id: the next rows, at most max, each to be released; the
 * number, or -1. Rows may be changed between two calls.
 */
struct index_place_stream {
	enum index_which which;
	int64_t folder;			/* 0: the whole account */
	int64_t after;			/* the id given last, or 0 */
};
int index_places(struct index *, struct index_place_stream *,
    struct place *out, int max, struct err *);
/*
 * Calls row for each of them until it returns -1; then -1, with the error that
 * it set. It may change that row in the index; its strings are released.
 */
struct index_visit {
	int (*row)(void *arg, struct place *, struct err *);
	void *arg;
};
int index_each(struct index *, enum index_which, int64_t folder,
    const struct index_visit *, struct err *);
/* Of the rows that are owed something, one at least has one of these flags on
 * one side alone. */
int index_owes_flag(struct index *, int64_t folder, unsigned flags, bool *out,
    struct err *);
/* There is one at least. */
int index_has(struct index *, enum index_which, int64_t folder, bool *out,
    struct err *);

/*
 * A file under the name, in new/ or cur/, and with the inode that the index has
 * of it. Never 0.
 */
uint64_t index_name_sum(bool in_new, const char *file, uint64_t inode);
/*
 * What the folder's rows with local.present want to see on disk, in ascending
 * id: the name's sum, or 0 where the file has to be looked at whatever its name
 * (not known by inode, missed by the last scan, waiting for its deletion). The
 * rows themselves are not read. each changes nothing in the index.
 */
int index_on_disk(struct index *, int64_t folder,
    void (*each)(void *arg, int64_t id, uint64_t sum), void *arg, struct err *);

/*
 * What an observer of the server saw: one row of FETCH. Inserts, or updates the
 * seen remote state where it differs. flags and keywords only when has_flags;
 * size 0 is none, a date counts only when has_date. A row that was not changed
 * is not written.
 */
struct index_seen_remote {
	uint32_t uid;
	bool has_flags, has_date;
	unsigned flags;
	const char *keywords;
	uint32_t size;
	int64_t date;
	int64_t lineage;		/* 0: not told */
	/* Not NULL: the row was put together from answers about these alone,
	 * and of others it is not known whether the message has them. */
	const char *asked_keywords;
	unsigned asked_flags;
};
/* 1: what is known has more than was asked about, and was left as it is. */
int index_see_remote(struct index *, int64_t folder,
    const struct index_seen_remote *, bool *changed_out, struct err *);
/* These are gone from the server; their last flags stay known. */
int index_unsee_remote(struct index *, int64_t folder, const struct uidset *,
    uint64_t *changed_out, struct err *);
/* Who is there of the UIDs up to upto; all others up to it are gone. */
struct index_listed {
	const struct uidset *uids;
	uint32_t upto;
};
int index_keep_remote(struct index *, int64_t folder,
    const struct index_listed *, uint64_t *changed_out, struct err *);

/*
 * The newest UIDs of the folder that are there, with size or date known, at
 * most max: by them a server is known for the one it was. The number, or -1.
 */
struct index_probe {
	uint32_t uid, size;		/* size 0: not known */
	bool has_date;
	int64_t date;
	int64_t content;		/* 0: not known */
};
int index_newest(struct index *, int64_t folder, struct index_probe *out,
    int max, struct err *);
/* Also of those that are gone by what was last seen. */
int index_newest_ever(struct index *, int64_t folder, struct index_probe *out,
    int max, struct err *);

/* The highest UID that a message of the folder was known by; 0: none. */
int index_highest(struct index *, int64_t folder, uint32_t *out, struct err *);

/* Pairs without proof that are there on both sides, of UIDs below that one, the
 * highest first, at most max. The number, or -1. */
struct index_unproven {
	int64_t folder;
	uint32_t below;
	int max;
};
int index_likely(struct index *, const struct index_unproven *,
    struct index_probe *out, struct err *);

/*
 * What an observer of the disk saw: a file, and what stat said of it (inode 0:
 * what was known stays). Clears missing; keywords stay. The place is one from
 * index_place_by_unique, or a fresh one with folder and unique set.
 */
struct index_seen_local {
	bool in_new;
	const char *file;
	unsigned flags;			/* that its name tells */
	struct file_hint hint;
};
int index_place_see(struct index *, struct place *,
    const struct index_seen_local *, bool *changed_out, struct err *);
/*
 * What lies under the place's name is another message, that nothing is known
 * of: it gets a place of its own, and the keywords. The old one keeps what it
 * is on the server and its deletion, if it was gone from disk before; else it
 * is to be pulled again. One that is on neither side is dropped.
 */
int index_replace_local(struct index *, struct place *,
    const struct index_seen_local *, struct err *);
/* Only the hints of the place: its content is still what it was. */
int index_hint_local(struct index *, int64_t id, const struct file_hint *,
    struct err *);
/* One scan lacked it; two scans lacked it. */
int index_miss_local(struct index *, int64_t id, struct err *);
int index_unsee_local(struct index *, int64_t id, struct err *);

/*
 * The folder's UIDs mean nothing any more (UIDVALIDITY changed): places that
 * are on disk stay, unpaired, without a uid, and with what was taken away there
 * since both agreed. Those that the disk lost stay agreed on, and are on
 * neither side (index_vanished). The others are dropped. known_out: whether
 * there was anything that both agreed on, or that the server had; NULL.
 */
int index_reset_remote(struct index *, int64_t folder, bool *known_out,
    struct err *);
/* The same for names on disk. What a place is known to hold stays known. */
int index_reset_local(struct index *, int64_t folder, struct err *);

/*
 * Files of the folder that were removed on the server's word, by unique part;
 * the newest of them. each is called for every one of them until it returns -1,
 * and changes nothing in the index.
 */
int index_removed_put(struct index *, int64_t folder, const char *unique,
    struct err *);
int index_removed_drop(struct index *, int64_t folder, const char *unique,
    struct err *);
int index_removed(struct index *, int64_t folder,
    int (*each)(void *arg, const char *unique), void *arg, struct err *);

#endif
