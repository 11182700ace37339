/*
 * A first run over a Maildir that was there (design section 5, "Roots and
 * folders"): where it may be a mistake all is paired and nothing is done.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow.h"

static const struct sync_options adopt = { .adopt = true };
static const struct sync_options dry_adopt = {
	.adopt = true, .dry_run = true
};
static const struct sync_options dry = { .dry_run = true };

#define SERVER \
	"server add INBOX a S\nserver add INBOX b~9000 S\nserver add Work c S\n"
#define FILES "disk add INBOX a S\ndisk add INBOX b~9000 S\n"

/* An empty file, or a directory where path ends in '/'. */
static void
put(struct world *w, const char *path)
{
	char *all = xasprintf("%s/%s", w->root, path), *p;
	int fd;

	for (p = all + strlen(w->root) + 1; (p = strchr(p, '/')) != NULL;
	    p++) {
		*p = '\0';
		(void)mkdir(all, 0700);
		*p = '/';
	}
	if (path[strlen(path) - 1] != '/') {
		fd = open(all, O_WRONLY | O_CREAT, 0600);
		assert_int_not_equal(fd, -1);
		close(fd);
	}
	free(all);
}

static void
put_maildir(struct world *w, const char *path)
{
	static const char *const part[] = { "cur/", "new/", "tmp/" };

	for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
		char *sub = xasprintf("%s/%s", path, part[i]);

		put(w, sub);
		free(sub);
	}
}

/* Nothing changed but what is known. */
static void
is_held(struct world *w, const struct sync_options *opt, const char *item)
{
	char *disk;

	imapd_count(w->d);
	disk = xstrdup(world_disk(w));
	assert_int_equal(world_sync(w, opt, NULL), 1);
	world_is(w, "told", buf_str(&w->told.ops), "");
	world_is(w, "items", buf_str(&w->told.items), item);
	world_is(w, "the disk", world_disk(w), disk);
	world_changed_nothing(w);
	free(disk);
}

#define HELD(what, both, here) \
	"the Maildir DIR/mail " what ": " both " of its messages are on the " \
	"server, too, " here " are not. Nothing is carried out before it is " \
	"said that this is meant: run import, to go on where mbsync or " \
	"OfflineIMAP ended; or see sync -n --adopt, then run sync --adopt\n"

static const struct {
	const char *file, *maildir, *item;
} traces[] = {
	{ "INBOX/.mbsyncstate", NULL,
	    HELD("was filled by mbsync (INBOX/.mbsyncstate)", "2", "1") },
	{ "Work/.mbsyncstate.journal", NULL, HELD("was filled by mbsync "
	    "(Work/.mbsyncstate.journal)", "2", "1") },
	{ "INBOX/.uidvalidity", NULL, HELD("was filled by another program "
	    "(INBOX/.uidvalidity)", "2", "1") },
	{ "INBOX/tmp/1_0.1.h,U=5,FMD5=7e33429f656f1e6e9d79b29c3f82c57e:2,S",
	    NULL, "" },
	{ NULL, ".Work", HELD("is laid out otherwise than here (.Work)", "2",
	    "1") },
	{ NULL, "INBOX/.Work", HELD("is laid out otherwise than here "
	    "(INBOX/.Work)", "2", "1") },
	{ NULL, "lists.foo", HELD("is laid out otherwise than here "
	    "(lists.foo)", "2", "1") },
	{ "INBOX/.isyncuidmap.db", ".Work", HELD("was filled by mbsync "
	    "(INBOX/.isyncuidmap.db) and is laid out otherwise than here "
	    "(.Work)", "2", "1") },
};

static void
left_by_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
		struct world *w = world_new(IMAPD_FULL);

		world_do(w, SERVER "server add lists/foo d S\n" FILES
		    "disk add INBOX e S\n");
		if (traces[i].file != NULL)
			put(w, traces[i].file);
		if (traces[i].maildir != NULL)
			put_maildir(w, traces[i].maildir);
		if (*traces[i].item == '\0') {
			world_sync_well(w);
			world_free(w);
			continue;
		}
		is_held(w, &dry, traces[i].item);
		is_held(w, NULL, traces[i].item);
		is_held(w, NULL, traces[i].item);
		world_free(w);
	}
}

/* OfflineIMAP keeps its state elsewhere, but names its files. */
static void
left_by_offlineimap(void **state)
{
	static const char name[] = "1_0.1.h,U=5,"
	    "FMD5=7e33429f656f1e6e9d79b29c3f82c57e:2,S";
	struct world *w = world_new(IMAPD_FULL);
	size_t n;
	char *text = message_text("a", &n);

	(void)state;
	world_do(w, "server add INBOX a S\n");
	world_put(w, "INBOX", name, text, n);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	assert_non_null(strstr(buf_str(&w->told.items), "was filled by "
	    "OfflineIMAP (INBOX/cur/1_0.1.h,U=5,FMD5="));
	assert_int_equal(world_sync(w, &adopt, NULL), 0);
	assert_int_equal(w->told.result.pushed.new +
	    w->told.result.pulled.new, 0);
	world_is_idle(w, 0);
	free(text);
	world_free(w);
}

