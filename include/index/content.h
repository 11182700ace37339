/*
 * Contents, intents and the log of evidence.
 */
#ifndef INDEX_CONTENT_H
#define INDEX_CONTENT_H

#include "index/index.h"
#include "mail/text.h"

/* The content's row, made when missing; one of an older form becomes one of
 * ours. */
int index_content_put(struct index *, const struct fingerprint *,
    int64_t *id_out, struct err *);
/* The row of that message, if there is one: 1, 0, -1. Changes nothing. */
int index_content_find(struct index *, const struct fingerprint *,
    int64_t *id_out, struct err *);
struct index_content {
	int64_t id;
	unsigned form;		/* of digest, head, size and removed */
	uint8_t digest[32], head[32];
	uint64_t size, removed;
	bool has_identity;
	char message_id[256];
	/* For people; "": there is none, or it is not known. */
	char subject[MAIL_TEXT_MAX + 1], sender[MAIL_TEXT_MAX + 1];
};
/* 1, 0, -1 as index_place_by_id. */
int index_content_by_id(struct index *, int64_t id, struct index_content *out,
    struct err *);
/* The message of a known content was read, and is what it was: an older form of
 * it becomes ours. In a transaction. */
int index_content_renew(struct index *, const struct index_content *,
    const struct fingerprint *, struct err *);

/*
 * The first local place that is not paired (base absent, no uid) and has the
 * folder and the content of the one given: 1, 0, -1. Among several, one with
 * the flags that the given one has on the server is preferred.
 */
int index_unpaired_local(struct index *, const struct place *,
    struct place *out, struct err *);
/*
 * A place that was agreed on, and that the disk lost before the server's UIDs
 * came to mean nothing: with the folder and the content of the one given. 1, 0,
 * -1. Whether the folder has any.
 */
int index_vanished(struct index *, const struct place *, struct place *out,
    struct err *);
int index_has_vanished(struct index *, int64_t folder, bool *out,
    struct err *);
/* There is any unpaired place in the folder, whatever its content. */
int index_has_unpaired(struct index *, int64_t folder, bool *out,
    struct err *);
/*
 * Another place than id will hold the content when all is carried out that the
 * states ask for: it is on both sides, or new on one. A place that lost one
 * side does not count: the other follows.
 */
int index_content_stays(struct index *, int64_t content, int64_t id, bool *out,
    struct err *);
/*
 * Another place than id that has the content in a file which is in sync and not
 * marked as deleted: 1, *out is the caller's; 0, -1.
 */
int index_content_on_disk(struct index *, int64_t content, int64_t id,
    struct place *out, struct err *);
/* Files that have the content, by what was last seen, wherever they are: at
 * most max of them, each the caller's; the number, or -1. */
int index_content_files(struct index *, int64_t content, struct place *out,
    int max, struct err *);
/*
 * What the place held was filed: a newer place has the content, on both sides,
 * not in that folder, the server has shown it, and the log knows that it went
 * there from disk.
 */
int index_content_filed(struct index *, const struct place *, int64_t but,
    bool *out, struct err *);
/*
 * A file that is in sync with a copy of the message, by the server's lineage:
 * of the same size and date, as far as these are known. Where those that there
 * are have unlike contents, nobody knows which it is. 1, *out is the caller's;
 * 0, -1.
 */
int index_kin(struct index *, const struct place *, struct place *out,
    struct err *);
/*
 * The same by size and date alone, of messages over so many octets whose
 * lineage is not known: header and Message-ID have to agree. None that was
 * taken for its like itself. To fetch a smaller one costs no more than to ask
 * for its header.
 */
#define INDEX_ALIKE_OVER	8192
int index_alike(struct index *, const struct place *, struct place *out,
    struct err *);
/* A message of folder has the content on the server, as far as is known. */
int index_content_on_server(struct index *, int64_t content, int64_t folder,
    bool *out, struct err *);
/*
 * Messages with that content that were agreed on, and that the server has shown
 * and has; no likely ones, and none that is marked as deleted, unless its file
 * was gone before. Those whose file is gone come first; at most max. The
 * number, or -1.
 */
struct index_source {
	int64_t place, folder;
	uint32_t uid;
	bool on_disk;		/* its file was there at the last scan */
	unsigned flags;			/* FLAG_* of the file, as agreed on */
};
int index_sources(struct index *, int64_t content, struct index_source *out,
    int max, struct err *);
/* What was read is that content, but for octets that one of the two masks. */
int index_content_is(struct index *, int64_t content,
    const struct fingerprint *, bool *out, struct err *);
/* A file with that content waits to be pushed, anywhere in the account; or it
 * was, and the server has not shown yet that it is there. */
int index_content_waits(struct index *, int64_t content, bool *out,
    struct err *);
/* Calls each for every unpaired file of folder whose content is known and has a
 * Message-ID; it changes nothing in the index. */
int index_unpaired_ids(struct index *, int64_t folder,
    void (*each)(void *arg, int64_t content, const char *message_id),
    void *arg, struct err *);
