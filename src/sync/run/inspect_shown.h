/* What the server shows of a folder, held against the rows of the index. */
#ifndef SYNC_RUN_INSPECT_SHOWN_H
#define SYNC_RUN_INSPECT_SHOWN_H

#include "imap/box.h"
#include "index/verify.h"
#include "run/inspect.h"

/* A message as FETCH told of it. */
struct shown {
	uint32_t uid, size;
	unsigned flags;
	bool has_flags, has_size, has_date;
	bool known;		/* a row has its UID */
	uint64_t keywords;	/* hashed */
	int64_t date;
};

/* A folder of the server: 40 octets a message. */
struct shown_folder {
	struct inspection *in;
	struct run *run;	/* what was learned of the server */
	const struct index_folder *folder;
	struct shown *v;	/* by UID, when sealed */
	size_t n, cap;
	uint32_t exists;
	bool listed;		/* all came that there are */
};

void shown_add(struct shown_folder *, const struct imap_fetch *);
/* All rows came; a UID that came twice counts once. */
void shown_seal(struct shown_folder *);
const struct shown *shown_find(const struct shown_folder *, uint32_t uid);
/* Marks the row's UID as known, and judges what is shown under it; octets: of
 * the body, where that was fetched. */
int shown_judge(struct shown_folder *, const struct place *,
    enum verify_octets, struct err *);
void shown_mark(struct shown_folder *, uint32_t uid);
/* What is left: no row has it. Whether a row should have had one of them. */
bool shown_judge_unknown(struct shown_folder *);
void shown_release(struct shown_folder *);

#endif
