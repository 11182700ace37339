/* Second names of one file, as an interrupted rename leaves them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "internal.h"

struct maildir_leftovers {
	struct leftover {
		char *path, *unique;
	} *v;
	size_t n, cap;
};

static bool
is_noted(const struct maildir *m, const char *path, struct span unique)
{
	const struct maildir_leftovers *l = m->leftovers;

	for (size_t i = 0; l != NULL && i < l->n; i++)
		if (strcmp(l->v[i].path, path) == 0 &&
		    span_eq(unique, l->v[i].unique))
			return true;
	return false;
}

void
maildir_note_leftover(struct maildir *m, const char *path, const char *file)
{
	struct maildir_name name;

	if (!maildir_name_parse(file, &name) || is_noted(m, path, name.unique))
		return;
	if (m->leftovers == NULL)
		m->leftovers = xcalloc(1, sizeof(*m->leftovers));
	*VEC_ADD(m->leftovers->v, m->leftovers->n, m->leftovers->cap) =
	    (struct leftover){ xstrdup(path), span_dup(name.unique) };
}

void
maildir_leftovers_free(struct maildir *m)
{
	struct maildir_leftovers *l = m->leftovers;

	if (l == NULL)
		return;
	while (l->n > 0) {
		free(l->v[--l->n].path);
		free(l->v[l->n].unique);
	}
	free(l->v);
	free(l);
	m->leftovers = NULL;
}

/* --- and away with them --- */

struct sweep {
	const struct maildir_message *msg;
	struct span unique;
	const struct stat *st;		/* of the file that is to go */
	bool in_new;
	int fd;
};

static int
leftover_sweep_entry(void *arg, const char *file, unsigned char type,
    struct err *err)
{
	const struct sweep *s = arg;
	struct maildir_name name;
	struct stat st;

	(void)type;
	if (!maildir_name_parse(file, &name) || name.unique.n != s->unique.n ||
	    memcmp(name.unique.p, s->unique.p, s->unique.n) != 0 ||
	    (s->in_new == s->msg->in_new && strcmp(file, s->msg->file) == 0) ||
	    fstatat(s->fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    st.st_dev != s->st->st_dev || st.st_ino != s->st->st_ino)
		return 0;
	if (unlinkat(s->fd, file, 0) == 0 || errno == ENOENT)
		return 0;
	return err_errno(err, ERR_IO, "folder %s: can't remove %s",
	    s->msg->path, file);
}

/* Comes again for what is there still: nothing to forget. */
static void
leftover_sweep_restart(void *arg)
{
	(void)arg;
}

int
maildir_leftovers_remove(struct maildir *m, const struct maildir_message *msg,
    const struct stat *st, struct err *err)
{
	struct sweep s = { .msg = msg, .st = st };
	const struct dir_visit visit = { &s, leftover_sweep_entry };
	struct maildir_name name;
	int r = 0;

	if (st->st_nlink < 2 || !maildir_name_parse(msg->file, &name) ||
	    !is_noted(m, msg->path, name.unique))
		return 0;
	s.unique = name.unique;
	for (int i = 0; i < 2 && r == 0; i++) {
		s.in_new = i == 0;
		s.fd = maildir_dir_open(m, msg->path, i == 0 ? "new" : "cur",
		    err);
		if (s.fd < 0)
			return -1;
		r = maildir_dir_list(s.fd, &visit, leftover_sweep_restart, err);
		close(s.fd);
	}
	return r;
}
