/*
 * The folders of the personal namespace with their numbers: LIST, with STATUS
 * in the same exchange where LIST-STATUS (RFC 5819) is there, else pipelined
 * STATUS commands. Also CREATE, RENAME, DELETE, SUBSCRIBE, UNSUBSCRIBE.
 *
 * Two folders never have the same name. Where the server's delimiter is not
 * '/', or a namespace prefix is stripped, a '/' inside a level is written %2F,
 * '%' before two hex digits %25, and INBOX below the prefix %49NBOX. What is
 * not modified UTF-7 keeps its octets, those that are not UTF-8 written %XX.
 * Folders with empty levels or of more than LIMIT_FOLDER_NAME bytes are not
 * listed.
 */
#ifndef IMAP_LIST_H
#define IMAP_LIST_H

#include "imap/session.h"

struct imap_folder {
	char *raw;		/* name as sent on the wire */
	char *name;		/* UTF-8, '/' as delimiter, namespace prefix
				   stripped, "INBOX" in any case is "INBOX" */
	bool selectable;	/* neither \Noselect nor \NonExistent */
	enum imap_use use;
	bool has_status;	/* the four numbers below were given (modseq
				   may be 0) */
	bool unasked;		/* nor were they asked for */
	uint32_t messages, uidnext;
	uint64_t uidvalidity;
	uint64_t modseq;
};

/* One that can be selected, and is not among the folders. */
struct imap_unnamed {
	char *name;		/* as far as it can be shown */
	enum imap_unnamed_why {
		UNNAMED_OUTSIDE,	/* of the personal namespace */
		UNNAMED_LEVEL,		/* one of its levels is empty */
		UNNAMED_LONG,
		UNNAMED_TWIN,		/* its name here is another one's */
	} why;
};

/* What cost connections before, and is not to be asked for. */
struct imap_list_care {
	/* LIST: these are taken for its answer. raw and name are looked at. */
	bool by_name;
	const struct imap_folder *folder;
	size_t n;
	/* STATUS of those called so on the wire. */
	char *const *without;
	size_t n_without;
	bool without_all;
};

/* At what a connection was lost. */
enum imap_list_lost {
	LIST_LOST_ELSEWHERE,	/* or it was not */
	LIST_LOST_LIST,		/* LIST */
	LIST_LOST_WITH_STATUS,	/* the same, with RETURN (STATUS ...) */
	LIST_LOST_STATUS,	/* STATUS of one folder */
};

struct imap_list {
	struct imap_cmd cmd;		/* imap_result(&list->cmd, err) */
	/* Sorted by name, unique; where the connection was lost, what LIST had
	 * told until then. */
	struct imap_folder *folder;
	size_t n, cap;
	enum imap_list_lost lost;
	char *lost_at;			/* raw, of that STATUS */
	size_t unnamed;		/* listed, but not above: names of no use */
	struct imap_unnamed *passed;	/* the first of them */
	size_t n_passed, cap_passed;
	struct imap_list_priv *priv;
};

/* care may be NULL; it is borrowed until the list is complete. */
void imap_list_start(struct imap_session *, struct imap_list *, struct task *,
    const struct imap_list_care *);
/* What is called raw, or more than that: what lies below it, and others. Names
 * alone, without numbers. */
void imap_list_below_start(struct imap_session *, struct imap_list *,
    struct task *, const char *raw);
void imap_list_release(struct imap_list *);

/* STATUS of one folder, whether LIST shows it or not. */
struct imap_numbers {
	struct imap_cmd cmd;
	uint32_t messages, uidnext;	/* 0: not told; so is uidvalidity */
	uint64_t uidvalidity;
	/* Refused without NONEXISTENT, in the words that this server, which is
	 * known by name, has for a folder that is not there (imap/quirks.c). */
	bool absent_in_words;
	char *raw;
};
void imap_numbers_start(struct imap_session *, struct imap_numbers *,
    struct task *, const char *raw);
void imap_numbers_release(struct imap_numbers *);

/* What NAMESPACE answered, for imap_open_config; NULL: nothing. Caller frees
 * it. */
char *imap_list_namespace(const struct imap_session *);

/* The wire name of a folder that the server does not have yet: prefix,
 * delimiter, modified UTF-7. NULL when it can't be expressed there. */
char *imap_list_raw_name(struct imap_session *, const char *name);

void imap_create_start(struct imap_session *, struct imap_cmd *, struct task *,
    const char *raw);
void imap_delete_start(struct imap_session *, struct imap_cmd *, struct task *,
    const char *raw);
void imap_rename_start(struct imap_session *, struct imap_cmd *, struct task *,
    const char *raw, const char *raw_to);
void imap_subscribe_start(struct imap_session *, struct imap_cmd *,
    struct task *, const char *raw);
void imap_unsubscribe_start(struct imap_session *, struct imap_cmd *,
    struct task *, const char *raw);

#endif
