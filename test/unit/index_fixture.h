/* A scratch directory with an index in it, for the tests of the index. */
#ifndef INDEX_FIXTURE_H
#define INDEX_FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "index/content.h"
#include "index/folder.h"
#include "index/index.h"
#include "index/item.h"
#include "index/place.h"
#include "mail/flags.h"

struct fixture {
	char dir[40];
	char db[64];
	struct index *ix;
	struct err err;
};

#define ok(call) do { \
	if ((call) < 0) \
		fail_msg("%s: %s", #call, f->err.msg); \
} while (0)

static inline void
fixture_open(struct fixture *f)
{
	struct index_open_result result;

	ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
	assert_null(result.set_aside);
}

static inline void
fixture_close(struct fixture *f)
{
	index_close(f->ix);
	f->ix = NULL;
}

static inline int
setup_dir(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/mailtern-index-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->db, sizeof(f->db), "%s/state/work.db", f->dir);
	*state = f;
	return 0;
}

static inline int
setup_index(void **state)
{
	setup_dir(state);
	fixture_open(*state);
	return 0;
}

static inline void
remove_dir(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		char *name = xasprintf("%s/%s", path, e->d_name);

		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 && unlink(name) < 0)
			remove_dir(name);
		free(name);
	}
	closedir(d);
	rmdir(path);
}

static inline int
teardown(void **state)
{
	struct fixture *f = *state;

	index_close(f->ix);
	remove_dir(f->dir);
	free(f);
	return 0;
}

static inline bool
there(const struct fixture *f, const char *tail)
{
	char *name = xasprintf("%s%s", f->db, tail);
	struct stat st;
	bool is = stat(name, &st) == 0;

	free(name);
	return is;
}

static inline unsigned
mode_of(const struct fixture *f, const char *tail)
{
	char *name = xasprintf("%s%s", f->db, tail);
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	free(name);
	return st.st_mode & 07777;
}

/* A folder that is on both sides; its id. */
static inline int64_t
add_folder(struct fixture *f, const char *name)
{
	struct index_folder folder = { .name = xstrdup(name),
	    .path = xstrdup(name), .base = true, .local = true,
	    .remote = true, .uidvalidity = 7 };
	int64_t id;

	ok(index_folder_put(f->ix, &folder, &f->err));
	id = folder.id;
	index_folder_release(&folder);
	return id;
}

/* What an observer of the disk does with a file that it found; did it change
 * anything? -1: the index failed, as f->err says. */
static inline int
see_file(struct fixture *f, int64_t folder, bool in_new, const char *file)
{
	struct index_seen_local seen = { .in_new = in_new, .file = file };
	const char *info = strstr(file, ":2,");
	char *unique = info == NULL ? xstrdup(file) :
	    xstrndup(file, (size_t)(info - file));
	bool changed = false;
	struct place p;
	int r = index_place_by_unique(f->ix, folder, unique, &p, &f->err);

	for (info = info == NULL ? NULL : info + 3; info != NULL && *info != '\0' &&
	    *info != ','; info++)
		seen.flags |= flag_from_letter(*info);
	if (r <= 0) {
		place_init(&p);
		p.folder = folder;
		p.unique = xstrdup(unique);
	}
	if (r >= 0)
		r = index_place_see(f->ix, &p, &seen, &changed, &f->err);
	place_release(&p);
	free(unique);
	return r < 0 ? -1 : changed;
}

/* A look past the interface, at what was stored. */
static inline int64_t
number(const char *path, const char *sql)
{
	sqlite3_stmt *st;
	sqlite3 *db;
	int64_t v;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE,
	    NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return v;
}

/* A file whose content is known; its place. */
static inline int64_t
add_local(struct fixture *f, int64_t folder, const char *file, int64_t content)
{
	struct place p;
	char unique[40];
	int64_t id;

	snprintf(unique, sizeof(unique), "%.*s", (int)strcspn(file, ":"), file);
	ok(see_file(f, folder, false, file));
	assert_int_equal(index_place_by_unique(f->ix, folder, unique, &p,
	    &f->err), 1);
	p.content = content;
	ok(index_place_put(f->ix, &p, &f->err));
	id = p.id;
	place_release(&p);
	return id;
}

/* The unpaired file that a message with that content gets; 0: none. */
static inline int64_t
unpaired(struct fixture *f, int64_t folder, int64_t content, unsigned flags)
{
	const struct place on_server = { .folder = folder, .content = content,
	    .remote = { .flags = flags } };
	struct place p;
	int64_t id = 0;
	int r = index_unpaired_local(f->ix, &on_server, &p, &f->err);

	ok(r);
	if (r == 1) {
		id = p.id;
		place_release(&p);
	}
	return id;
}

static inline uint64_t
dirty_of(struct fixture *f, int64_t folder)
{
	struct index_counts counts;

	ok(index_counts(f->ix, folder, &counts, &f->err));
	return counts.dirty;
}

#endif
