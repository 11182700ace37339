/* Layouts whose directories all lie in the root: their names, and the walk. */
#include "maildir/layout.h"

#include <strings.h>

#include "maildir/foreign.h"
#include "maildir_root.h"

#define GENERATED	20000
#define LONGEST		700

static const struct layout fs, flat = { false, '.' }, dotted = { true, '.' },
    lined = { true, '_' };
static const struct layout *const layouts[] = { &flat, &dotted, &lined };

#define N_LAYOUTS (sizeof(layouts) / sizeof(*layouts))

static const struct {
	const char *folder, *flat, *dotted, *lined;
} table[] = {
	{ "INBOX", "INBOX", ".", "." },
	{ "INBOX/foo", "INBOX.foo", ".INBOX.foo", ".INBOX_foo" },
	{ "foo", "foo", ".foo", ".foo" },
	{ "lists/foo", "lists.foo", ".lists.foo", ".lists_foo" },
	{ "a.b/c", "a%2Eb.c", ".a%2Eb.c", ".a.b_c" },
	{ "a_b/c", "a_b.c", ".a_b.c", ".a%5Fb_c" },
	{ "a%2Eb", "a%252Eb", ".a%252Eb", ".a%252Eb" },
	{ "a%5Fb", "a%255Fb", ".a%255Fb", ".a%255Fb" },
	{ ".a", "%2Ea", ".%2Ea", ".%2Ea" },
	{ "..", "%2E%2E", ".%2E%2E", ".%2E." },
	{ "a/.b", "a.%2Eb", ".a.%2Eb", ".a_%2Eb" },
	{ "a.", "a%2E", ".a%2E", ".a." },
	{ "_a_", "_a_", "._a_", ".%5Fa%5F" },
	{ "mailtern", "mailtern", ".%6Dailtern", ".%6Dailtern" },
	{ "MailTern", "MailTern", ".%4DailTern", ".%4DailTern" },
	{ "mailtern/x", "mailtern.x", ".mailtern.x", ".mailtern_x" },
	{ "cur", "%63ur", ".%63ur", ".%63ur" },
	{ "a/new", "a.%6Eew", ".a.%6Eew", ".a_%6Eew" },
	{ "a%2Fb", "a%2Fb", ".a%2Fb", ".a%2Fb" },
	{ "100%", "100%", ".100%", ".100%" },
	{ "Entw\xc3\xbcrfe/\xe5\x8f\xb0", "Entw\xc3\xbcrfe.\xe5\x8f\xb0",
	    ".Entw\xc3\xbcrfe.\xe5\x8f\xb0", ".Entw\xc3\xbcrfe_\xe5\x8f\xb0" },
	{ "x%~0123456789abcdef/y", "x%25~0123456789abcdef.y",
	    ".x%25~0123456789abcdef.y", ".x%25~0123456789abcdef_y" },
};

static void
check_folder(const struct layout *l, const char *folder, const char *want)
{
	char *path = maildir_path_encode(l, folder);
	char *dir = layout_dir(l, path), *back = layout_path(l, dir), *again;

	assert_string_equal(dir, want);
	assert_non_null(back);
	assert_string_equal(back, path);
	again = maildir_path_decode(l, back);
	assert_non_null(again);
	assert_string_equal(again, folder);
	free(again);
	free(back);
	free(dir);
	free(path);
}

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		check_folder(&flat, table[i].folder, table[i].flat);
		check_folder(&dotted, table[i].folder, table[i].dotted);
		check_folder(&lined, table[i].folder, table[i].lined);
	}
}

/* Directories in which no folder lies: encoding would produce none. */
static const char *const none[] = {
	".INBOX", ".inbox", ".cur", ".a.new", ".tmp.b", "..", "..a", ".a.",
	".a..b", ".%6dailtern", ".%41", ".a%2eb", ".a.%2E.", "a", "INBOX", ".a/b", "./a",
	".mailtern",
};

