#include "maildir/look.h"
#include "maildir/store.h"

#include <time.h>

#include "mail/flags.h"
#include "maildir_root.h"

static const struct {
	bool in_new;
	const char *file;
	unsigned flags;
	bool to_new;
	const char *to;
} table[] = {
	{ false, "a:2,", FLAG_SEEN, false, "a:2,S" },
	{ false, "a:2,S", 0, false, "a:2," },
	{ false, "a:2,Sab", FLAG_FLAGGED, false, "a:2,Fab" },
	{ false, "a:2,abS", FLAG_SEEN | FLAG_ANSWERED, false, "a:2,RSab" },
	{ false, "a:2,S", FLAG_SEEN, false, "a:2,S" },
	{ false, "a", 0, false, "a" },
	{ false, "a", FLAG_SEEN, false, "a:2,S" },
	{ false, "a,U=7,S=9:2,T", FLAG_SEEN, false, "a,U=7,S=9:2,S" },
	{ true, "a", FLAG_SEEN, false, "a:2,S" },
	{ true, "a", 0, true, "a" },
	{ true, "a:2,T", 0, true, "a:2," },
	{ true, "a:2,T", FLAG_DELETED, false, "a:2,T" },
};

static struct maildir_message
message(bool in_new, const char *file)
{
	return (struct maildir_message){ "INBOX", in_new, file };
}

static char *
message_path(const struct maildir_message *msg)
{
	return xasprintf("%s/%s/%s", msg->path, msg->in_new ? "new" : "cur",
	    msg->file);
}

static void
test_set_flags(void **state)
{
	struct root *r = root_new();

	(void)state;
	root_folder(r, "INBOX");
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct maildir_message msg = message(table[i].in_new,
		    table[i].file);
		char *path = message_path(&msg);
		struct maildir_renamed now;
		struct err err = { 0 };

		root_write(r, path, "x", 1);
		assert_ok(maildir_set_flags(&r->m, &msg, table[i].flags, &now,
		    &err), &err);
		assert_string_equal(now.file, table[i].to);
		assert_int_equal(now.in_new, table[i].to_new);
		free(path);
		msg = message(now.in_new, now.file);
		path = message_path(&msg);
		assert_true(root_has(r, path));
		assert_int_equal(root_count(r, "INBOX/new") +
		    root_count(r, "INBOX/cur"), 1);
		assert_ok(maildir_sync_folder(&r->m, "INBOX", &err), &err);
		assert_ok(maildir_remove_known(&r->m, &msg, NULL, &err), &err);
		assert_false(root_has(r, path));
		free(path);
	}
	root_free(r);
}

/* What is not there under that very name, in all the ways of asking. */
static void
check_stale(struct root *r, const struct maildir_message *msg,
    enum err_kind kind)
{
	struct maildir_renamed now;
	struct maildir_source *source;
	struct fingerprint print;
	struct err err = { 0 };
	int64_t mtime;

	for (unsigned flags = 0; flags <= FLAG_ALL; flags += FLAG_ALL) {
		err = (struct err){ 0 };
		assert_int_equal(maildir_set_flags(&r->m, msg, flags, &now,
		    &err), -1);
		assert_int_equal(err.kind, kind);
	}
	err = (struct err){ 0 };
	assert_int_equal(maildir_remove_known(&r->m, msg, NULL, &err), -1);
	assert_int_equal(err.kind, kind);
	err = (struct err){ 0 };
	assert_int_equal(maildir_source_open(&r->m, msg, &source, &mtime,
	    &err), -1);
	assert_int_equal(err.kind, kind);
	err = (struct err){ 0 };
	assert_int_equal(maildir_fingerprint(&r->m, msg, &print, &mtime, &err),
	    -1);
	assert_int_equal(err.kind, kind);
}

static void
test_stale(void **state)
{
	struct root *r = root_new();
	struct maildir_message msg = message(false, "a:2,");

	(void)state;
	check_stale(r, &msg, ERR_STALE);	/* no folder */
	root_folder(r, "INBOX");
	check_stale(r, &msg, ERR_STALE);
	root_write(r, "INBOX/cur/a:2,S", "x", 1);
	check_stale(r, &msg, ERR_STALE);	/* re-flagged */
	msg = message(true, "a:2,S");
	check_stale(r, &msg, ERR_STALE);	/* in the other directory */
	assert_true(root_has(r, "INBOX/cur/a:2,S"));
	root_free(r);
}

