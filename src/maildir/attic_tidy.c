/* Takes away what is left beside the days of the attic: by a run that was
 * killed, and by older versions. */
#include <fcntl.h>
#include <unistd.h>

#include "internal.h"

static void
tidy_part(int attic)
{
	int tmp = openat(attic, "tmp", ATTIC_OPEN), fd;
	struct err ignored;
	size_t left;

	if (tmp < 0)
		return;
	fd = openat(tmp, ATTIC_PART, ATTIC_OPEN);
	if (fd >= 0) {
		(void)maildir_tmp_sweep(fd, true, &left, &ignored);
		close(fd);
		(void)unlinkat(tmp, ATTIC_PART, AT_REMOVEDIR);
	}
	close(tmp);
}

void
maildir_attic_tidy(struct maildir *m)
{
	int fd = openat(m->mark_fd, ATTIC, ATTIC_OPEN);

	if (fd < 0)
		return;
	tidy_part(fd);
	(void)unlinkat(fd, "cur", AT_REMOVEDIR);
	(void)unlinkat(fd, "new", AT_REMOVEDIR);
	close(fd);
}