static void
test_no_folders(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		char *path = layout_path(&dotted, none[i]);
		char *folder = path == NULL ? NULL :
		    maildir_path_decode(&dotted, path);

		if (folder != NULL)
			fail_msg("%s was taken for %s", none[i], folder);
		free(folder);
		free(path);
	}
	assert_null(layout_path(&flat, "a/b"));
	assert_null(layout_path(&flat, ".a"));
	assert_null(layout_path(&flat, "a."));
	assert_null(layout_dir(&dotted, "a%2Eb"));
	assert_null(layout_dir(&lined, "a%5Fb"));
}

static uint32_t
next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

#define PIECE	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_PIECE PIECE PIECE PIECE PIECE

/* Names out of the pieces that make trouble. */
static char *
generate(uint32_t *seed)
{
	static const char *const piece[] = {
		"cur", "new", "INBOX", "inbox", ".", "..", "_", "/", "/", "%",
		"%2", "2E", "%2E", "%2F", "%5F", "%25", "%~", "mailtern", "%6D",
		"0123456789abcdef", "a", "b", "\xc3\xa9", "\xff", "\x7f", "5F",
		"\xf0\x9f\x90\xa6", LONG_PIECE,
	};
	size_t n = sizeof(piece) / sizeof(*piece);
	char name[1000];
	size_t len = 0;

	for (uint32_t i = next_random(seed) % 9 + 1; i > 0; i--) {
		const char *p = piece[next_random(seed) % n];

		memcpy(name + len, p, strlen(p) + 1);
		len += strlen(p);
	}
	return xstrdup(name);
}

struct pair {
	char *folder, *dir;
};

static int
compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int r = strcmp(x->dir, y->dir);

	return r != 0 ? r : strcmp(x->folder, y->folder);
}

/* One name in the root; back again, but for what was cut. NULL: no name. */
static char *
check_dir(const struct layout *l, const char *folder)
{
	char *path = maildir_path_encode(l, folder), *dir, *back, *again;

	if (path == NULL)
		return NULL;
	dir = layout_dir(l, path);
	assert_non_null(dir);
	assert_true(strlen(dir) <= 255 && strchr(dir, '/') == NULL);
	assert_true((dir[0] == '.') == l->dotted);
	assert_true(strcasecmp(dir, ".mailtern") != 0 &&
	    strcmp(dir, "..") != 0);
	back = layout_path(l, dir);
	assert_non_null(back);
	again = maildir_path_decode(l, back);
	if (strcmp(dir, ".") != 0) {
		assert_string_equal(back, path);
		if (again != NULL)
			assert_string_equal(again, folder);
		else
			assert_non_null(strstr(dir, "%~"));
	}
	free(again);
	free(back);
	free(path);
	return dir;
}

static void
check_generated(const struct layout *l)
{
	struct pair *pair = xcalloc(GENERATED, sizeof(*pair));
	uint32_t seed = 20261201;
	size_t n = 0, cut = 0;

	while (n < GENERATED) {
		char *folder = generate(&seed), *dir = check_dir(l, folder);

		if (dir == NULL || strcmp(dir, ".") == 0) {
			free(dir);
			free(folder);
			continue;
		}
		cut += strlen(dir) > 230;
		pair[n++] = (struct pair){ folder, dir };
	}
	assert_true(cut > 100);
	qsort(pair, n, sizeof(*pair), compare_pairs);
	for (size_t i = 1; i < n; i++)
		if (strcmp(pair[i].dir, pair[i - 1].dir) == 0)
			assert_string_equal(pair[i].folder,
			    pair[i - 1].folder);
	for (size_t i = 0; i < n; i++) {
		free(pair[i].folder);
		free(pair[i].dir);
	}
	free(pair);
}

static void
test_generated(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_LAYOUTS; i++)
		check_generated(layouts[i]);
}

/* Units of all kinds, cut at every octet: never within a character or an
 * escape, and no two alike. */
