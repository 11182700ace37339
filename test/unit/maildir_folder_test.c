#include "maildir/maildir.h"

#include "maildir_root.h"

static void
check_folders(struct root *r, const char *const *want)
{
	struct maildir_folder *f;
	struct err err = { 0 };
	size_t n, i;

	assert_ok(maildir_folders(&r->m, &f, &n, &err), &err);
	for (i = 0; want[i] != NULL; i++) {
		bool broken = want[i][0] == '!';

		if (i >= n)
			fail_msg("%s is missing", want[i]);
		assert_string_equal(f[i].path, want[i] + broken);
		assert_int_equal(f[i].broken, broken);
		assert_int_equal(f[i].whole, !broken);
	}
	assert_int_equal(n, i);
	maildir_folders_free(f, n);
}

static void
test_list(void **state)
{
	static const char *const none[] = { NULL };
	/* sorted by bytes, upper case first; '!' marks what is broken */
	static const char *const want[] = {
		"INBOX", "elsewhere", "elsewhere/deep", "lists/a",
		"lists/a/b", "!nowhere", "part", "!swapped", NULL,
	};
	struct root *r = root_new();
	char *out = xasprintf("%s/out", r->dir);
	char *deep = xasprintf("%s/out/deep", r->dir);

	(void)state;
	check_folders(r, none);
	root_folder(r, "lists/a/b");
	root_folder(r, "lists/a");
	root_folder(r, "INBOX");
	root_mkdir(r, "part");
	root_mkdir(r, "part/cur");
	root_mkdir(r, "empty");
	root_mkdir(r, "lost+found");
	root_mkdir(r, "lost+found/cur");
	root_mkdir(r, ".hidden");
	root_mkdir(r, ".hidden/cur");
	root_mkdir(r, "cur");
	root_mkdir(r, "INBOX/cur/cur");
	root_write(r, "file", "", 0);
	root_link(r, "not-there", "nowhere");
	root_link(r, ".", "loop");
	root_link(r, "lists", "again");
	root_link(r, "INBOX", "AAA");
	root_link(r, out, "elsewhere");
	assert_int_equal(mkdir(out, 0700), 0);
	root_folder(r, "elsewhere");
	root_folder(r, "elsewhere/deep");
	root_mkdir(r, "swapped");
	root_mkdir(r, "swapped/new");
	root_mkdir(r, "swapped/tmp");
	root_link(r, "new", "swapped/cur");
	check_folders(r, want);
	assert_int_equal(access(deep, F_OK), 0);
	free(deep);
	free(out);
	root_free(r);
}

static enum maildir_there
there(struct root *r, const char *path)
{
	enum maildir_there out;
	struct err err = { 0 };

	assert_ok(maildir_folder_there(&r->m, path, &out, &err), &err);
	return out;
}

static void
test_there(void **state)
{
	struct root *r = root_new();
	enum maildir_there out;
	struct err err = { 0 };

	(void)state;
	root_folder(r, "a");
	root_folder(r, "lists/b");
	root_mkdir(r, "part");
	root_mkdir(r, "part/new");
	root_link(r, "not-there", "nowhere");
	root_link(r, "a", "linked");
	root_write(r, "file", "", 0);
	assert_int_equal(there(r, "a"), THERE_WHOLE);
	assert_int_equal(there(r, "linked"), THERE_WHOLE);
	assert_int_equal(there(r, "lists"), THERE_BARE);
	assert_int_equal(there(r, "part"), THERE_BROKEN);
	assert_int_equal(there(r, "nowhere"), THERE_BROKEN);
	assert_int_equal(there(r, "file"), THERE_BROKEN);
	assert_int_equal(there(r, "gone"), THERE_GONE);
	assert_int_equal(there(r, "lists/gone"), THERE_GONE);
	assert_int_equal(there(r, "gone/gone"), THERE_UNKNOWN);
	assert_int_equal(there(r, "nowhere/gone"), THERE_UNKNOWN);
	assert_int_equal(there(r, "file/gone"), THERE_UNKNOWN);
	assert_int_equal(maildir_folder_there(&r->m, "../x", &out, &err), -1);
	/* a removed root proves nothing */
	{
		struct maildir_folder *f;
		struct root *q = root_new();
		size_t n;

		assert_int_equal(unlinkat(q->m.fd, ".mailtern", AT_REMOVEDIR),
		    0);
		assert_int_equal(rmdir(q->path), 0);
		assert_int_equal(there(q, "gone"), THERE_UNKNOWN);
		assert_int_equal(maildir_folders(&q->m, &f, &n, &err), -1);
		assert_int_equal(err.kind, ERR_STALE);
		root_free(q);
	}
	root_free(r);
}

