/* What the files of ui share, and what its tests reach. */
#ifndef UI_INTERNAL_H
#define UI_INTERNAL_H

#include "ui/progress.h"

/* progress_new and progress_update with the clock in hand (milliseconds). */
struct progress *progress_new_at(int fd, bool quiet, uint64_t now);
void progress_update_at(struct progress *, const struct progress_item *,
    uint64_t now);

/* The most that a line may need. */
#define UI_LINE_MAX	4096

#endif