static void
test_long(void **state)
{
	static const char *const unit[] = { "x", "\xc3\xa9", "\xe2\x82\xac",
	    "\xf0\x9f\x90\xa6", "\x01", "%2F", "%41", ".", "_", "a/", "b.c/" };
	char name[LONGEST + 20], *last, *dir;

	(void)state;
	for (size_t k = 0; k < N_LAYOUTS; k++)
		for (size_t u = 0; u < sizeof(unit) / sizeof(*unit); u++) {
			size_t len = 0;

			last = xstrdup("");
			for (name[len++] = 'n'; len < LONGEST;
			    len += strlen(unit[u])) {
				memcpy(name + len - 1, unit[u],
				    strlen(unit[u]) + 1);
				memcpy(name + strlen(name), "end", 4);
				dir = check_dir(layouts[k], name);
				assert_non_null(dir);
				assert_string_not_equal(dir, last);
				free(last);
				last = dir;
			}
			free(last);
		}
}

/* Another directory for a second folder, as long as it may be. */
static void
test_apart(void **state)
{
	(void)state;
	for (size_t len = 1; len < LONGEST; len++) {
		char name[LONGEST + 1], *path, *dir, *first;

		memset(name, 'w', len);
		name[len] = '\0';
		for (size_t k = 0; k < N_LAYOUTS; k++) {
			path = maildir_path_apart(layouts[k], name);
			dir = layout_dir(layouts[k], path);
			assert_non_null(dir);
			assert_true(strlen(dir) <= 255);
			first = maildir_path_encode(layouts[k], name);
			assert_string_not_equal(first, path);
			free(first);
			free(dir);
			free(path);
		}
		path = maildir_path_apart(&fs, name);
		assert_true(strlen(path) <= 255);
		free(path);
	}
}

static void
test_separators(void **state)
{
	unsigned n = 0;

	(void)state;
	for (int c = 0; c < 256; c++)
		n += layout_may_separate((char)c);
	assert_int_equal(n, strlen("!\"#$&'()*+,-.;<=>?@[\\]^_`{|}"));
	for (const char *p = "/%:~aZ0 \n\x7f\xff"; *p != '\0'; p++)
		assert_false(layout_may_separate(*p));
	assert_false(layout_may_separate('\0'));
}

/* --- on disk --- */

static struct root *
root_of(const struct layout *l)
{
	struct root *r = root_new();

	r->m.layout = *l;
	return r;
}

static void
maildir_at(const struct root *r, const char *dir)
{
	static const char *const part[] = { "cur", "new", "tmp" };

	if (strcmp(dir, ".") != 0)
		root_mkdir(r, dir);
	for (int i = 0; i < 3; i++) {
		char *sub = xasprintf("%s/%s", dir, part[i]);

		root_mkdir(r, sub);
		free(sub);
	}
}

static void
check_walk(struct root *r, const char *want)
{
	char found[1000] = "";
	struct maildir_folder *f;
	struct err err = { 0 };
	size_t n;

	assert_ok(maildir_folders(&r->m, &f, &n, &err), &err);
	for (size_t i = 0; i < n; i++) {
		strcat(found, i > 0 ? " " : "");
		strcat(found, f[i].path);
		strcat(found, f[i].stray ? "!" : f[i].broken ? "?" : "");
	}
	assert_string_equal(found, want);
	maildir_folders_free(f, n);
}

static void
test_walk(void **state)
{
	struct root *r = root_of(&dotted);

	(void)state;
	check_walk(r, "");
	maildir_at(r, ".");
	maildir_at(r, ".a");
	maildir_at(r, ".a.b");
	maildir_at(r, ".INBOX.c");
	maildir_at(r, ".a/.inner");	/* one level deep only */
	maildir_at(r, ".a/inner");
	root_mkdir(r, ".notmuch");	/* a dot, but no folder */
	root_mkdir(r, ".notmuch/xapian");
	root_write(r, ".subscriptions", "", 0);
	root_mkdir(r, ".half");
	root_mkdir(r, ".half/new");
	maildir_at(r, ".mailtern/cur");
	maildir_at(r, ".a..b");
	maildir_at(r, ".INBOX");
	maildir_at(r, "plain");
	check_walk(r, ".INBOX! .a..b! INBOX INBOX/c a a/b half?");
	root_write(r, "plain/cur/1.x", "x", 1);
	check_walk(r, ".INBOX! .a..b! INBOX INBOX/c a a/b half? plain!");
	root_free(r);
}

