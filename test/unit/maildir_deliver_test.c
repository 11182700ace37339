#include "maildir/deliver.h"
#include "maildir/look.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "base/fs.h"
#include "mail/flags.h"
#include "maildir/store.h"
#include "maildir_root.h"

/* What comes over the wire, what lies on disk, what goes back. */
static const struct {
	const char *wire, *disk, *back;
} table[] = {
	{ "", "", "" },
	{ "a: b\r\n\r\nbody\r\n", "a: b\n\nbody\n", "a: b\r\n\r\nbody\r\n" },
	{ "no final newline", "no final newline", "no final newline" },
	{ "a\r\nb", "a\nb", "a\r\nb" },
	{ "\r\n", "\n", "\r\n" },
	{ "\r\n\r\n\r\n", "\n\n\n", "\r\n\r\n\r\n" },
	{ "bare\rcr\r\n", "bare\rcr\n", "bare\rcr\r\n" },
	{ "\r", "\r", "\r" },
	{ "end\r", "end\r", "end\r" },
	{ "a\r\nend\r\r", "a\nend\r\r", "a\r\nend\r\r" },
	{ "\r\rx\r\n", "\r\rx\n", "\r\rx\r\n" },
	/* as received */
	{ "\n", "\n", "\r\n" },
	{ "a\nb\r\n", "a\nb\r\n", "a\r\nb\r\n" },
	{ "a\r\nb\nc\r\n", "a\r\nb\nc\r\n", "a\r\nb\r\nc\r\n" },
	{ "a\r\r\nb\r\n", "a\r\r\nb\r\n", "a\r\r\nb\r\n" },
	{ "x\r\na\r\r\n", "x\r\na\r\r\n", "x\r\na\r\r\n" },
	{ "\r\r\n", "\r\r\n", "\r\r\n" },
	{ "x\r\n\r\r\r\ny", "x\r\n\r\r\r\ny", "x\r\n\r\r\r\ny" },
	{ "x\r\n\ry\n\r", "x\r\n\ry\n\r", "x\r\n\ry\r\n\r" },
	{ "a\r\n\nb\r\n", "a\r\n\nb\r\n", "a\r\n\r\nb\r\n" },
};

static struct maildir_delivery *
deliver(struct maildir_batch *b, const char *data, size_t n, size_t chunk,
    struct fingerprint *print)
{
	struct maildir_delivery *d;
	struct err err = { 0 };

	assert_ok(maildir_deliver_begin(b, &d, &err), &err);
	for (size_t at = 0; at < n; at += chunk)
		assert_ok(maildir_deliver_data(d, data + at,
		    chunk < n - at ? chunk : n - at, &err), &err);
	assert_ok(maildir_deliver_end(d, print, &err), &err);
	return d;
}

static char *
delivered_path(const struct maildir_delivery *d, const char *folder)
{
	bool in_new;
	const char *file = maildir_delivery_file(d, &in_new);

	return xasprintf("%s/%s/%s", folder, in_new ? "new" : "cur", file);
}

static void
assert_print_equal(const struct fingerprint *a, const struct fingerprint *b)
{
	assert_memory_equal(a->content, b->content, 32);
	assert_memory_equal(a->head, b->head, 32);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->wire, b->wire);
}

/* Reads it back step bytes at a time. */
static void
check_back(struct root *r, const struct maildir_message *msg,
    const char *back, size_t n, size_t step)
{
	struct maildir_source *s;
	char *got = xcalloc(1, n + 2 + step);
	struct err err = { 0 };
	size_t len = 0;
	int64_t mtime;
	ssize_t k;

	assert_ok(maildir_source_open(&r->m, msg, &s, &mtime, &err), &err);
	while ((k = maildir_source_read(s, got + len, step, &err)) > 0) {
		len += (size_t)k;
		assert_true(len <= n);
	}
	assert_ok(k, &err);
	assert_int_equal(len, n);
	assert_memory_equal(got, back, n);
	assert_ok(maildir_source_sync(s, &err), &err);
	maildir_source_close(s);
	free(got);
}

