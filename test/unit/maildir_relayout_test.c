/*
 * From one layout to another: nothing but directories moves, what is in the way
 * is found before anything does, and whatever call is the last one of a run, the
 * next one ends it, whatever layout it is asked for.
 */
#include <sys/syscall.h>
#include <sys/wait.h>

#include "maildir/layout.h"
#include "maildir_root.h"

static struct {
	bool armed;
	unsigned at, calls;
} death;

static void
may_die(void)
{
	if (death.armed && ++death.calls == death.at)
		_exit(9);
}

/* No power goes here, and a disk is slow. */
int
fsync(int fd)
{
	(void)fd;
	may_die();
	return 0;
}

int
mkdirat(int fd, const char *path, mode_t mode)
{
	may_die();
	return (int)syscall(SYS_mkdirat, fd, path, mode);
}

int
unlinkat(int fd, const char *path, int flags)
{
	may_die();
	return (int)syscall(SYS_unlinkat, fd, path, flags);
}

int
renameat2(int fd, const char *from, int tofd, const char *to, unsigned flags)
{
	may_die();
	return (int)syscall(SYS_renameat2, fd, from, tofd, to, flags);
}

static const struct layout fs, flat = { false, '.' }, dotted = { true, '.' },
    lined = { true, '_' };
static const struct layout *const layouts[] = { &fs, &flat, &dotted, &lined };

#define N_LAYOUTS (sizeof(layouts) / sizeof(*layouts))

static const char *const folders[] = {
	"INBOX", "INBOX/foo", "foo", "a", "a/b", "a/b/c/d", "a.b", "a%2Fb",
	"mailtern", "x_y", "%2Ehidden/z", "Entw\xc3\xbcrfe/\xe5\x8f\xb0",
};

#define N_FOLDERS (sizeof(folders) / sizeof(*folders))
#define FEW	7

static size_t n_folders = N_FOLDERS;	/* of them, that there are */

/* One message in each, called as the folder; nothing else. */
static void
fill(struct root *r)
{
	for (size_t i = 0; i < n_folders; i++) {
		struct err err = { 0 };
		char *dir, *file;

		assert_ok(maildir_folder_create(&r->m, folders[i], &err),
		    &err);
		dir = layout_dir(&r->m.layout, folders[i]);
		file = xasprintf("%s/cur/%zu.file:2,S", dir, i);
		root_write(r, file, folders[i], strlen(folders[i]));
		free(file);
		free(dir);
	}
}

static void
check(struct root *r, const struct layout *l)
{
	struct maildir_folder *f;
	struct err err = { 0 };
	size_t n;

	assert_true(layout_equal(&r->m.layout, l));
	assert_false(r->m.moving);
	assert_false(root_has(r, ".mailtern/moving"));
	assert_ok(maildir_folders(&r->m, &f, &n, &err), &err);
	assert_int_equal(n, n_folders);
	for (size_t i = 0; i < n; i++)
		assert_true(f[i].whole && !f[i].stray && !f[i].broken);
	maildir_folders_free(f, n);
	for (size_t i = 0; i < n_folders; i++) {
		char *dir = layout_dir(l, folders[i]), *data;
		char *file = xasprintf("%s/cur/%zu.file:2,S", dir, i);
		size_t size;

		data = root_read(r, file, &size);
		assert_string_equal(data, folders[i]);
		free(data);
		free(file);
		free(dir);
	}
}

/* As the next run has it. */
static void
open_again(struct root *r)
{
	struct maildir_found found;
	struct err err = { 0 };

	maildir_close(&r->m);
	assert_ok(maildir_open(&r->m, r->path, &found, &err), &err);
	assert_int_equal(found.root, ROOT_MARKED);
	assert_ok(maildir_lock(&r->m, &err), &err);
}

static struct root *
root_in(const struct layout *l)
{
	struct root *r = root_new();
	struct err err = { 0 };

	r->m.layout = *l;
	assert_ok(maildir_mark(&r->m, ID, TOKEN, &err), &err);
	fill(r);
	open_again(r);
	check(r, l);
	return r;
}

static void
test_each_to_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_LAYOUTS; i++)
		for (size_t k = 0; k < N_LAYOUTS; k++) {
			struct root *r = root_in(layouts[i]);
			struct err err = { 0 };
			size_t n;

			assert_ok(maildir_relayout(&r->m, layouts[k], &n,
			    &err), &err);
			assert_int_equal(n, i == k ? 0 : n_folders);
			check(r, layouts[k]);
			open_again(r);
			check(r, layouts[k]);
			root_free(r);
		}
}

