/* Finds what is no message beside and among those of a folder. */
#include "maildir/strangers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/os.h"
#include "internal.h"

static const char *const part_name[3] = { "cur", "new", "tmp" };

int
maildir_parts(struct maildir *m, const char *path, enum maildir_part out[3],
    struct err *err)
{
	int fd = maildir_dir_open(m, path, NULL, err);
	struct stat st;

	if (fd < 0)
		return -1;
	for (int i = 0; i < 3; i++) {
		out[i] = PART_DIR;
		if (fstatat(fd, part_name[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			out[i] = PART_GONE;
		else if (!S_ISDIR(st.st_mode))
			out[i] = PART_OTHER;
	}
	close(fd);
	return 0;
}

struct search {
	const struct maildir_strangers *visit;
	enum maildir_stranger kind;
	const char *sub;	/* NULL: the folder itself */
	int fd;
};

static bool
is_stranger(const struct search *s, const char *name)
{
	struct span ignored;
	struct stat st;

	if (fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	switch (s->kind) {
	case STRANGER_FILE:
		return name[0] != '.' && !S_ISDIR(st.st_mode) &&
		    !S_ISLNK(st.st_mode);
	case STRANGER_DOT:
		return name[0] == '.' && !maildir_name_is_leftover(name,
		    &ignored);
	case STRANGER_TMP:
		break;
	}
	return maildir_tmp_is_old(&st);
}

static int
stranger_entry(void *arg, const char *name, unsigned char type, struct err *err)
{
	const struct search *s = arg;
	char file[MAILDIR_NAME_MAX + 8];

	(void)type;
	(void)err;
	if (!is_stranger(s, name))
		return 0;
	snprintf(file, sizeof(file), "%s%s%s", s->sub != NULL ? s->sub : "",
	    s->sub != NULL ? "/" : "", name);
	s->visit->found(s->visit->arg, s->kind, file);
	return 0;
}

/* One reading: what moves meanwhile may be missed, and nothing comes twice. */
static void
search_dir(struct maildir *m, const char *path, struct search *s)
{
	const struct dir_visit visit = { s, stranger_entry };
	struct dir_pass pass = { 0 };
	struct err ignored;
	struct stat st;

	s->fd = maildir_dir_open(m, path, s->sub, &ignored);
	if (s->fd < 0)
		return;
	if (fstat(s->fd, &st) == 0)
		(void)maildir_pass_read(&pass, s->fd, &st, &visit, &ignored);
	maildir_pass_release(&pass);
	close(s->fd);
}

void
maildir_strangers(struct maildir *m, const char *path,
    const struct maildir_strangers *visit)
{
	struct search at[] = {
		{ visit, STRANGER_FILE, NULL, -1 },
		{ visit, STRANGER_DOT, "cur", -1 },
		{ visit, STRANGER_DOT, "new", -1 },
		{ visit, STRANGER_TMP, "tmp", -1 },
	};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		search_dir(m, path, &at[i]);
}
