#include "maildir/layout.h"

#include "maildir_root.h"

static const struct layout fs;

static const struct {
	const char *folder, *path;	/* path NULL: refused */
} table[] = {
	{ "INBOX", "INBOX" },
	{ "lists/foo", "lists/foo" },
	{ "a b/c&d", "a b/c&d" },
	{ "Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe" },
	{ "", NULL },
	{ "/", NULL },
	{ "/a", NULL },
	{ "a/", NULL },
	{ "a//b", NULL },
	{ ".", "%2E" },
	{ "..", "%2E." },
	{ "../../etc", "%2E./%2E./etc" },
	{ "a/../b", "a/%2E./b" },
	{ ".mailtern", "%2Emailtern" },
	{ "a.b", "a.b" },
	{ "a.", "a." },
	{ "cur", "%63ur" },
	{ "new", "%6Eew" },
	{ "tmp", "%74mp" },
	{ "Cur", "%43ur" },
	{ "NEW", "%4EEW" },
	{ "x/tmp/y", "x/%74mp/y" },
	{ "curs", "curs" },
	{ "a\nb", "a%0Ab" },
	{ "a\x01\x1f\x7f", "a%01%1F%7F" },
	{ "\x1b]0;x", "%1B]0;x" },
	{ "100%", "100%" },
	{ "%", "%" },
	{ "%%", "%%" },
	{ "%4", "%4" },
	{ "%41", "%2541" },
	{ "%zz", "%zz" },
	{ "%2F", "%2F" },
	{ "a%2Fb", "a%2Fb" },
	{ "a%2fb", "a%252fb" },
	{ "a%252Fb", "a%25252Fb" },
	{ "%2Ecur", "%252Ecur" },
	{ "-rf", "-rf" },
	{ "~root", "~root" },
	{ "`touch x`;$(y)", "`touch x`;$(y)" },
	{ "\xff\xfe", "\xff\xfe" },
	{ "e\xcc\x81", "e\xcc\x81" },		/* NFD and NFC twins */
	{ "\xc3\xa9", "\xc3\xa9" },
	{ "x%~0123456789abcdef", "x%25~0123456789abcdef" },
	{ "x%~0123456789abcdeg", "x%~0123456789abcdeg" },
	{ "x%~0123456789abcdef0", "x%~0123456789abcdef0" },
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char *path = maildir_path_encode(&fs, table[i].folder), *back;

		if (table[i].path == NULL) {
			assert_null(path);
			continue;
		}
		assert_string_equal(path, table[i].path);
		back = maildir_path_decode(&fs, path);
		assert_non_null(back);
		assert_string_equal(back, table[i].folder);
		free(back);
		free(path);
	}
}

/* What encoding would never have produced. */
static const char *const foreign[] = {
	"", "/", "a//b", "/a", "a/", ".", "..", ".x", "a/.x", "cur", "a/new",
	"tmp/b", "NEW", "%41", "a%2eb", "%2e", "%00", "a%00b", "%7f", "\n",
	"%2Ea%20b", "x%~0123456789abcdef", "%25", "a%25zz",
};

static void
test_foreign(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		char *folder = maildir_path_decode(&fs, foreign[i]);

		if (folder != NULL)
			fail_msg("%s was decoded", foreign[i]);
	}
}

/* Long names are cut at a character or an escape, and stay different. */
static const struct {
	const char *unit, *encoded;
} long_table[] = {
	{ "x", "x" },
	{ "\xc3\xa9", "\xc3\xa9" },
	{ "\xe2\x82\xac", "\xe2\x82\xac" },
	{ "\xf0\x9f\x90\xa6", "\xf0\x9f\x90\xa6" },
	{ "\x01", "%01" },
	{ "%2F", "%2F" },
	{ "%41", "%2541" },
};

static char *
encode_long(const char *unit, const char *end)
{
	char name[320] = "", *path;

	while (strlen(name) + strlen(unit) < 300)
		memcpy(name + strlen(name), unit, strlen(unit) + 1);
	memcpy(name + strlen(name), end, strlen(end) + 1);
	path = maildir_path_encode(&fs, name);
	assert_non_null(path);
	return path;
}

static void
test_long(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(long_table) / sizeof(*long_table);
	    i++) {
		const char *encoded = long_table[i].encoded, *p;
		char *a = encode_long(long_table[i].unit, "A");
		char *b = encode_long(long_table[i].unit, "B");
		char *again = encode_long(long_table[i].unit, "A");

		assert_string_equal(a, again);
		assert_string_not_equal(a, b);
		assert_true(strlen(a) <= 255 && strlen(a) > 249);
		assert_null(maildir_path_decode(&fs, a));
		for (p = a; strncmp(p, encoded, strlen(encoded)) == 0; )
			p += strlen(encoded);
		assert_memory_equal(p, "%~", 2);
		assert_int_equal(strspn(p + 2, "0123456789abcdef"), 16);
		assert_int_equal(p[18], '\0');
		free(a);
		free(b);
		free(again);
	}
}

#define GENERATED	10000
#define LONG_PIECE \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static uint32_t
next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* Names out of the pieces that make trouble. */
static char *
generate(uint32_t *seed)
{
	static const char *const piece[] = {
		"cur", "new", "tmp", "CUR", ".", "..", "/", "%", "%2", "2F",
		"%2F", "%25", "%~", "0123456789abcdef", "a", "b", "\xc3\xa9",
		"\xff", "\n", "\x7f", "\x01", "-", "~", " ", "\\", ":", "E",
		LONG_PIECE,
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
	char *folder, *path;
};

static int
compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int r = strcmp(x->path, y->path);

	return r != 0 ? r : strcmp(x->folder, y->folder);
}

static void
check_path(const char *path)
{
	for (const char *p = path; ; p++) {
		size_t n = strcspn(p, "/");
		char part[256] = "";

		assert_true(n > 0 && n <= 255);
		memcpy(part, p, n);
		assert_true(part[0] != '.');
		assert_true(strcasecmp(part, "cur") != 0 &&
		    strcasecmp(part, "new") != 0 &&
		    strcasecmp(part, "tmp") != 0);
		for (size_t i = 0; i < n; i++)
			assert_true((unsigned char)part[i] >= 0x20 &&
			    part[i] != 0x7f);
		p += n;
		if (*p == '\0')
			return;
	}
}

static void
test_generated(void **state)
{
	struct pair *pair = xcalloc(GENERATED, sizeof(*pair));
	uint32_t seed = 20240229;
	size_t n = 0, cut = 0;

	(void)state;
	while (n < GENERATED) {
		char *folder = generate(&seed), *back;
		char *path = maildir_path_encode(&fs, folder);

		if (path == NULL) {
			assert_true(folder[0] == '/' ||
			    folder[strlen(folder) - 1] == '/' ||
			    strstr(folder, "//") != NULL);
			free(folder);
			continue;
		}
		check_path(path);
		back = maildir_path_decode(&fs, path);
		if (back == NULL)
			cut++;
		else
			assert_string_equal(back, folder);
		free(back);
		pair[n++] = (struct pair){ folder, path };
	}
	qsort(pair, n, sizeof(*pair), compare_pairs);
	for (size_t i = 1; i < n; i++)
		if (strcmp(pair[i].path, pair[i - 1].path) == 0)
			assert_string_equal(pair[i].folder,
			    pair[i - 1].folder);
	assert_true(cut > 0 && cut < n / 4);
	for (size_t i = 0; i < n; i++) {
		free(pair[i].folder);
		free(pair[i].path);
	}
	free(pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_generated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