/* False when the run ended before. */
static bool
dies(struct root *r, const struct layout *want, unsigned at)
{
	struct err err = { 0 };
	int status;
	size_t n;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		death.armed = true;
		death.at = at;
		_exit(maildir_relayout(&r->m, want, &n, &err) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 9 || WEXITSTATUS(status) == 0);
	return WEXITSTATUS(status) == 9;
}

/* The next run wants what this one wanted, or what was, or a third. At each
 * of so many calls. */
static unsigned
die_at_each(unsigned step, const struct layout *from, const struct layout *to,
    const struct layout *then)
{
	unsigned at = 1;
	bool died = true;

	for (; died; at += step) {
		struct root *r = root_in(from);
		struct err err = { 0 };
		size_t n;

		died = dies(r, to, at);
		open_again(r);
		assert_ok(maildir_relayout(&r->m, then, &n, &err), &err);
		check(r, then);
		root_free(r);
	}
	return at;
}

static void
test_killed_anywhere(void **state)
{
	(void)state;
	n_folders = FEW;
	assert_true(die_at_each(1, &fs, &dotted, &dotted) > 50);
	die_at_each(1, &dotted, &fs, &dotted);
	die_at_each(3, &fs, &dotted, &fs);
	die_at_each(7, &fs, &dotted, &flat);
	die_at_each(7, &dotted, &fs, &fs);
	die_at_each(5, &fs, &flat, &fs);
	die_at_each(7, &flat, &lined, &flat);
	n_folders = N_FOLDERS;
}

/* Killed in the run that recovers, too. */
static void
test_killed_twice(void **state)
{
	(void)state;
	for (unsigned at = 5; at < 120; at += 19)
		for (unsigned again = 2; again < 60; again += 17) {
			struct root *r = root_in(&fs);
			struct err err = { 0 };
			size_t n;

			dies(r, &dotted, at);
			open_again(r);
			dies(r, &fs, again);
			open_again(r);
			assert_ok(maildir_relayout(&r->m, &dotted, &n, &err),
			    &err);
			check(r, &dotted);
			root_free(r);
		}
}

static void
refuses(struct root *r, const struct layout *want, const char *named)
{
	struct layout was = r->m.layout;
	struct err err = { 0 };
	size_t n;

	assert_int_equal(maildir_relayout(&r->m, want, &n, &err), -1);
	assert_int_equal(err.kind, ERR_HELD);
	if (strstr(err.msg, named) == NULL)
		fail_msg("%s is not named: %s", named, err.msg);
	open_again(r);
	check(r, &was);
}

static void
test_in_the_way(void **state)
{
	struct root *r = root_in(&fs);
	struct err err = { 0 };
	size_t n;

	(void)state;
	root_mkdir(r, ".foo");
	refuses(r, &dotted, ".foo");
	assert_int_equal(unlinkat(r->m.fd, ".foo", AT_REMOVEDIR), 0);
	root_write(r, ".a.b", "", 0);
	refuses(r, &dotted, ".a.b");
	assert_int_equal(unlinkat(r->m.fd, ".a.b", 0), 0);
	root_mkdir(r, "new");		/* an empty one gives way ... */
	root_mkdir(r, "cur");
	root_write(r, "cur/1.x", "x", 1);
	refuses(r, &dotted, "cur");	/* ... one with mail does not */
	assert_int_equal(unlinkat(r->m.fd, "cur/1.x", 0), 0);
	assert_ok(maildir_relayout(&r->m, &dotted, &n, &err), &err);
	check(r, &dotted);
	root_write(r, "a", "", 0);
	refuses(r, &fs, "/a");
	assert_int_equal(unlinkat(r->m.fd, "a", 0), 0);
	assert_ok(maildir_relayout(&r->m, &fs, &n, &err), &err);
	check(r, &fs);
	root_free(r);
}