/* A dry run tells both ways and forgets nothing; then it is carried out, and
 * never asked again. */
static void
adopted_then(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, SERVER FILES "disk add INBOX e S\n");
	put(w, "INBOX/.mbsyncstate");
	is_held(w, NULL, traces[0].item);
	for (int i = 0; i < 2; i++) {
		imapd_count(w->d);
		assert_int_equal(world_sync(w, &dry_adopt, NULL), 0);
		world_is(w, "told", buf_str(&w->told.ops),
		    "make-local Work\npull Work c\npush INBOX e\n");
		world_changed_nothing(w);
	}
	is_held(w, NULL, traces[0].item);
	assert_int_equal(world_sync(w, &adopt, NULL), 0);
	world_is(w, "told", buf_str(&w->told.ops),
	    "make-local Work\npull Work c\npush INBOX e\n");
	world_is_in_sync(w, "INBOX: a(S) b~9000(S) e(S)\nWork: c(S)\n");
	world_is(w, "items", world_items(w), "");
	world_is_idle(w, 0);
	world_do(w, "disk add INBOX f S\n");
	world_sync_well(w);
	world_free(w);
}

/* What was allowed stays so when the line is lost. */
static void
cut_off(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, SERVER FILES "disk add INBOX e S\n");
	put(w, "INBOX/.mbsyncstate");
	imapd_count(w->d);
	w->d->cut_command = 4;
	w->d->cut_all = true;
	assert_int_equal(world_sync(w, &adopt, NULL), 75);
	imapd_count(w->d);
	w->d->down = false;
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b~9000(S) e(S)\nWork: c(S)\n");
	world_free(w);
}

/* A directory that is called as the server calls the folder, and one that has
 * dots between its levels: named, and then the folder's own. */
static void
spelled_otherwise(void **state)
{
	static const struct {
		const char *raw, *path, *ours;
	} of[] = {
		{ "&ZeVnLIqe-", "&ZeVnLIqe-",
		    "\346\227\245\346\234\254\350\252\236" },
		{ "lists/foo", "lists.foo", "lists" },
		{ "a/&ZeVnLIqe-", "a.&ZeVnLIqe-", "a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		struct world *w = world_new(IMAPD_FULL);
		char *script = xasprintf("server add %s c S\ndisk add %s c S\n"
		    "disk make INBOX\n", of[i].raw, of[i].path);
		char *later = xasprintf("server add %s d S\n", of[i].raw);
		char *ours = xasprintf("%s/%s", w->root, of[i].ours);

		world_do(w, script);
		for (int k = 0; k < 2; k++) {
			assert_int_equal(world_sync(w, NULL, NULL), 1);
			world_is(w, "told", buf_str(&w->told.ops), "");
			assert_non_null(strstr(buf_str(&w->told.items),
			    of[i].path));
		}
		assert_int_equal(world_sync(w, &adopt, NULL), 0);
		world_is(w, "told", buf_str(&w->told.ops), "");
		world_do(w, later);
		world_sync_well(w);
		assert_non_null(strstr(world_disk(w), "c(S) d(S)\n"));
		assert_int_equal(access(ours, F_OK), -1);
		world_is_idle(w, 0);
		free(script);
		free(later);
		free(ours);
		world_free(w);
	}
}

/* As much as that is asked about in a merge, too. */
static void
much_in_a_merge(void **state)
{
	static const struct {
		const char *change;
		unsigned n;
		bool held;
	} of[] = {
		{ "index lose\n", 51, true }, { "index lose\n", 50, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		struct world *w = world_new(IMAPD_FULL);

		world_do(w, SERVER FILES);
		world_sync_well(w);
		world_do(w, of[i].change);
		world_do_many(w, "disk add INBOX m", of[i].n, " S");
		world_do(w, "server add INBOX f S\n");
		imapd_count(w->d);
		if (of[i].held) {
			assert_int_equal(world_sync(w, NULL, NULL), 1);
			world_is(w, "told", buf_str(&w->told.ops), "");
			world_changed_nothing(w);
			assert_int_equal(world_sync(w, &adopt, NULL), 0);
		} else {
			world_sync_well(w);
		}
		assert_int_equal(w->told.result.pushed.new, of[i].n);
		assert_int_equal(w->told.result.pulled.new, 1);
		world_is_idle(w, 0);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(left_by_others),
		cmocka_unit_test(left_by_offlineimap),
		cmocka_unit_test(adopted_then),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(spelled_otherwise),
		cmocka_unit_test(much_in_a_merge),
	};

	return FLOW_MAIN(tests);
}
