/* Names and finds what waits for its place in another layout. */
#include "moving.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

#define PART_MAX	200

/* So much of the rest that no character is torn. */
static size_t
part_len(const char *p)
{
	size_t n = strlen(p);

	if (n <= PART_MAX)
		return n;
	n = PART_MAX;
	while (n > PART_MAX - 4 && ((unsigned char)p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static char *
escape(const char *path)
{
	char *out = xmalloc(3 * strlen(path) + 1);
	size_t n = 0;

	for (const char *p = path; *p != '\0'; p++) {
		if (*p == '/' || *p == '%') {
			memcpy(out + n, *p == '/' ? "%2F" : "%25", 3);
			n += 3;
		} else {
			out[n++] = *p;
		}
	}
	out[n] = '\0';
	return out;
}

static void
unescape(char *name)
{
	char *to = name;

	for (const char *p = name; *p != '\0'; p++) {
		if (strncmp(p, "%2F", 3) != 0 && strncmp(p, "%25", 3) != 0) {
			*to++ = *p;
			continue;
		}
		*to++ = p[2] == 'F' ? '/' : '%';
		p += 2;
	}
	*to = '\0';
}

char *
moving_place(const char *path)
{
	char *name = escape(path), *place = xstrdup(MOVING_DIR), *longer;
	const char *p = name;
	size_t n;

	do {
		n = part_len(p);
		longer = xasprintf("%s/%.*s%c", place, (int)n, p,
		    p[n] != '\0' ? '+' : '=');
		free(place);
		place = longer;
		p += n;
	} while (*p != '\0');
	free(name);
	return place;
}

/* The path of a place. */
static char *
path_at(const char *place)
{
	const char *p = place + sizeof(MOVING_DIR);
	char *path = xmalloc(strlen(p) + 1);
	size_t n = 0;

	for (;;) {
		size_t k = strcspn(p, "/");

		memcpy(path + n, p, k - 1);
		n += k - 1;
		if (p[k] == '\0')
			break;
		p += k + 1;
	}
	path[n] = '\0';
	unescape(path);
	return path;
}

/* --- what is there --- */

struct finding {
	struct moving_list *out;
	struct moving_list dirs;	/* that are still to be read */
	const char *dir;		/* the one being read */
	size_t out_mark, dirs_mark;
};

static void
cut(struct moving_list *l, size_t n)
{
	while (l->n > n)
		free(l->path[--l->n]);
}

static int
finding_entry(void *arg, const char *name, unsigned char type, struct err *err)
{
	struct finding *f = arg;
	size_t n = strlen(name);
	char *place;

	(void)type;
	(void)err;
	if (n < 2 || (name[n - 1] != '=' && name[n - 1] != '+'))
		return 0;
	place = xasprintf("%s/%s", f->dir, name);
	if (name[n - 1] == '+') {
		*VEC_ADD(f->dirs.path, f->dirs.n, f->dirs.cap) = place;
		return 0;
	}
	*VEC_ADD(f->out->path, f->out->n, f->out->cap) = path_at(place);
	free(place);
	return 0;
}

static void
finding_restart(void *arg)
{
	struct finding *f = arg;

	cut(f->out, f->out_mark);
	cut(&f->dirs, f->dirs_mark);
}

static int
find_in(struct finding *f, int mark_fd, const char *dir, struct err *err)
{
	const struct dir_visit visit = { f, finding_entry };
	int fd = openat(mark_fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC), r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_errno(err, ERR_IO, "can't open %s", dir);
	f->dir = dir;
	f->out_mark = f->out->n;
	f->dirs_mark = f->dirs.n;
	r = maildir_dir_list(fd, &visit, finding_restart, err);
	close(fd);
	return r;
}

static int
compare_waiting(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
moving_find(struct maildir *m, struct moving_list *out, struct err *err)
{
	struct finding f = { .out = out };
	int r = 0;

	*out = (struct moving_list){ 0 };
	*VEC_ADD(f.dirs.path, f.dirs.n, f.dirs.cap) = xstrdup(MOVING_DIR);
	for (size_t i = 0; i < f.dirs.n && r == 0; i++)
		r = find_in(&f, m->mark_fd, f.dirs.path[i], err);
	moving_release(&f.dirs);
	if (r < 0) {
		moving_release(out);
		return err_within(err, "%s/" MARK_DIR, m->root);
	}
	if (out->n > 1)
		qsort(out->path, out->n, sizeof(*out->path), compare_waiting);
	return 0;
}

void
moving_release(struct moving_list *l)
{
	cut(l, 0);
	free(l->path);
	*l = (struct moving_list){ 0 };
}

void
moving_tidy(struct maildir *m, const char *place)
{
	char *above = xstrdup(place), *slash = above;

	while (slash != NULL && (unlinkat(m->mark_fd, above, AT_REMOVEDIR) ==
	    0 || errno == ENOENT)) {
		slash = strrchr(above, '/');
		if (slash != NULL)
			*slash = '\0';
	}
	free(above);
}
