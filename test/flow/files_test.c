/*
 * What lies in a folder's directories and is no message, or no usual one
 * (design section 4, rule 9): other separators, editors' leftovers, names that
 * are too long, things that are no plain files. None of it is passed over in
 * silence, and none of it stops anything else.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow.h"

#define LONG \
	"1700000001.M1P1.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static char *
in_inbox(struct world *w, const char *name)
{
	return xasprintf("%s/INBOX/%s", w->root, name);
}

/* A file of that name with the token's bytes; and date. */
static void
put(struct world *w, const char *sub, const char *name, const char *token)
{
	char *at = xasprintf("%s/%s", sub, name), *path = in_inbox(w, at);
	struct timespec date = { .tv_sec = message_date(token) };
	size_t n;
	char *text = message_text(token, &n), *to = text;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	for (size_t i = 0; i < n; i++)
		if (text[i] != '\r')
			*to++ = text[i];
	n = (size_t)(to - text);
	assert_int_equal(write(fd, text, n), n);
	assert_int_equal(futimens(fd, (struct timespec[2]){ date, date }), 0);
	close(fd);
	free(text);
	free(path);
	free(at);
}

static void
rename_in_inbox(struct world *w, const char *from, const char *to)
{
	char *a = in_inbox(w, from), *b = in_inbox(w, to);

	assert_int_equal(rename(a, b), 0);
	free(a);
	free(b);
}

static bool
is_there(struct world *w, const char *name)
{
	char *path = in_inbox(w, name);
	struct stat st;
	bool there = lstat(path, &st) == 0;

	free(path);
	return there;
}

static struct world *
world_with_inbox(void)
{
	struct world *w = world_new(IMAPD_FULL);

	world_sync_well(w);
	return w;
}

/* --- names --- */

static void
separators(void **state)
{
	struct world *w = world_with_inbox();

	(void)state;
	put(w, "cur", "1.h;2,FS", "a");
	put(w, "cur", "2.h!2,S", "b");
	put(w, "new", "3.h;2,x", "c");
	world_sync_well(w);
	world_is(w, "the server", world_server(w), "INBOX: a(FS) b(S) c\n");
	world_do(w, "server flag INBOX a RS\nserver flag INBOX b\n");
	world_sync_well(w);
	assert_true(is_there(w, "cur/1.h;2,RS"));
	assert_true(is_there(w, "cur/2.h!2,"));
	world_is_idle(w, 0);
	world_free(w);
}

/* Who has no unique part gets one, with what its letters say. */
static void
nameless(void **state)
{
	struct world *w = world_with_inbox();

	(void)state;
	put(w, "cur", ":2,S", "a");
	put(w, "new", ":2,", "b");
	put(w, "cur", ";2,F", "c");
	world_sync_well(w);
	world_is(w, "the server", world_server(w), "INBOX: a(S) b c(F)\n");
	assert_false(is_there(w, "cur/:2,S"));
	world_is_idle(w, 0);
	world_free(w);
}

/* The same unique part in both directories, and with another separator. */
static void
one_unique_part(void **state)
{
	struct world *w = world_with_inbox();

	(void)state;
	put(w, "cur", "1.h:2,S", "a");
	put(w, "new", "1.h", "b");
	put(w, "cur", "1.h;2,F", "c");
	world_sync_well(w);
	world_is(w, "the server", world_server(w), "INBOX: a(S) b c(F)\n");
	world_is_idle(w, 0);
	world_free(w);
}

static void
no_room_for_a_flag(void **state)
{
	struct world *w = world_with_inbox();

	(void)state;
	put(w, "new", LONG "xx", "a");
	put(w, "cur", LONG ":2,", "b");
	put(w, "cur", "2.h:2,", "c");
	world_sync_well(w);
	world_do(w, "server flag INBOX a S\nserver flag INBOX b FRS\n"
	    "server flag INBOX c S\nserver add INBOX d S\n");
	world_sync_well(w);
	world_is(w, "told", buf_str(&w->told.ops), "flag-local INBOX a +\\Seen\n"
	    "flag-local INBOX b +\\Flagged +\\Answered +\\Seen\n"
	    "flag-local INBOX c +\\Seen\npull INBOX d\n");
	world_is_idle(w, 0);
	world_do(w, "server flag INBOX a\nserver remove INBOX b\n");
	world_sync_well(w);
	world_is_idle(w, 0);
	world_free(w);
}