static void
check_delivery(struct root *r, size_t i, size_t chunk)
{
	struct maildir_batch *b = maildir_batch_new(&r->m, "INBOX", false);
	size_t len = strlen(table[i].wire), n;
	struct fingerprint print, disk_print;
	struct maildir_message msg = { .path = "INBOX" };
	struct err err = { 0 };
	struct maildir_delivery *d = deliver(b, table[i].wire, len, chunk,
	    &print);
	struct maildir_look look;
	struct file_hint hint;
	char *path, *disk;
	int64_t mtime;

	assert_ok(maildir_deliver_place(d, 0, i % 2 ? NULL : &(int64_t){
		    1500000000 }, &err),
	    &err);
	assert_ok(batch_commit(b, &err), &err);
	path = delivered_path(d, "INBOX");
	disk = root_read(r, path, &n);
	assert_int_equal(n, strlen(table[i].disk));
	assert_memory_equal(disk, table[i].disk, n);
	msg.file = maildir_delivery_file(d, &msg.in_new);
	assert_true(msg.in_new);
	assert_ok(maildir_look_open(&look, &r->m, "INBOX", &err), &err);
	assert_int_equal(maildir_look(&look, true, msg.file, &hint),
	    LOOKED_FILE);
	maildir_look_close(&look);
	assert_true(file_hint_equal(&hint, maildir_delivery_hint(d)));
	for (size_t step = 1; step < 5; step++)
		check_back(r, &msg, table[i].back, strlen(table[i].back),
		    step);
	assert_ok(maildir_fingerprint(&r->m, &msg, &disk_print, &mtime, &err),
	    &err);
	assert_print_equal(&print, &disk_print);
	assert_int_equal(print.wire, strlen(table[i].back));
	assert_ok(maildir_remove_known(&r->m, &msg, NULL, &err), &err);
	free(disk);
	free(path);
	maildir_batch_free(b);
}

static void
test_line_ends(void **state)
{
	struct root *r = root_new();

	(void)state;
	root_folder(r, "INBOX");
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		for (size_t chunk = 1; chunk <= strlen(table[i].wire) + 1;
		    chunk++)
			check_delivery(r, i, chunk);
	assert_int_equal(root_count(r, "INBOX/tmp"), 0);
	root_free(r);
}

/* Larger than every buffer, cut at odd places; the last line end decides. */
static void
check_large(struct root *r, const char *end, bool raw)
{
	size_t lines = 9000, n = 0, at = 0, len;
	char *wire = xmalloc(lines * 32), *disk, *path;
	struct maildir_batch *b = maildir_batch_new(&r->m, "INBOX", false);
	struct fingerprint print;
	struct maildir_delivery *d;
	struct err err = { 0 };

	for (size_t i = 0; i < lines; i++)
		n += (size_t)snprintf(wire + n, 32, "line %zu\rx\r\n", i);
	memcpy(wire + n, end, strlen(end));
	n += strlen(end);
	d = deliver(b, wire, n, 4099, &print);
	assert_ok(maildir_deliver_place(d, FLAG_SEEN, NULL, &err), &err);
	assert_ok(batch_commit(b, &err), &err);
	path = delivered_path(d, "INBOX");
	disk = root_read(r, path, &len);
	if (raw) {
		assert_int_equal(len, n);
		assert_memory_equal(disk, wire, n);
	} else {
		for (size_t i = 0; i < n; i++)
			if (wire[i] != '\r' || wire[i + 1] != '\n')
				assert_int_equal(disk[at++], wire[i]);
		assert_int_equal(at, len);
	}
	free(disk);
	free(path);
	free(wire);
	maildir_batch_free(b);
}

static void
test_large(void **state)
{
	struct root *r = root_new();

	(void)state;
	root_folder(r, "INBOX");
	check_large(r, "end\r\n", false);
	check_large(r, "bare\n", true);
	check_large(r, "\r\r\n", true);
	assert_int_equal(root_count(r, "INBOX/tmp"), 0);
	root_free(r);
}

#define NO_DATE	INT64_MIN