static void
test_flat_walk(void **state)
{
	struct root *r = root_of(&flat);

	(void)state;
	maildir_at(r, "INBOX");
	maildir_at(r, "a.b");
	maildir_at(r, "a");
	maildir_at(r, "a/deeper");
	maildir_at(r, ".dot");
	root_write(r, ".dot/new/1.x", "x", 1);
	check_walk(r, ".dot! INBOX a a/b");
	root_free(r);
}

static void
test_folders(void **state)
{
	struct root *r = root_of(&dotted);
	struct maildir_making making[] = { { .path = "INBOX" },
	    { .path = "a" }, { .path = "a/b" } };
	enum maildir_there there;
	struct err err = { 0 };

	(void)state;
	assert_ok(maildir_folder_there(&r->m, "INBOX", &there, &err), &err);
	assert_int_equal(there, THERE_BARE);
	maildir_folders_create(&r->m, making, 3);
	for (int i = 0; i < 3; i++)
		assert_ok(making[i].result, &making[i].err);
	root_folder(r, "a/b/c");
	check_walk(r, "INBOX a a/b a/b/c");
	assert_true(root_has(r, "cur") && root_has(r, ".a.b.c/new"));
	assert_ok(maildir_folder_sync(&r->m, "INBOX", &err), &err);
	assert_ok(maildir_folder_sync(&r->m, "a/b", &err), &err);
	/* Each by itself: nothing lies in another one. */
	assert_ok(maildir_folder_rename(&r->m, "a/b", "z", &err), &err);
	check_walk(r, "INBOX a a/b/c z");
	assert_ok(maildir_folder_rename(&r->m, "z", "a/b/c/d", &err), &err);
	assert_ok(maildir_folder_remove(&r->m, "a", &err), &err);
	check_walk(r, "INBOX a/b/c a/b/c/d");
	assert_ok(maildir_folder_there(&r->m, "a", &there, &err), &err);
	assert_int_equal(there, THERE_GONE);
	/* The root stays. */
	assert_int_equal(maildir_folder_remove(&r->m, "INBOX", &err), -1);
	assert_int_equal(maildir_folder_rename(&r->m, "INBOX", "x", &err), -1);
	assert_int_equal(maildir_folder_rename(&r->m, "a/b/c", "INBOX", &err),
	    -1);
	check_walk(r, "INBOX a/b/c a/b/c/d");
	root_free(r);
}

static void
check_foreign(struct root *r, const char *want)
{
	struct maildir_foreign f;

	maildir_foreign_look(&r->m, &f);
	if (want == NULL)
		assert_null(f.otherwise);
	else
		assert_string_equal(f.otherwise, want);
	maildir_foreign_release(&f);
}

/* The same tree is laid out otherwise, or not. */
static void
test_foreign(void **state)
{
	struct root *r = root_of(&dotted);

	(void)state;
	maildir_at(r, ".");
	maildir_at(r, ".a.b");
	check_foreign(r, NULL);
	assert_false(maildir_root_is_folder(&r->m));
	r->m.layout = fs;
	check_foreign(r, ".a.b");
	assert_true(maildir_root_is_folder(&r->m));
	r->m.layout = dotted;
	maildir_at(r, "plain");
	check_foreign(r, "plain");
	root_free(r);
	r = root_of(&flat);
	maildir_at(r, "a");
	check_foreign(r, NULL);
	maildir_at(r, "a/b");
	check_foreign(r, "a/b");
	r->m.layout = fs;
	check_foreign(r, NULL);
	root_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_folders),
		cmocka_unit_test(test_generated),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_separators),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_flat_walk),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