/* --- what editors leave --- */

static void
leftovers(void **state)
{
	static const char *const name[] = {
		"cur/1.h:2,S~", "cur/#1.h:2,S#", "new/2.h~", "cur/3.h:2,~",
		"cur/.1.h:2,S.swp", "cur/1.h~:2,S~",
	};
	struct world *w = world_with_inbox();

	(void)state;
	put(w, "cur", "1.h:2,S", "a");
	world_sync_well(w);
	for (size_t i = 0; i < ARRAY_SIZE(name); i++)
		put(w, ".", name[i], "b");
	world_sync_well(w);
	world_is(w, "the server", world_server(w), "INBOX: a(S)\n");
	for (size_t i = 0; i < ARRAY_SIZE(name); i++)
		assert_true(is_there(w, name[i]));
	world_is_idle(w, 0);
	world_free(w);
}

/* An editor that renames before it writes was met in between. */
static void
put_aside(void **state)
{
	static const char *const name[] = {
		"cur/1.h:2,S~", "cur/#1.h:2,S#", "cur/.1.h:2,S.swp",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		struct world *w = world_with_inbox();

		put(w, "cur", "1.h:2,S", "a");
		world_sync_well(w);
		rename_in_inbox(w, "cur/1.h:2,S", name[i]);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "told", buf_str(&w->told.ops), "");
		world_is(w, "items", buf_str(&w->told.items), "INBOX: of 1 "
		    "message only what an editor left is there (NAME~, #NAME#); "
		    "put it in its place, or take it away if the message is "
		    "to be deleted\n");
		world_is_idle(w, 1);
		world_is(w, "the server", world_server(w), "INBOX: a(S)\n");
		rename_in_inbox(w, name[i], "cur/1.h:2,S");
		world_sync_well(w);
		world_is_idle(w, 0);
		world_do(w, "disk remove INBOX a\n");
		world_sync_well(w);
		world_is(w, "the server", world_server(w), "INBOX:\n");
		world_free(w);
	}
}

/* What is known by such a unique part stays a message. */
static void
known_before(void **state)
{
	struct world *w = world_with_inbox();

	(void)state;
	put(w, "cur", "1.h~:2,S", "a");
	world_sync_well(w);
	world_is(w, "the server", world_server(w), "INBOX: a(S)\n");
	rename_in_inbox(w, "cur/1.h~:2,S", "new/1.h~");
	world_sync_well(w);
	world_is(w, "told", buf_str(&w->told.ops),
	    "flag-remote INBOX a -\\Seen\n");
	world_is_idle(w, 0);
	world_do(w, "disk remove INBOX a\n");
	world_sync_well(w);
	world_is(w, "the server", world_server(w), "INBOX:\n");
	world_free(w);
}

/* --- no plain files --- */

static void
make_link(struct world *w, const char *path)
{
	(void)w;
	assert_int_equal(symlink("/etc/passwd", path), 0);
}

static void
make_dangling(struct world *w, const char *path)
{
	(void)w;
	assert_int_equal(symlink("nowhere", path), 0);
}

static void
make_fifo(struct world *w, const char *path)
{
	(void)w;
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void
make_directory(struct world *w, const char *path)
{
	(void)w;
	assert_int_equal(mkdir(path, 0700), 0);
}

static void (*const odd[])(struct world *, const char *) = {
	make_link, make_dangling, make_fifo, make_directory,
};

#define ODD_ITEM(name, more) \
	"INBOX: " name " is no plain file" more ", so it is not synchronised; " \
	"put the message itself in its place, or take it away\n"

static void
odd_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		struct world *w = world_with_inbox();
		char *path = in_inbox(w, "cur/9.h:2,S");

		put(w, "cur", "1.h:2,S", "a");
		odd[i](w, path);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "told", buf_str(&w->told.ops), "push INBOX a\n");
		world_is(w, "items", buf_str(&w->told.items),
		    ODD_ITEM("cur/9.h:2,S", ""));
		world_is_idle(w, 1);
		assert_int_equal(remove(path), 0);
		world_sync_well(w);
		world_is(w, "items", world_items(w), "");
		free(path);
		world_free(w);
	}
}

