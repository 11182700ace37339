/* Takes away what older versions made beside the attic's tmp. */
#include <fcntl.h>
#include <unistd.h>

#include "internal.h"

void
maildir_attic_tidy(struct maildir *m)
{
	int fd = openat(m->mark_fd, ATTIC, ATTIC_OPEN);

	if (fd < 0)
		return;
	(void)unlinkat(fd, "cur", AT_REMOVEDIR);
	(void)unlinkat(fd, "new", AT_REMOVEDIR);
	close(fd);
}
