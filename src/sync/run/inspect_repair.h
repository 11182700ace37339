/*
 * What verify --repair does, under the locks of the account: only what loses
 * nothing, whatever cuts it off. Each does nothing where it is not asked for,
 * or not certain; the finding stands then.
 */
#ifndef SYNC_RUN_INSPECT_REPAIR_H
#define SYNC_RUN_INSPECT_REPAIR_H

#include "index/verify.h"
#include "run/inspect.h"

/* A file that does not hold its message: for repair_file. */
void repair_note_file(struct inspection *, const struct place *,
    const struct file_hint *, enum verify_kind);
/*
 * The server has the row's message whole, as its digest says. If its file was
 * noted, and no change of flags waits, it goes to the attic, and the next sync
 * pulls the message. First the index lets go of the file: what is cut off
 * between is a file too many, and never a deletion.
 */
int repair_file(struct inspection *, const struct index_folder *,
    int64_t place, struct err *);
/* The row is written as it was read: what a scan compares names with is right
 * again. */
int repair_row(struct inspection *, const struct found *, int64_t place,
    struct err *);
/* Of the folder: a tally that is wrong; stamps, so that the next sync looks at
 * it in full. */
int repair_folder(struct inspection *, int64_t folder, enum verify_kind,
    struct err *);
/* What was found of folders when the index was looked at. */
int repair_flawed(struct inspection *, struct err *);
/* tmp, and new or cur where no row has a file in it, are made again: true. */
bool repair_parts(struct inspection *, const struct index_folder *,
    const bool missing[3]);

void repair_release(struct inspection *);

#endif