/* Something else has taken a known message's place: nobody deleted that. */
static void
in_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		struct world *w = world_with_inbox();
		char *path = in_inbox(w, "cur/1.h:2,S");

		put(w, "cur", "1.h:2,S", "a");
		put(w, "cur", "2.h:2,S", "b");
		world_sync_well(w);
		rename_in_inbox(w, "cur/1.h:2,S", "kept");
		odd[i](w, path);
		for (int k = 0; k < 3; k++) {
			assert_int_equal(world_sync(w, NULL, NULL), 1);
			world_is(w, "told", buf_str(&w->told.ops), "");
			world_is(w, "items", buf_str(&w->told.items),
			    ODD_ITEM("cur/1.h:2,S", ""));
		}
		world_is(w, "the server", world_server(w),
		    "INBOX: a(S) b(S)\n");
		assert_int_equal(remove(path), 0);
		rename_in_inbox(w, "kept", "cur/1.h:2,S");
		world_sync_well(w);
		world_is_idle(w, 0);
		free(path);
		world_free(w);
	}
}

static void
several_odd(void **state)
{
	struct world *w = world_with_inbox();
	char *a = in_inbox(w, "cur/sub"), *b = in_inbox(w, "new/2.h");
	char *c = in_inbox(w, "cur/.hidden");

	(void)state;
	make_directory(w, a);
	make_fifo(w, b);
	make_directory(w, c);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "items", buf_str(&w->told.items),
	    ODD_ITEM("cur/sub", " (and 1 more like it)"));
	free(a);
	free(b);
	free(c);
	world_free(w);
}

/* What prunes empty directories took them; a new folder may lack them, too. */
static void
missing_directories(void **state)
{
	static const char *const lost[] = { "new", "tmp", "../x/new",
	    "../x/tmp" };
	struct world *w = world_with_inbox();

	(void)state;
	world_do(w, "server add x c S\n");
	world_sync_well(w);
	put(w, "cur", "1.h:2,S", "a");
	for (size_t i = 0; i < ARRAY_SIZE(lost); i++) {
		char *path = in_inbox(w, lost[i]);

		assert_int_equal(rmdir(path), 0);
		free(path);
	}
	world_do(w, "server add INBOX b\nserver remove x c\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b\nx:\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* An empty one is never uploaded, and named. */
static void
empty(void **state)
{
	struct world *w = world_with_inbox();
	char *path = in_inbox(w, "cur/1.h:2,S");

	(void)state;
	close(open(path, O_WRONLY | O_CREAT, 0600));
	put(w, "cur", "2.h:2,S", "b");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the server", world_server(w), "INBOX: b(S)\n");
	world_is(w, "items", buf_str(&w->told.items),
	    "INBOX: 1.h was not pushed: the file is empty\n");
	free(path);
	world_free(w);
}

/* A folder of Maildir++ that somebody put among ours. */
static void
dotted(void **state)
{
	static const char *const part[] = { "", "/cur", "/new", "/tmp" };
	struct world *w = world_with_inbox();
	char *file = xasprintf("%s/.Sent/cur/1.h:2,S", w->root);
	FILE *f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
		char *path = xasprintf("%s/.Sent%s", w->root, part[i]);

		assert_int_equal(mkdir(path, 0700), 0);
		free(path);
	}
	world_sync_well(w);
	f = fopen(file, "w");
	assert_non_null(f);
	fputs("Subject: x\n\ny\n", f);
	fclose(f);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "items", buf_str(&w->told.items), ".Sent: this directory "
	    "begins with a dot, so it is no folder here, and there is mail in "
	    "it; move that into a directory without the dot\n");
	assert_int_equal(unlink(file), 0);
	world_sync_well(w);
	world_is(w, "items", world_items(w), "");
	free(file);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(separators),
		cmocka_unit_test(nameless),
		cmocka_unit_test(one_unique_part),
		cmocka_unit_test(no_room_for_a_flag),
		cmocka_unit_test(leftovers),
		cmocka_unit_test(put_aside),
		cmocka_unit_test(known_before),
		cmocka_unit_test(odd_files),
		cmocka_unit_test(in_its_place),
		cmocka_unit_test(several_odd),
		cmocka_unit_test(missing_directories),
		cmocka_unit_test(empty),
		cmocka_unit_test(dotted),
	};

	return FLOW_MAIN(tests);
}