static void
check_modes(struct root *r, const char *path)
{
	static const char *const sub[] = { "", "/cur", "/new", "/tmp" };

	for (int i = 0; i < 4; i++) {
		char *p = xasprintf("%s%s", path, sub[i]);
		struct stat st;

		assert_int_equal(fstatat(r->m.fd, p, &st, 0), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0700);
		free(p);
	}
}

static void
test_create(void **state)
{
	struct root *r = root_new();
	mode_t old = umask(0);
	struct err err = { 0 };

	(void)state;
	root_folder(r, "a");
	check_modes(r, "a");
	umask(0777);
	root_folder(r, "b");
	check_modes(r, "b");
	umask(022);
	root_folder(r, "lists/deep/c");
	check_modes(r, "lists/deep/c");
	assert_int_equal(there(r, "lists/deep"), THERE_BARE);
	root_folder(r, "lists/deep");		/* around what is there */
	check_modes(r, "lists/deep");
	root_write(r, "a/cur/x:2,", "x", 1);
	root_folder(r, "a");			/* again */
	assert_true(root_has(r, "a/cur/x:2,"));
	assert_int_equal(unlinkat(r->m.fd, "b/cur", AT_REMOVEDIR), 0);
	root_folder(r, "b");			/* completed */
	check_modes(r, "b");
	assert_int_equal(root_count(r, ".mailtern"), 0);
	root_link(r, "not-there", "nowhere");
	assert_int_equal(maildir_folder_create(&r->m, "nowhere", &err), -1);
	assert_int_equal(maildir_folder_create(&r->m, "nowhere/x", &err), -1);
	root_write(r, "file", "", 0);
	assert_int_equal(maildir_folder_create(&r->m, "file", &err), -1);
	assert_int_equal(maildir_folder_create(&r->m, "file/x", &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	umask(old);
	root_free(r);
}

/* Each has its own outcome; those above others may be among them. */
static void
test_create_many(void **state)
{
	struct root *r = root_new();
	struct maildir_making v[] = { { .path = "a" }, { .path = "a/b" },
	    { .path = "../x" }, { .path = "there" }, { .path = "file/x" } };
	struct maildir_making below[] = { { .path = "deep/in/c" },
	    { .path = "deep/d" } };
	static const int result[] = { 0, 0, -1, 0, -1 };
	mode_t old;

	(void)state;
	root_folder(r, "there");
	root_write(r, "there/cur/x:2,", "x", 1);
	root_write(r, "file", "", 0);
	old = umask(0777);
	maildir_folders_create(&r->m, v, 5);
	umask(old);
	maildir_folders_create(&r->m, below, 2);
	assert_int_equal(below[0].result, 0);
	assert_int_equal(below[1].result, 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(v[i].result, result[i]);
	check_modes(r, "a");
	check_modes(r, "a/b");
	check_modes(r, "there");
	check_modes(r, "deep/in/c");
	assert_true(root_has(r, "there/cur/x:2,"));
	assert_int_equal(root_count(r, ".mailtern"), 0);
	assert_int_equal(v[2].err.kind, ERR_IO);
	assert_int_equal(v[4].err.kind, ERR_IO);
	root_free(r);
}

static void
test_remove(void **state)
{
	struct root *r = root_new();
	struct err err = { 0 };
	char host[200] = "", *ours, *old;
	struct timespec past[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	(void)state;
	gethostname(host, sizeof(host) - 1);
	ours = xasprintf("a/b/tmp/1700000000.M000001P%ldQ1R0123456789abcdef"
	    ".%.64s", (long)getpid(), host);
	old = xasprintf("a/b/tmp/old");
	root_folder(r, "a");
	root_folder(r, "a/b");
	/* a message in it, or somebody's delivery */
	root_write(r, "a/b/cur/x:2,S", "x", 1);
	assert_int_equal(maildir_folder_remove(&r->m, "a/b", &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	assert_int_equal(there(r, "a/b"), THERE_WHOLE);
	assert_int_equal(unlinkat(r->m.fd, "a/b/cur/x:2,S", 0), 0);
	root_write(r, "a/b/new/x", "x", 1);
	assert_int_equal(maildir_folder_remove(&r->m, "a/b", &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	assert_int_equal(unlinkat(r->m.fd, "a/b/new/x", 0), 0);
	root_write(r, old, "x", 1);
	assert_int_equal(utimensat(r->m.fd, old, past, 0), 0);
	assert_int_equal(maildir_folder_remove(&r->m, "a/b", &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	assert_true(root_has(r, old));		/* it came just now */
	assert_int_equal(unlinkat(r->m.fd, old, 0), 0);
	/* ours */
	root_write(r, ours, "x", 1);
	assert_ok(maildir_folder_remove(&r->m, "a/b", &err), &err);
	assert_int_equal(there(r, "a/b"), THERE_GONE);
	assert_ok(maildir_folder_remove(&r->m, "a/b", &err), &err);
	/* what else is in it stays */
	root_folder(r, "a/c");
	assert_ok(maildir_folder_remove(&r->m, "a", &err), &err);
	assert_int_equal(there(r, "a"), THERE_BARE);
	assert_int_equal(there(r, "a/c"), THERE_WHOLE);
	root_folder(r, "d");
	root_write(r, "d/dovecot-uidlist", "x", 1);
	assert_ok(maildir_folder_remove(&r->m, "d", &err), &err);
	assert_int_equal(there(r, "d"), THERE_BARE);
	assert_true(root_has(r, "d/dovecot-uidlist"));
	assert_int_equal(maildir_folder_remove(&r->m, "x/y", &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	assert_int_equal(root_count(r, ".mailtern"), 0);
	free(ours);
	free(old);
	root_free(r);
}

/* A folder that is a link: what it leads to is emptied, the link stays. */
static void
test_remove_link(void **state)
{
	struct root *r = root_new();
	char *out = xasprintf("%s/out", r->dir);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(mkdir(out, 0700), 0);
	root_link(r, out, "linked");
	root_folder(r, "linked");
	assert_int_equal(there(r, "linked"), THERE_WHOLE);
	assert_ok(maildir_folder_remove(&r->m, "linked", &err), &err);
	assert_int_equal(there(r, "linked"), THERE_BARE);
	assert_true(root_has(r, "linked"));
	assert_int_equal(access(out, F_OK), 0);
	free(out);
	root_free(r);
}

static void
reopen(struct root *r)
{
	struct maildir_found found;
	struct err err = { 0 };

	maildir_close(&r->m);
	assert_ok(maildir_open(&r->m, r->path, &found, &err), &err);
	assert_ok(maildir_lock(&r->m, &err), &err);
}

/* What a killed run may leave in .mailtern. */
static void
test_recover(void **state)
{
	struct root *r = root_new();
	struct maildir_folder *f;
	struct err err = { 0 };
	size_t n;

	(void)state;
	root_mkdir(r, ".mailtern/making-0123456789abcdef");
	root_mkdir(r, ".mailtern/making-0123456789abcdef/tmp");
	root_mkdir(r, ".mailtern/gone-0000000000000001");
	root_mkdir(r, ".mailtern/gone-0000000000000001/tmp");
	root_mkdir(r, ".mailtern/gone-0000000000000001/new");
	root_mkdir(r, ".mailtern/gone-0000000000000002");
	root_mkdir(r, ".mailtern/gone-0000000000000002/new");
	root_mkdir(r, ".mailtern/gone-0000000000000002/cur");
	root_write(r, ".mailtern/gone-0000000000000002/new/late", "x", 1);
	root_mkdir(r, ".mailtern/attic");
	reopen(r);
	assert_int_equal(root_count(r, ".mailtern"), 1);
	assert_ok(maildir_folders(&r->m, &f, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_true(f[0].whole);
	assert_memory_equal(f[0].path, "recovered-", 10);
	{
		char *late = xasprintf("%s/new/late", f[0].path);

		assert_true(root_has(r, late));
		free(late);
	}
	maildir_folders_free(f, n);
	root_free(r);
}

/* Mail in it, as in Maildir++, is told; other such directories are not. */
static void
test_dotted(void **state)
{
	static const char *const made[] = {
		".Empty", ".Empty/cur", ".Empty/new", ".Sent.2020",
		".Sent.2020/cur", "INBOX/.Old", "INBOX/.Old/new", ".cur",
		".git",
	};
	struct root *r = root_new();
	struct maildir_folder *f;
	struct err err = { 0 };
	size_t n;

	(void)state;
	root_folder(r, "INBOX");
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		root_mkdir(r, made[i]);
	root_write(r, ".Sent.2020/cur/1.h:2,S", "x", 1);
	root_write(r, "INBOX/.Old/new/1.h", "x", 1);
	root_write(r, ".git/file", "x", 1);
	root_link(r, ".Sent.2020", ".Link");
	assert_ok(maildir_folders(&r->m, &f, &n, &err), &err);
	assert_int_equal(n, 3);
	assert_string_equal(f[0].path, ".Sent.2020");
	assert_string_equal(f[1].path, "INBOX");
	assert_string_equal(f[2].path, "INBOX/.Old");
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(f[i].stray, i != 1);
		assert_int_equal(f[i].whole, i == 1);
		assert_false(f[i].broken);
	}
	maildir_folders_free(f, n);
	root_free(r);
}

static void
test_mark(void **state)
{
	struct root *r = root_new();
	struct maildir_found found;
	char *other;
	struct maildir m;
	struct err err = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(maildir_check_mark(&r->m, ID, TOKEN, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_ok(maildir_open(&m, r->path, &found, &err), &err);
	assert_int_equal(found.root, ROOT_EMPTY);
	maildir_close(&m);
	root_mkdir(r, "lost+found");
	assert_ok(maildir_open(&m, r->path, &found, &err), &err);
	assert_int_equal(found.root, ROOT_EMPTY);
	assert_int_equal(maildir_mark(&m, ID, TOKEN, &err), -1);
	maildir_close(&m);
	root_write(r, "something", "", 0);
	assert_ok(maildir_open(&m, r->path, &found, &err), &err);
	assert_int_equal(found.root, ROOT_UNMARKED);
	maildir_close(&m);

	assert_int_equal(maildir_mark(&r->m, "short", TOKEN, &err), -1);
	assert_ok(maildir_mark(&r->m, ID, TOKEN, &err), &err);
	assert_true(root_has(r, ".mailtern/" ID "." TOKEN));
	assert_int_equal(maildir_mark(&r->m, ID, TOKEN2, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_ok(maildir_check_mark(&r->m, ID, TOKEN, &err), &err);
	assert_int_equal(maildir_check_mark(&r->m, ID, TOKEN2, &err), -1);
	assert_int_equal(maildir_check_mark(&r->m, TOKEN, TOKEN, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_int_equal(maildir_remark(&r->m, ID, TOKEN2, TOKEN, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.msg, "is not the one that was left there"));
	assert_ok(maildir_remark(&r->m, ID, TOKEN, TOKEN2, &err), &err);
	assert_ok(maildir_check_mark(&r->m, ID, TOKEN2, &err), &err);
	assert_int_equal(root_count(r, ".mailtern"), 1);
	assert_int_equal(fstatat(r->m.fd, ".mailtern", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);

	assert_ok(maildir_open(&m, r->path, &found, &err), &err);
	assert_int_equal(found.root, ROOT_MARKED);
	assert_string_equal(found.id, ID);
	assert_string_equal(found.token, TOKEN2);
	maildir_close(&m);

	/* another directory at the same path */
	other = xasprintf("%s/other", r->dir);
	assert_int_equal(rename(r->path, other), 0);
	assert_int_equal(maildir_check_mark(&r->m, ID, TOKEN2, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_int_equal(mkdir(r->path, 0700), 0);
	assert_int_equal(maildir_check_mark(&r->m, ID, TOKEN2, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	free(other);
	root_free(r);
}

static void
test_bad_mark(void **state)
{
	static const char *const bad[] = {
		ID "." ID "0", ID "." "short", "x.y", "ID." TOKEN,
		"00112233445566778899AABBCCDDEEFF." TOKEN,
		ID "-" TOKEN ".",
	};
	struct root *r = root_new();
	struct maildir_found found;
	char *path;
	struct maildir m;
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		path = xasprintf(".mailtern/%s", bad[i]);
		root_mkdir(r, path);
		assert_int_equal(maildir_open(&m, r->path, &found, &err),
		    -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_null(m.root);
		maildir_close(&m);
		assert_int_equal(unlinkat(r->m.fd, path, AT_REMOVEDIR), 0);
		free(path);
	}
	/* two of them */
	root_mkdir(r, ".mailtern/" ID "." TOKEN);
	root_mkdir(r, ".mailtern/" ID "." TOKEN2);
	assert_int_equal(maildir_open(&m, r->path, &found, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_int_equal(maildir_check_mark(&r->m, ID, TOKEN, &err), -1);
	root_free(r);
}

/* A link in the place of .mailtern is no marker. */
static void
test_mark_link(void **state)
{
	struct root *r = root_new();
	struct maildir_found found;
	struct err err = { 0 };
	struct maildir m;

	(void)state;
	assert_int_equal(unlinkat(r->m.fd, ".mailtern", AT_REMOVEDIR), 0);
	root_mkdir(r, "elsewhere");
	root_mkdir(r, "elsewhere/" ID "." TOKEN);
	root_link(r, "elsewhere", ".mailtern");
	assert_int_equal(maildir_open(&m, r->path, &found, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	root_free(r);
}

static void
test_lock(void **state)
{
	struct root *r = root_new();
	struct maildir_found found;
	struct err err = { 0 };
	struct maildir m;

	(void)state;
	assert_ok(maildir_lock(&r->m, &err), &err);	/* once more: ours */
	assert_ok(maildir_open(&m, r->path, &found, &err), &err);
	assert_int_equal(maildir_lock(&m, &err), -1);
	assert_int_equal(err.kind, ERR_BUSY);
	assert_int_equal(m.mark_fd, -1);
	maildir_close(&r->m);
	assert_ok(maildir_lock(&m, &err), &err);
	maildir_close(&m);
	root_free(r);
}

/* Nothing is made behind a link that leads nowhere: a disk is not mounted. */
static void
test_dangling_root(void **state)
{
	struct root *r = root_new();
	char *link = xasprintf("%s/link", r->dir);
	char *target = xasprintf("%s/target", r->dir);
	struct maildir_found found;
	struct err err = { 0 };
	struct maildir m;

	(void)state;
	assert_int_equal(symlink(target, link), 0);
	assert_ok(maildir_open(&m, link, &found, &err), &err);
	assert_int_equal(found.root, ROOT_MISSING);
	assert_int_equal(maildir_lock(&m, &err), -1);
	assert_int_equal(access(target, F_OK), -1);
	maildir_close(&m);
	/* a file is no Maildir */
	close(open(target, O_WRONLY | O_CREAT, 0600));
	assert_int_equal(maildir_open(&m, link, &found, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	free(link);
	free(target);
	root_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_there),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_create_many),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_remove_link),
		cmocka_unit_test(test_recover),
		cmocka_unit_test(test_dotted),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_bad_mark),
		cmocka_unit_test(test_mark_link),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_dangling_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