static void
test_no_overwrite(void **state)
{
	struct root *r = root_new();
	struct maildir_message msg = message(false, "a:2,");
	struct maildir_renamed now;
	struct err err = { 0 };
	char *data;
	size_t n;

	(void)state;
	root_folder(r, "INBOX");
	root_write(r, "INBOX/cur/a:2,", "mine", 4);
	root_write(r, "INBOX/cur/a:2,S", "his", 3);
	root_write(r, "INBOX/new/a", "third", 5);
	assert_int_equal(maildir_set_flags(&r->m, &msg, FLAG_SEEN, &now, &err),
	    -1);
	assert_int_equal(err.kind, ERR_STALE);
	msg = message(true, "a");
	assert_int_equal(maildir_set_flags(&r->m, &msg, FLAG_SEEN, &now, &err),
	    -1);
	assert_int_equal(err.kind, ERR_STALE);
	data = root_read(r, "INBOX/cur/a:2,S", &n);
	assert_string_equal(data, "his");
	free(data);
	assert_true(root_has(r, "INBOX/cur/a:2,"));
	assert_true(root_has(r, "INBOX/new/a"));
	root_free(r);
}

/* Names that lead elsewhere, and things that are no messages. */
static void
test_attacks(void **state)
{
	static const char *const bad[] = {
		"../../../out", "../new/x", "x/y", "/etc/passwd", "..", ".",
		"", ".x", ":2,S",
	};
	struct root *r = root_new();
	struct maildir_message msg;
	struct maildir_source *source;
	struct err err = { 0 };
	int64_t mtime;
	char *out = xasprintf("%s/out", r->dir), *fifo;
	int fd = open(out, O_WRONLY | O_CREAT, 0600);

	(void)state;
	close(fd);
	root_folder(r, "INBOX");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct maildir_renamed now;

		msg = message(false, bad[i]);
		assert_int_equal(maildir_remove_known(&r->m, &msg, NULL, &err),
		    -1);
		assert_int_equal(maildir_set_flags(&r->m, &msg, FLAG_SEEN,
		    &now, &err), -1);
		if (strcmp(bad[i], ":2,S") != 0)
			assert_int_equal(maildir_source_open(&r->m, &msg,
			    &source, &mtime, &err), -1);
	}
	root_link(r, out, "INBOX/cur/link:2,");
	msg = message(false, "link:2,");
	assert_int_equal(maildir_source_open(&r->m, &msg, &source, &mtime,
	    &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(maildir_remove_known(&r->m, &msg, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	root_mkdir(r, "INBOX/cur/dir:2,");
	msg = message(false, "dir:2,");
	assert_int_equal(maildir_source_open(&r->m, &msg, &source, &mtime,
	    &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(maildir_remove_known(&r->m, &msg, NULL, &err), -1);
	fifo = root_path(r, "INBOX/cur/fifo:2,");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	msg = message(false, "fifo:2,");
	assert_int_equal(maildir_source_open(&r->m, &msg, &source, &mtime,
	    &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	free(fifo);
	assert_int_equal(access(out, F_OK), 0);
	free(out);
	assert_int_equal(root_count(r, "INBOX/cur"), 3);
	root_free(r);
}

/* A line end on each side of the reader's own buffer, read in odd pieces. */
static void
test_large_source(void **state)
{
	size_t n = 300000, at = 0, want = 0;
	struct root *r = root_new();
	char *disk = xmalloc(n), *wire = xmalloc(2 * n), *got = xmalloc(2 * n);
	struct maildir_message msg = message(false, "a:2,");
	struct timespec times[2] = { { .tv_sec = 7 }, { .tv_sec = 86400 } };
	struct maildir_source *s;
	struct err err = { 0 };
	int64_t mtime = 0;
	ssize_t k;

	(void)state;
	for (size_t i = 0; i < n; i++)
		disk[i] = (i & 0xffff) >= 0xfffe || (i & 0xffff) < 2 ||
		    i % 61 == 0 ? '\n' : i % 53 == 0 ? '\r' : 'x';
	for (size_t i = 0; i < n; i++) {
		if (disk[i] == '\n' && (i == 0 || disk[i - 1] != '\r'))
			wire[want++] = '\r';
		wire[want++] = disk[i];
	}
	root_folder(r, "INBOX");
	root_write(r, "INBOX/cur/a:2,", disk, n);
	assert_int_equal(utimensat(r->m.fd, "INBOX/cur/a:2,", times, 0), 0);
	assert_ok(maildir_source_open(&r->m, &msg, &s, &mtime, &err), &err);
	assert_int_equal(mtime, 86400);
	while ((k = maildir_source_read(s, got + at, 8191, &err)) > 0)
		at += (size_t)k;
	assert_int_equal(k, 0);
	assert_int_equal(at, want);
	assert_memory_equal(got, wire, want);
	maildir_source_close(s);
	free(disk);
	free(wire);
	free(got);
	root_free(r);
}

/* Sparse, and larger than any message: refused before it is read. */
static void
test_huge_source(void **state)
{
	struct root *r = root_new();
	struct maildir_message msg = message(false, "a:2,");
	struct maildir_source *s;
	struct err err = { 0 };
	int64_t mtime;
	char *path;

	(void)state;
	root_folder(r, "INBOX");
	root_write(r, "INBOX/cur/a:2,", "x", 1);
	path = root_path(r, "INBOX/cur/a:2,");
	assert_int_equal(truncate(path, INT64_C(4294967296)), 0);
	assert_int_equal(maildir_source_open(&r->m, &msg, &s, &mtime, &err),
	    -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(truncate(path, INT64_C(4294967295)), 0);
	assert_ok(maildir_source_open(&r->m, &msg, &s, &mtime, &err), &err);
	maildir_source_close(s);
	free(path);
	root_free(r);
}

/* A second file with a name gets one of its own, with the same letters. */
static void
test_rename_fresh(void **state)
{
	static const struct {
		bool in_new;
		const char *file, *info;
	} fresh[] = {
		{ true, "1.a.host", "" },
		{ false, "1.a.host:2,FS", ":2,FS" },
		{ false, "2.a.host:2,", ":2," },
		{ false, "3.a.host:2,Sabz", ":2,Sabz" },
	};
	struct root *r = root_new();

	(void)state;
	root_folder(r, "INBOX");
	for (size_t i = 0; i < sizeof(fresh) / sizeof(*fresh); i++) {
		struct maildir_message msg = message(fresh[i].in_new,
		    fresh[i].file);
		char *path = message_path(&msg), file[MAILDIR_NAME_MAX + 1];
		size_t n = strlen(fresh[i].info), was, now;
		struct err err = { 0 };

		was = (size_t)(root_count(r, "INBOX/new") +
		    root_count(r, "INBOX/cur"));
		root_write(r, path, "x", 1);
		assert_ok(maildir_rename_fresh(&r->m, &msg, file, &err), &err);
		assert_false(root_has(r, path));
		free(path);
		assert_string_not_equal(file, fresh[i].file);
		assert_true(strlen(file) > n);
		assert_string_equal(file + strlen(file) - n, fresh[i].info);
		assert_true((strstr(file, ":2,") != NULL) == (n > 0));
		msg = message(fresh[i].in_new, file);
		path = message_path(&msg);
		assert_true(root_has(r, path));
		now = (size_t)(root_count(r, "INBOX/new") +
		    root_count(r, "INBOX/cur"));
		assert_int_equal(now, was + 1);
		free(path);
		msg = message(fresh[i].in_new, fresh[i].file);
		assert_int_equal(maildir_rename_fresh(&r->m, &msg, file, &err),
		    -1);
		assert_int_equal(err.kind, ERR_STALE);
	}
	root_free(r);
}

static struct file_hint
look_at(struct root *r, bool in_new, const char *file, enum maildir_looked want)
{
	struct file_hint hint;
	struct maildir_look look;
	struct err err = { 0 };

	assert_ok(maildir_look_open(&look, &r->m, "INBOX", &err), &err);
	assert_int_equal(maildir_look(&look, in_new, file, &hint), want);
	maildir_look_close(&look);
	return hint;
}

/* What a hint is made of, and what changes it. */
static void
test_look(void **state)
{
	const struct timespec times[2] = { { 0, 0 }, { 5, 7 } };
	struct root *r = root_new();
	struct file_hint was, now;
	struct err err = { 0 };
	struct maildir_look look;

	(void)state;
	assert_int_equal(maildir_look_open(&look, &r->m, "INBOX", &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	root_folder(r, "INBOX");
	root_write(r, "INBOX/new/a", "four", 4);
	assert_int_equal(utimensat(r->m.fd, "INBOX/new/a", times, 0), 0);
	was = look_at(r, true, "a", LOOKED_FILE);
	assert_true(was.inode != 0);
	assert_int_equal(was.size, 4);
	assert_int_equal(was.mtime, 5000000007);
	assert_int_equal(renameat(r->m.fd, "INBOX/new/a", r->m.fd,
	    "INBOX/cur/a:2,S"), 0);
	now = look_at(r, false, "a:2,S", LOOKED_FILE);
	assert_true(file_hint_equal(&was, &now));
	now = look_at(r, true, "a", LOOKED_GONE);
	assert_int_equal(now.inode, 0);
	assert_int_equal(symlinkat("a:2,S", r->m.fd, "INBOX/cur/b:2,"), 0);
	now = look_at(r, false, "b:2,", LOOKED_OTHER);
	assert_int_equal(now.inode, 0);
	look_at(r, false, "../new", LOOKED_UNKNOWN);
	root_free(r);
}

static void
known_content(struct root *r, const struct maildir_message *msg,
    struct maildir_known *known)
{
	struct fingerprint print;
	struct err err = { 0 };
	int64_t mtime;

	assert_ok(maildir_fingerprint(&r->m, msg, &print, &mtime, &err), &err);
	memcpy(known->content, print.content, sizeof(known->content));
	known->has_content = true;
}

static void
check_kept(struct root *r, const struct maildir_message *msg,
    const struct maildir_known *known)
{
	struct err err = { 0 };

	assert_int_equal(maildir_remove_known(&r->m, msg, known, &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	assert_true(root_has(r, "INBOX/cur/a:2,"));
}

static void
test_remove_known(void **state)
{
	struct maildir_message msg = message(false, "a:2,");
	struct maildir_known known = { 0 }, none = { 0 };
	struct root *r = root_new();
	struct err err = { 0 };

	(void)state;
	root_folder(r, "INBOX");
	root_write(r, "INBOX/cur/a:2,", "one", 3);
	known.hint = look_at(r, false, "a:2,", LOOKED_FILE);
	known.hint.size = 4;
	check_kept(r, &msg, &known);
	known.hint.size = 3;
	assert_ok(maildir_remove_known(&r->m, &msg, &known, &err), &err);
	assert_false(root_has(r, "INBOX/cur/a:2,"));
	root_write(r, "INBOX/cur/a:2,", "one", 3);
	assert_ok(maildir_remove_known(&r->m, &msg, &none, &err), &err);
	assert_int_equal(maildir_remove_known(&r->m, &msg, &known, &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	root_free(r);
}

/* A copy that was put back goes; what only looks like one stays. */
static void
test_remove_copy(void **state)
{
	struct maildir_message msg = message(false, "a:2,");
	struct maildir_known known = { 0 };
	struct root *r = root_new();
	struct err err = { 0 };

	(void)state;
	root_folder(r, "INBOX");
	root_write(r, "INBOX/cur/a:2,", "one", 3);
	known_content(r, &msg, &known);
	known.hint = look_at(r, false, "a:2,", LOOKED_FILE);
	known.hint.inode++;
	root_write(r, "INBOX/cur/a:2,", "two", 3);
	check_kept(r, &msg, &known);
	root_write(r, "INBOX/cur/a:2,", "one", 3);
	assert_ok(maildir_remove_known(&r->m, &msg, &known, &err), &err);
	assert_false(root_has(r, "INBOX/cur/a:2,"));
	root_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_flags),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_no_overwrite),
		cmocka_unit_test(test_attacks),
		cmocka_unit_test(test_large_source),
		cmocka_unit_test(test_huge_source),
		cmocka_unit_test(test_rename_fresh),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_remove_known),
		cmocka_unit_test(test_remove_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