static void
test_cannot_be_moved(void **state)
{
	struct root *r = root_in(&fs);
	char *away = xasprintf("%s/away", r->dir), *name, long_part[201];
	struct err err = { 0 };
	size_t n;

	(void)state;
	name = root_path(r, "foo");
	assert_int_equal(rename(name, away), 0);
	assert_int_equal(symlink(away, name), 0);
	assert_int_equal(maildir_relayout(&r->m, &dotted, &n, &err), -1);
	assert_int_equal(err.kind, ERR_HELD);
	assert_non_null(strstr(err.msg, "foo"));
	assert_int_equal(unlink(name), 0);
	assert_int_equal(rename(away, name), 0);
	assert_int_equal(chmod(name, 0500), 0);
	if (faccessat(AT_FDCWD, name, W_OK, 0) < 0)	/* root may anyway */
		refuses(r, &dotted, "foo");
	assert_int_equal(chmod(name, 0700), 0);
	free(name);
	free(away);
	memset(long_part, 'l', 200);
	long_part[200] = '\0';
	name = xasprintf("%s/%s", long_part, long_part);
	root_folder(r, name);
	assert_int_equal(maildir_relayout(&r->m, &dotted, &n, &err), -1);
	assert_int_equal(err.kind, ERR_HELD);
	assert_non_null(strstr(err.msg, "too long"));
	assert_ok(maildir_folder_remove(&r->m, name, &err), &err);
	assert_int_equal(unlinkat(r->m.fd, long_part, AT_REMOVEDIR), 0);
	free(name);
	open_again(r);
	check(r, &fs);
	root_free(r);
}

/* What other programs left beside cur goes along; what is no folder stays. */
static void
test_other_files(void **state)
{
	struct root *r = root_in(&fs);
	struct err err = { 0 };
	size_t n;

	(void)state;
	root_write(r, "a/b/dovecot-keywords", "0 x\n", 4);
	root_write(r, "INBOX/.uidvalidity", "1\n", 2);
	root_mkdir(r, "notes");
	root_write(r, "notes/x", "", 0);
	assert_ok(maildir_relayout(&r->m, &dotted, &n, &err), &err);
	check(r, &dotted);
	assert_true(root_has(r, ".a.b/dovecot-keywords"));
	assert_true(root_has(r, "INBOX/.uidvalidity"));
	assert_true(root_has(r, "notes/x"));
	assert_false(root_has(r, "a"));
	assert_ok(maildir_relayout(&r->m, &fs, &n, &err), &err);
	check(r, &fs);
	assert_true(root_has(r, "a/b/dovecot-keywords"));
	root_free(r);
}

/* A delivery agent fills the old place while a run is dead: nothing is lost. */
static void
test_mail_at_the_old_place(void **state)
{
	struct root *r = root_in(&dotted);
	struct err err = { 0 };
	size_t n;

	(void)state;
	for (unsigned at = 1; at < 300 &&
	    !root_has(r, ".mailtern/moving/INBOX=/new"); at++)
		dies(r, &fs, at);
	assert_true(root_has(r, ".mailtern/moving/INBOX=/new"));
	open_again(r);
	assert_true(r->m.moving);
	root_mkdir(r, "new");
	root_write(r, "new/1.fresh", "x", 1);
	assert_int_equal(maildir_relayout(&r->m, &fs, &n, &err), -1);
	assert_int_equal(err.kind, ERR_HELD);
	assert_non_null(strstr(err.msg, "in the way"));
	assert_true(root_has(r, "new/1.fresh"));
	open_again(r);
	assert_int_equal(unlinkat(r->m.fd, "new/1.fresh", 0), 0);
	assert_ok(maildir_relayout(&r->m, &fs, &n, &err), &err);
	check(r, &fs);
	root_free(r);
}

/* One that a later version made, or two. */
static void
test_unknown_record(void **state)
{
	struct root *r = root_in(&dotted);
	struct maildir_found found;
	struct maildir m;
	struct err err = { 0 };

	(void)state;
	assert_true(root_has(r, ".mailtern/layout.maildir++-2e"));
	root_mkdir(r, ".mailtern/layout.fs-2e");
	assert_int_equal(maildir_open(&m, r->path, &found, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_int_equal(unlinkat(r->m.fd, ".mailtern/layout.fs-2e",
	    AT_REMOVEDIR), 0);
	root_mkdir(r, ".mailtern/layout.mh");
	assert_int_equal(maildir_open(&m, r->path, &found, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.msg, "layout.mh"));
	root_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_to_each),
		cmocka_unit_test(test_killed_anywhere),
		cmocka_unit_test(test_killed_twice),
		cmocka_unit_test(test_in_the_way),
		cmocka_unit_test(test_cannot_be_moved),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_mail_at_the_old_place),
		cmocka_unit_test(test_unknown_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
