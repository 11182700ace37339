/* Messages put into the attic that have no file which could be moved there. */
#include "maildir_root.h"

#include "mail/fingerprint.h"
#include "maildir/attic.h"

#define NOON	1795435200	/* 2026-11-23 12:00 UTC */
#define WHERE	".mailtern/attic/tmp/2026-11-23/lists%2Ffoo"
#define PART	".mailtern/attic/tmp/part"
#define TEXT	"Subject: a\r\n\r\nbody\r\n"
#define OTHER	"Subject: b\r\n\r\nbody\r\n"

static const int64_t date = 1500000000;

static struct maildir_keeping
keeping_of(const char *file, const char *text, struct fingerprint *fp)
{
	struct fingerprinter *f = fingerprint_new();

	fingerprint_add(f, text, strlen(text));
	fingerprint_end(f, fp);
	return (struct maildir_keeping){ file, FORM_NOW, fp->content };
}

/* What keep said; the delivery is as it is then. */
static int
deliver(struct maildir_batch *b, const char *file, const char *text,
    struct err *err)
{
	struct maildir_delivery *d;
	struct maildir_keeping k;
	struct fingerprint fp, ignored;

	k = keeping_of(file, text, &fp);
	assert_ok(maildir_deliver_begin(b, &d, err), err);
	assert_ok(maildir_deliver_data(d, text, strlen(text), err), err);
	assert_ok(maildir_deliver_end(d, &ignored, err), err);
	return maildir_deliver_keep(d, &k, &date, err);
}

static void
is_there(struct root *r, const char *file, const char *text)
{
	char *path = xasprintf("%s/%s", WHERE, file), *data;
	struct stat st;
	size_t n;

	data = root_read(r, path, &n);
	assert_string_equal(data, text);
	assert_int_equal(fstatat(r->m.fd, path, &st, 0), 0);
	assert_int_equal(st.st_mtime, date);
	assert_int_equal(st.st_mode & 0777, 0600);
	free(data);
	free(path);
}

/* Nothing is to be seen before the commit; what was given up leaves nothing. */
static void
kept_by_a_commit(void **state)
{
	struct root *r = root_new();
	struct maildir_batch *b = maildir_batch_for_attic(&r->m, "lists/foo",
	    NOON);
	struct err err = { 0 };
	struct maildir_keeping k;
	struct fingerprint fp;

	(void)state;
	k = keeping_of("u1:2,S", TEXT, &fp);
	assert_int_equal(maildir_batch_keeps(b, &k, &err), 0);
	assert_ok(deliver(b, "u1:2,S", TEXT, &err), &err);
	assert_ok(deliver(b, "u2:2,FSa", OTHER, &err), &err);
	assert_int_equal(root_count(r, WHERE), 0);
	assert_int_equal(root_count(r, PART), 2);
	assert_ok(batch_commit(b, &err), &err);
	maildir_batch_free(b);
	is_there(r, "u1:2,S", "Subject: a\n\nbody\n");
	is_there(r, "u2:2,FSa", "Subject: b\n\nbody\n");
	assert_int_equal(root_count(r, PART), 0);

	b = maildir_batch_for_attic(&r->m, "lists/foo", NOON);
	assert_ok(deliver(b, "u3:2,", TEXT, &err), &err);
	maildir_batch_free(b);
	assert_int_equal(root_count(r, WHERE), 2);
	assert_int_equal(root_count(r, PART), 0);
	/* No folder was made for it. */
	assert_false(root_has(r, "lists"));
	root_free(r);
}

/* The same is there once; what is another's is never replaced. */
static void
name_that_is_there(void **state)
{
	struct root *r = root_new();
	struct maildir_batch *b = maildir_batch_for_attic(&r->m, "lists/foo",
	    NOON);
	struct err err = { 0 };
	struct maildir_keeping k;
	struct fingerprint fp;

	(void)state;
	assert_ok(deliver(b, "u1:2,S", TEXT, &err), &err);
	assert_ok(batch_commit(b, &err), &err);
	maildir_batch_free(b);

	b = maildir_batch_for_attic(&r->m, "lists/foo", NOON + 60);
	k = keeping_of("u1:2,S", TEXT, &fp);
	assert_int_equal(maildir_batch_keeps(b, &k, &err), 1);
	assert_ok(deliver(b, "u1:2,S", TEXT, &err), &err);
	assert_int_equal(root_count(r, PART), 0);
	k = keeping_of("u1:2,S", OTHER, &fp);
	assert_int_equal(maildir_batch_keeps(b, &k, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(deliver(b, "u1:2,S", OTHER, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.msg, "u1:2,S"));
	assert_ok(batch_commit(b, &err), &err);
	maildir_batch_free(b);
	is_there(r, "u1:2,S", "Subject: a\n\nbody\n");
	assert_int_equal(root_count(r, WHERE), 1);
	root_free(r);
}

static int
count_entry(void *arg, const struct maildir_attic_entry *e, struct err *err)
{
	(void)e;
	(void)err;
	++*(int *)arg;
	return 0;
}

/* A killed run leaves it there: it is no message of the attic, and goes when
 * the Maildir is locked again. */
static void
left_by_a_killed_run(void **state)
{
	struct root *r = root_new();
	struct maildir_batch *b = maildir_batch_for_attic(&r->m, "INBOX", NOON);
	int n = 0;
	const struct maildir_attic_visit visit = { &n, count_entry };
	struct maildir_found found;
	struct err err = { 0 };

	(void)state;
	assert_ok(deliver(b, "u1:2,S", TEXT, &err), &err);
	assert_int_equal(root_count(r, PART), 1);
	assert_ok(maildir_attic_list(&r->m, &visit, &err), &err);
	assert_int_equal(n, 0);
	maildir_close(&r->m);
	assert_ok(maildir_open(&r->m, r->path, &found, &err), &err);
	assert_ok(maildir_lock(&r->m, &err), &err);
	assert_false(root_has(r, PART));
	maildir_batch_free(b);
	root_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_by_a_commit),
		cmocka_unit_test(name_that_is_there),
		cmocka_unit_test(left_by_a_killed_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