/* The canonical sizes of the unpaired files of folder whose content is known,
 * ascending, each once; freed with free(). */
int index_unpaired_sizes(struct index *, int64_t folder, uint64_t **out,
    size_t *n_out, struct err *);

/*
 * The one content that all unpaired local places of folder have whose head and
 * size are those of the fingerprint, of which nothing else is looked at: 1. 0
 * when there is none, or several, or it has no Message-ID: then the body must
 * be fetched to know.
 */
int index_content_by_head(struct index *, int64_t folder,
    const struct fingerprint *, int64_t *content_out, struct err *);
/*
 * The keywords that were agreed on for a place that had the content and has
 * just lost its file: Maildir has none, so a file that was moved takes them
 * from there. 1: *out is the caller's to free; 0: no such place.
 */
int index_keywords_of_content(struct index *, int64_t content, char **out,
    struct err *);

/*
 * Places of folder beyond the id after that are on this side alone, were never
 * agreed on, and whose content is not known: their sizes, ascending, as the
 * server or stat told them, 0 where not known; freed with free(). What may be
 * an upload or a copy of ours that is still to be paired is not among them.
 */
enum index_side { INDEX_LOCAL, INDEX_REMOTE };
struct index_unlooked {
	int64_t folder, after;
	enum index_side side;
};
int index_unlooked(struct index *, const struct index_unlooked *,
    uint64_t **out, size_t *n_out, struct err *);

/* An action begun that can't be repeated blindly (APPEND, COPY). */
struct index_intent {
	int64_t id;
	int64_t folder, place;
	uint64_t uidvalidity;		/* when it was begun */
	uint32_t uidnext;		/* the same */
	int64_t content;
	uint32_t size;
	int64_t begun;			/* wall-clock seconds */
	bool answered;			/* with OK */
	/* What the server told of an APPEND's UID has come to. */
	enum index_told {
		TOLD_NOTHING,		/* none, or one that can't be its own */
		TOLD_UID,	/* its place has it, and is unconfirmed */
		TOLD_SHOWN,	/* a row came: not known yet whose it is */
		TOLD_TWIN,	/* uidnext, which is that of another place with
				   the same message: its place is a twin */
		TOLD_LACKING,	/* the server has nothing there: it may be
				   sent once more ... */
	} told;
	bool again;			/* ... which this was */
	/* Of a COPY: the UID that the server told, or that was found; 0. */
	uint32_t copy;
	bool shown;			/* a row showed it */
	bool missed;			/* a look did not */
};
int index_intent_put(struct index *, struct index_intent *, struct err *);
int index_intent_drop(struct index *, int64_t id, struct err *);
int index_intents(struct index *, int64_t folder, struct index_intent **out,
    size_t *n_out, struct err *);	/* freed with free() */
/* Of a place, to get into folder; that with an answer first. 1, 0, -1. */
int index_intent_of(struct index *, int64_t folder, int64_t place,
    struct index_intent *out, struct err *);
/* The next intents of a folder that came to that, at most max, in ascending id;
 * the number, or -1. They may be changed between two calls. */
struct index_intent_stream {
	int64_t folder;
	enum index_told told;
	int64_t after;			/* the id given last, or 0 */
};
int index_intents_told(struct index *, const struct index_intent_stream *,
    struct index_intent *out, int max, struct err *);
/* UIDs of the folder that are TOLD_UID are added to the set. */
int index_upload_uids(struct index *, int64_t folder, struct uidset *,
    struct err *);
/* The intent of an unconfirmed place becomes TOLD_SHOWN. */
int index_intent_shown(struct index *, int64_t place, struct err *);
/* Uploads to the folder that are TOLD_UID or TOLD_SHOWN. */
int index_uploads_told(struct index *, int64_t folder, uint64_t *out,
    struct err *);
/* A twin in the folder, with that content: 1, its intent; 0, -1. */
int index_twin(struct index *, int64_t folder, int64_t content,
    struct index_intent *out, struct err *);
/*
 * The folder was looked at: what its intents led to is known. One stays, that
 * the server answered, and whose message is nowhere to be seen, or not yet
 * known to be the one, for as long as its UIDs count: sent again, it would be
 * there twice. One stays, too, whose message may be among those up to unpulled
 * (0: none) that were not pulled.
 * Those of a place that lies in another folder (COPY) are not looked at.
 */
int index_intents_settle(struct index *, int64_t folder, uint64_t uidvalidity,
    uint32_t unpulled, struct err *);

/* One line of the log: what was done to a message or a folder, and why. */
struct index_log_line {
	const char *what;
	const char *folder;		/* NULL: "" */
	uint32_t uid;			/* 0: none */
	const char *unique;		/* or NULL */
	const char *evidence;		/* NULL: "" */
	int64_t run;			/* its number; 0: none */
	int64_t content;		/* 0: not known */
	unsigned flags;			/* that the message had */
	const char *keywords;		/* the same; NULL: "" */
	const char *detail;		/* what changed; NULL: "" */
};
int index_log(struct index *, const struct index_log_line *, struct err *);

#endif