static void
check_place(struct root *r, unsigned flags, int64_t date, const char *info,
    bool in_new)
{
	struct maildir_batch *b = maildir_batch_new(&r->m, "INBOX", false);
	struct fingerprint print;
	struct err err = { 0 };
	struct maildir_delivery *d = deliver(b, "x\r\n", 3, 3, &print);
	char *path, *whole;
	struct stat st;
	bool got;

	assert_ok(maildir_deliver_place(d, flags, date == NO_DATE ? NULL :
	    &date, &err), &err);
	assert_int_equal(root_count(r, "INBOX/tmp"), 1);
	assert_int_equal(root_count(r, "INBOX/new"), 0);
	assert_int_equal(root_count(r, "INBOX/cur"), 0);
	assert_ok(batch_commit(b, &err), &err);
	path = delivered_path(d, "INBOX");
	whole = root_path(r, path);
	assert_int_equal(stat(whole, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	if (date != NO_DATE)
		assert_int_equal(st.st_mtim.tv_sec, date);
	else
		assert_in_range(st.st_mtim.tv_sec, time(NULL) - 60,
		    time(NULL) + 60);
	assert_string_equal(strchr(path, ':') != NULL ? strchr(path, ':') : "",
	    info);
	maildir_delivery_file(d, &got);
	assert_int_equal(got, in_new);
	assert_int_equal(unlink(whole), 0);
	assert_int_equal(root_count(r, "INBOX/tmp"), 0);
	free(path);
	free(whole);
	maildir_batch_free(b);
}

static void
test_place(void **state)
{
	struct root *r = root_new();
	mode_t old = umask(0777);

	(void)state;
	root_folder(r, "INBOX");
	check_place(r, 0, NO_DATE, "", true);
	umask(0);
	check_place(r, FLAG_SEEN, 1709164800, ":2,S", false);
	check_place(r, FLAG_FLAGGED, 1, ":2,F", false);
	check_place(r, FLAG_FLAGGED, 0, ":2,F", false);
	check_place(r, FLAG_ALL, -86400, ":2,DFPRST", false);
	umask(old);
	root_free(r);
}

/* Few messages: an fsync each. Many: one syncfs. Then the directories. */
static void
check_syncs(struct root *r, unsigned n, unsigned expect)
{
	struct maildir_batch *b = maildir_batch_new(&r->m, "INBOX", false);
	struct fingerprint print;
	struct err err = { 0 };
	uint64_t before = fs_syncs();

	for (unsigned i = 0; i < n; i++) {
		struct maildir_delivery *d = deliver(b, "x\r\n", 3, 3, &print);

		assert_ok(maildir_deliver_place(d, i % 2 ? FLAG_SEEN : 0, NULL,
		    &err), &err);
	}
	assert_ok(batch_commit(b, &err), &err);
	assert_int_equal(fs_syncs() - before, expect);
	maildir_batch_free(b);
}

static void
test_batch(void **state)
{
	struct root *r = root_new();

	(void)state;
	root_folder(r, "INBOX");
	check_syncs(r, 0, 0);
	check_syncs(r, 1, 2);
	check_syncs(r, 5, 7);
	check_syncs(r, 300, 3);
	assert_int_equal(root_count(r, "INBOX/new"), 154);
	assert_int_equal(root_count(r, "INBOX/cur"), 152);
	assert_int_equal(root_count(r, "INBOX/tmp"), 0);
	root_free(r);
}

static void
test_drop(void **state)
{
	struct root *r = root_new();
	struct maildir_batch *b;
	struct maildir_delivery *d[4];
	struct fingerprint print;
	struct err err = { 0 };

	(void)state;
	root_folder(r, "INBOX");
	b = maildir_batch_new(&r->m, "INBOX", false);
	for (int i = 0; i < 3; i++)
		d[i] = deliver(b, "x\r\n", 3, 3, &print);
	assert_ok(maildir_deliver_begin(b, &d[3], &err), &err);
	assert_ok(maildir_deliver_place(d[0], 0, NULL, &err), &err);
	assert_ok(maildir_deliver_place(d[1], 0, NULL, &err), &err);
	assert_int_equal(root_count(r, "INBOX/tmp"), 4);
	maildir_deliver_drop(d[1]);
	maildir_deliver_drop(d[2]);
	assert_int_equal(root_count(r, "INBOX/tmp"), 2);
	assert_int_equal(maildir_deliver_place(d[2], 0, NULL, &err), -1);
	assert_ok(batch_commit(b, &err), &err);
	assert_int_equal(root_count(r, "INBOX/new"), 1);
	maildir_deliver_drop(d[0]);
	maildir_batch_free(b);
	assert_int_equal(root_count(r, "INBOX/new"), 1);
	assert_int_equal(root_count(r, "INBOX/tmp"), 0);
	/* uncommitted */
	b = maildir_batch_new(&r->m, "INBOX", false);
	d[0] = deliver(b, "x\r\n", 3, 3, &print);
	assert_ok(maildir_deliver_place(d[0], 0, NULL, &err), &err);
	maildir_batch_free(b);
	assert_int_equal(root_count(r, "INBOX/tmp"), 0);
	assert_int_equal(root_count(r, "INBOX/new"), 1);
	root_free(r);
}

/* A target that exists is never replaced; the batch is taken back. */
static void
test_no_overwrite(void **state)
{
	struct root *r = root_new();
	struct maildir_batch *b;
	struct maildir_delivery *d[2];
	struct fingerprint print;
	struct err err = { 0 };
	char *path, *data;
	size_t n;

	(void)state;
	root_folder(r, "INBOX");
	b = maildir_batch_new(&r->m, "INBOX", false);
	for (int i = 0; i < 2; i++) {
		d[i] = deliver(b, "mine\r\n", 6, 6, &print);
		assert_ok(maildir_deliver_place(d[i], FLAG_SEEN, NULL, &err),
		    &err);
	}
	path = delivered_path(d[1], "INBOX");
	root_write(r, path, "his", 3);
	assert_int_equal(batch_commit(b, &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	data = root_read(r, path, &n);
	assert_string_equal(data, "his");
	maildir_batch_free(b);
	assert_int_equal(root_count(r, "INBOX/cur"), 1);
	assert_int_equal(root_count(r, "INBOX/tmp"), 0);
	free(data);
	free(path);
	root_free(r);
}

/* A file-size limit stands for the full disk. */
static void
test_no_room(void **state)
{
	struct root *r = root_new();
	struct rlimit old, small = { 100000, 100000 };
	char *block = xcalloc(1, 70000);
	struct maildir_batch *b;
	struct maildir_delivery *d;
	struct fingerprint print;
	struct err err = { 0 };

	(void)state;
	root_folder(r, "lists/foo");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	b = maildir_batch_new(&r->m, "lists/foo", false);
	assert_ok(maildir_deliver_begin(b, &d, &err), &err);
	assert_ok(maildir_deliver_data(d, block, 70000, &err), &err);
	assert_int_equal(maildir_deliver_data(d, block, 70000, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_non_null(strstr(err.msg, "lists/foo"));
	assert_int_equal(root_count(r, "lists/foo/tmp"), 0);
	assert_int_equal(maildir_deliver_data(d, block, 1, &err), -1);
	assert_int_equal(maildir_deliver_end(d, &print, &err), -1);
	maildir_deliver_drop(d);
	/* the others go on */
	d = deliver(b, "x\r\n", 3, 1, &print);
	assert_ok(maildir_deliver_place(d, 0, 0, &err), &err);
	assert_ok(batch_commit(b, &err), &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	maildir_batch_free(b);
	assert_int_equal(root_count(r, "lists/foo/new"), 1);
	free(block);
	root_free(r);
}

/* Leftovers of a killed run of ours go; what is not ours stays. */
static void
test_leftovers(void **state)
{
	struct root *r = root_new();
	struct maildir_batch *b;
	struct fingerprint print;
	struct maildir_delivery *d;
	char host[200] = "", *ours, *mine;

	(void)state;
	root_folder(r, "INBOX");
	gethostname(host, sizeof(host) - 1);
	ours = xasprintf("INBOX/tmp/1700000000.M000001P%ldQ1R"
	    "0123456789abcdef.%.64s", (long)getpid() + 1, host);
	root_write(r, ours, "x", 1);
	mine = xasprintf("INBOX/tmp/1700000000.M000001P%ldQ1R"
	    "0123456789abcdef.%.64s", (long)getpid(), host);
	root_write(r, mine, "x", 1);	/* another thread is writing it */
	root_write(r, "INBOX/tmp/1700000000.1_1.mutt", "x", 1);
	b = maildir_batch_new(&r->m, "INBOX", false);
	d = deliver(b, "x\r\n", 3, 3, &print);
	maildir_deliver_drop(d);
	maildir_batch_free(b);
	assert_false(root_has(r, ours));
	assert_true(root_has(r, mine));
	free(mine);
	assert_true(root_has(r, "INBOX/tmp/1700000000.1_1.mutt"));
	free(ours);
	root_free(r);
}

/* No path leads out of the root. */
static void
test_escape(void **state)
{
	static const char *const bad[] = {
		"..", "../out", "a/../../out", "/tmp", "", "INBOX/cur",
		".mailtern", "INBOX/", "./INBOX",
	};
	struct root *r = root_new();
	struct maildir_delivery *d;
	struct err err = { 0 };
	char *outside = xasprintf("%s/out", r->dir);

	(void)state;
	root_folder(r, "INBOX");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct maildir_batch *b = maildir_batch_new(&r->m, bad[i], false);

		assert_int_equal(maildir_deliver_begin(b, &d, &err), -1);
		maildir_batch_free(b);
		assert_int_equal(maildir_folder_create(&r->m, bad[i], &err),
		    -1);
		assert_int_equal(maildir_folder_remove(&r->m, bad[i], &err),
		    -1);
	}
	/* links in the place of tmp, new and cur */
	assert_int_equal(mkdir(outside, 0700), 0);
	for (int i = 0; i < 3; i++) {
		static const char *const sub[] = { "tmp", "new", "cur" };
		char *folder = xasprintf("link-%s", sub[i]);
		char *path = xasprintf("%s/%s", folder, sub[i]);
		struct maildir_batch *b = maildir_batch_new(&r->m, folder, false);
		char *whole = root_path(r, path);

		root_folder(r, folder);
		assert_int_equal(rmdir(whole), 0);
		root_link(r, outside, path);
		assert_int_equal(maildir_deliver_begin(b, &d, &err), -1);
		assert_int_equal(err.kind, ERR_IO);
		maildir_batch_free(b);
		free(whole);
		free(path);
		free(folder);
	}
	assert_int_equal(root_count(r, "../out"), 0);
	assert_int_equal(root_count(r, ".."), 2);
	free(outside);
	root_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_no_overwrite),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
