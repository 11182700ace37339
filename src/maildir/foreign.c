/* Recognises what mbsync and OfflineIMAP left in a Maildir. */
#include "maildir/foreign.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "internal.h"

#define DIRS_MOST	4000u	/* directories that are read */
#define NAMES_MOST	100u	/* of files, in each cur/ and new/ */
#define DEPTH_MOST	20u

/* Paths that are still to be read. */
struct foreign_walk {
	struct maildir *m;
	struct maildir_foreign *out;
	char **path;
	size_t n, cap, at;
};

static char *
path_below(const char *above, const char *name)
{
	return *above == '\0' ? xstrdup(name) : xasprintf("%s/%s", above, name);
}

static void
note_first(char **out, const char *above, const char *name)
{
	if (*out == NULL)
		*out = path_below(above, name);
}

static bool
is_part(const char *name)
{
	return strcmp(name, "cur") == 0 || strcmp(name, "new") == 0 ||
	    strcmp(name, "tmp") == 0;
}

static bool
has_cur(int fd, const char *name)
{
	char *cur = xasprintf("%s/cur", name);
	struct stat st;
	bool has = fstatat(fd, cur, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);

	free(cur);
	return has;
}

static unsigned
depth_of(const char *path)
{
	unsigned n = 0;

	for (; *path != '\0'; path++)
		n += *path == '/';
	return n;
}

static void
foreign_add(struct foreign_walk *w, const char *above, const char *name)
{
	if (w->n < DIRS_MOST && depth_of(above) < DEPTH_MOST)
		*VEC_ADD(w->path, w->n, w->cap) = path_below(above, name);
}

static void
look_at_name(struct foreign_walk *w, const char *path, const char *name)
{
	struct maildir_foreign *out = w->out;

	if (strncmp(name, ".mbsyncstate", 12) == 0 ||
	    strcmp(name, ".isyncuidmap.db") == 0)
		note_first(&out->mbsync, path, name);
	else if (strcmp(name, ".uidvalidity") == 0)
		note_first(&out->uidvalidity, path, name);
	else if (strstr(name, ",FMD5=") != NULL)
		note_first(&out->offlineimap, path, name);
}

/* In our layout it would be none. */
static bool
lies_otherwise(const struct layout *l, const char *above, const char *name)
{
	char *dir = path_below(above, name), *path = layout_path(l, dir);
	bool is = strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	    (path == NULL || layout_entry(l, above, name) != ENTRY_ENTERED);

	free(path);
	free(dir);
	return is;
}

static void
look_at_directory(struct foreign_walk *w, int fd, const char *path,
    const char *name)
{
	if (strcmp(name, "cur") == 0 || strcmp(name, "new") == 0)
		foreign_add(w, path, name);
	if (is_part(name) || strcmp(name, MARK_DIR) == 0)
		return;
	if (lies_otherwise(&w->m->layout, path, name) && has_cur(fd, name))
		note_first(&w->out->otherwise, path, name);
	if (name[0] != '.') {
		foreign_add(w, path, name);
	} else if (name[1] != '\0' && name[1] != '.' && has_cur(fd, name)) {
		foreign_add(w, path, name);
	}
}

static void
read_directory(struct foreign_walk *w, const char *path)
{
	DIR *dir = maildir_dir_stream(w->m->fd, *path == '\0' ? "." :
	    path);
	const char *last = strrchr(path, '/');
	bool files = is_part(last == NULL ? path : last + 1);
	struct dirent *e;
	unsigned n = 0;

	while (dir != NULL && (e = readdir(dir)) != NULL &&
	    (!files || n++ < NAMES_MOST)) {
		struct stat st;

		look_at_name(w, path, e->d_name);
		if (!files && fstatat(dirfd(dir), e->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
			look_at_directory(w, dirfd(dir), path, e->d_name);
	}
	if (dir != NULL)
		closedir(dir);
}

void
maildir_foreign_look(struct maildir *m, struct maildir_foreign *out)
{
	struct foreign_walk w = { .m = m, .out = out };

	*out = (struct maildir_foreign){ NULL, NULL, NULL, NULL };
	if (m->fd < 0)
		return;
	*VEC_ADD(w.path, w.n, w.cap) = xstrdup("");
	for (; w.at < w.n; w.at++) {
		read_directory(&w, w.path[w.at]);
		free(w.path[w.at]);
	}
	free(w.path);
}

void
maildir_foreign_release(struct maildir_foreign *f)
{
	free(f->mbsync);
	free(f->uidvalidity);
	free(f->offlineimap);
	free(f->otherwise);
	*f = (struct maildir_foreign){ NULL, NULL, NULL, NULL };
}
