/* The account and what is done to its two sides (world.h). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scheduler.h"
#include "world_int.h"

#define WORLDS_MOST 8

static struct world *worlds[WORLDS_MOST];

/* --- messages --- */

/* A date for each token, and the same one each time. */
int64_t
message_date(const char *token)
{
	uint32_t h = 2166136261u;

	for (; *token != '\0'; token++)
		h = (h ^ (unsigned char)*token) * 16777619u;
	return 1700000000 + h % 10000000;
}

char *
message_text(const char *token, size_t *n_out)
{
	const char *tilde = strchr(token, '~');
	size_t size = tilde == NULL ? 0 : strtoul(tilde + 1, NULL, 10);
	bool nameless = strchr(token, '^') != NULL;
	char *name = xstrndup(token, strcspn(token, "="));
	struct buf b;
	char *out;

	buf_init(&b, size + 4096);
	buf_addf(&b, "From: sender@example.org\r\n");
	if (!nameless)
		buf_addf(&b, "Message-ID: <%s@flow.example>\r\n"
		    "Date: Thu, 15 Jan 2026 10:00:00 +0000\r\n", name);
	buf_addf(&b, "Subject: about %s\r\nX-Tok: %s\r\n\r\nThis is %s.\r\n",
	    name, name, token);
	free(name);
	while (b.len < size)
		buf_addf(&b, "Line at %zu, and so on, and so on.\r\n", b.len);
	*n_out = b.len;
	out = xstrdup(buf_str(&b));
	buf_release(&b);
	return out;
}

static size_t
without_cr(char *text, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++)
		if (text[i] != '\r')
			text[to++] = text[i];
	return to;
}

char *
token_of(const char *data, size_t n, bool lf, int64_t date)
{
	const char *at = memmem(data, n, "\nThis is ", 9);
	const char *head = memmem(data, n, "\nX-Tok: ", 8);
	char *token, *text, *marked;
	size_t wanted;
	bool same;

	if (at == NULL && head == NULL)
		return xstrdup("?");
	at = at != NULL ? at + 9 : head + 8;	/* the body may be cut */
	token = xstrndup(at, strcspn(at, ".\r\n"));
	text = message_text(token, &wanted);
	if (lf)
		wanted = without_cr(text, wanted);
	same = wanted == n && memcmp(text, data, n) == 0;
	marked = xasprintf("%s%s%s", token, same ? "" : "?",
	    date == message_date(token) ? "" : "@");
	free(text);
	free(token);
	return marked;
}

static const struct {
	char letter;
	const char *word;
} letters[] = {
	{ 'D', "\\Draft" }, { 'F', "\\Flagged" }, { 'P', "$Forwarded" },
	{ 'R', "\\Answered" }, { 'S', "\\Seen" }, { 'T', "\\Deleted" },
};

char *
words_from_flags(const char *flags)
{
	char *all = xstrdup(""), *more;
	const char *word = "";
	char *one;

	while (*flags != '\0') {
		one = NULL;
		if (*flags == ',') {
			one = xstrndup(flags + 1, strcspn(flags + 1, ","));
			flags += 1 + strlen(one);
			word = one;
		} else {
			for (size_t i = 0; i < 6; i++)
				if (letters[i].letter == *flags)
					word = letters[i].word;
			flags++;
		}
		more = words_join(all, word);
		free(all);
		free(one);
		all = more;
	}
	return all;
}

char *
flags_from_words(const char *words)
{
	struct buf b;
	char *out;

	buf_init(&b, 4096);
	for (size_t i = 0; i < 6; i++)
		if (words_have(words, letters[i].word))
			buf_add(&b, &letters[i].letter, 1);
	while (*words != '\0') {
		size_t n = strcspn(words, " ");

		if (*words != '\\' && strncmp(words, "$Forwarded", n) != 0)
			buf_addf(&b, ",%.*s", (int)n, words);
		words += n + (words[n] == ' ');
	}
	out = xstrdup(buf_str(&b));
	buf_release(&b);
	return out;
}

/* --- the account --- */

static const char *
scratch(void)
{
	const char *dir = getenv("MAILTERN_TEST_DIR");

	if (dir != NULL)
		return dir;
	return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

struct world *
world_new(const char *caps)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct conf_account *c = &w->conf;
	size_t i = 0;

	snprintf(w->dir, sizeof(w->dir), "%s/flow-XXXXXX", scratch());
	assert_non_null(mkdtemp(w->dir));
	w->root = xasprintf("%s/mail", w->dir);
	w->state = xasprintf("%s/state", w->dir);
	w->d = imapd_new(caps);
	c->name = xstrdup("work");
	c->host = xstrdup("127.0.0.1");
	c->user = xstrdup("jane");
	c->password = xstrdup("secret");
	c->maildir = xstrdup(w->root);
	c->folders = xcalloc(1, sizeof(*c->folders));
	c->folders[0] = xstrdup("*");
	c->n_folders = 1;
	c->compress = CONF_COMPRESS_NO;
	c->timeout_s = 30;
	c->attic_days = 30;
	c->verify_s = 7 * 86400;
	buf_init(&w->told.ops, 1u << 20);
	buf_init(&w->told.notes, 1u << 20);
	buf_init(&w->told.items, 1u << 20);
	while (i < WORLDS_MOST && worlds[i] != NULL)
		i++;
	assert_true(i < WORLDS_MOST);
	return worlds[i] = w;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type == FTW_DNR)
		chmod(path, 0700);
	return remove(path);
}

void
remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void
known_release(struct world *w)
{
	struct known_message *k;

	for (size_t i = 0; i < KNOWN_BUCKETS; i++)
		while ((k = w->known[i]) != NULL) {
			w->known[i] = k->next;
			free(k->folder);
			free(k->unique);
			free(k->token);
			free(k);
		}
}

void
world_free(struct world *w)
{
	struct conf_account *c = &w->conf;

	for (size_t i = 0; i < WORLDS_MOST; i++)
		if (worlds[i] == w)
			worlds[i] = NULL;
	sched_skip_none();
	imapd_free(w->d);
	remove_tree(w->dir);
	known_release(w);
	buf_release(&w->told.ops);
	buf_release(&w->told.notes);
	buf_release(&w->told.items);
	free(c->name);
	free(c->host);
	free(c->user);
	free(c->password);
	free(c->maildir);
	for (size_t i = 0; i < c->n_folders; i++)
		free(c->folders[i]);
	free(c->folders);
	for (size_t i = 0; i < c->n_quirks; i++)
		free(c->quirks[i]);
	free(c->quirks);
	free(c->trash);
	free(w->root);
	free(w->state);
	free(w);
}

void
world_free_all(void)
{
	for (size_t i = 0; i < WORLDS_MOST; i++)
		if (worlds[i] != NULL) {
			remove_tree(worlds[i]->dir);
			worlds[i] = NULL;
		}
}

/* --- who is who --- */

static size_t
bucket(const char *folder, uint32_t uid, const char *unique)
{
	uint32_t h = 2166136261u ^ uid;

	for (; *folder != '\0'; folder++)
		h = (h ^ (unsigned char)*folder) * 16777619u;
	for (; uid == 0 && *unique != '\0'; unique++)
		h = (h ^ (unsigned char)*unique) * 16777619u;
	return (h ^ h >> 15) % KNOWN_BUCKETS;
}

static void
know(struct world *w, const char *folder, uint32_t uid, const char *unique,
    const char *token)
{
	struct known_message *k = xcalloc(1, sizeof(*k));
	size_t i = bucket(folder, uid, unique);

	k->folder = xstrdup(folder);
	k->uid = uid;
	k->unique = xstrdup(unique);
	k->token = xstrndup(token, strcspn(token, "?@"));
	k->next = w->known[i];
	w->known[i] = k;
}

static const char *
find_known(const struct world *w, const char *folder, uint32_t uid,
    const char *unique)
{
	const struct known_message *k = w->known[bucket(folder, uid, unique)];

	for (; k != NULL; k = k->next)
		if (k->uid == uid && strcmp(k->folder, folder) == 0 &&
		    (uid != 0 || strcmp(k->unique, unique) == 0))
			return k->token;
	return NULL;
}

/* Names are given once; a folder that is made anew counts from 1 again. */
const char *
world_token(const struct world *w, const char *folder, uint32_t uid,
    const char *unique)
{
	const char *token = unique == NULL ? NULL : find_known(w, folder, 0,
	    unique);

	return token != NULL || uid == 0 ? token : find_known(w, folder, uid,
	    NULL);
}

/* The same UID may stand for others, one after the other. */
static void
remember_message(struct world *w, const struct imapd_box *b,
    const struct imapd_message *m)
{
	char *token = token_of(m->data, m->size, false, m->date);
	const char *known = world_token(w, b->name, m->uid, NULL);

	if (known == NULL || strlen(known) != strcspn(token, "?@") ||
	    strncmp(known, token, strlen(known)) != 0)
		know(w, b->name, m->uid, NULL, token);
	free(token);
}

static void
remember_file(struct world *w, const struct disk_message *m)
{
	char *unique = file_unique(m->file), *dir, *token;

	if (find_known(w, m->folder, 0, unique) == NULL) {
		dir = xasprintf("%s/%s/%s", w->root, m->folder, m->in_new ?
		    "new" : "cur");
		token = file_token(dir, m->file);
		know(w, m->folder, 0, unique, token);
		free(token);
		free(dir);
	}
	free(unique);
}

void
world_remember(struct world *w)
{
	struct disk disk;

	for (size_t i = 0; i < w->d->n_box; i++) {
		const struct imapd_box *b = w->d->box[i];

		for (size_t k = 0; k < b->n; k++)
			remember_message(w, b, b->msg[k]);
	}
	disk_read(w, &disk, true);
	for (size_t i = 0; i < disk.n; i++)
		remember_file(w, &disk.msg[i]);
	disk_release(&disk);
}

/* --- changes on the server --- */

struct imapd_message *
world_message(struct world *w, const char *folder, const char *token)
{
	struct imapd_box *b = imapd_find_box(w->d, folder);

	for (size_t i = 0; b != NULL && i < b->n; i++) {
		char *is = token_of(b->msg[i]->data, b->msg[i]->size, false,
		    b->msg[i]->date);
		bool same = strncmp(is, token, strcspn(is, "?@")) == 0 &&
		    strcspn(is, "?@") == strlen(token);

		free(is);
		if (same)
			return b->msg[i];
	}
	fail_msg("there is no %s in %s on the server", token, folder);
	return NULL;
}

static struct imapd_box *
box_of(struct world *w, const char *folder)
{
	struct imapd_box *b = imapd_find_box(w->d, folder);

	return b != NULL ? b : imapd_make_box(w->d, folder);
}

static void
server_add(struct world *w, char **arg)
{
	size_t n;
	char *text = message_text(arg[1], &n), *words =
	    words_from_flags(arg[2]);

	imapd_add(box_of(w, arg[0]), words, message_date(arg[1]), text, n);
	free(words);
	free(text);
}

static void
server_flag(struct world *w, char **arg)
{
	struct imapd_message *m = world_message(w, arg[0], arg[1]);
	struct imapd_box *b = imapd_find_box(w->d, arg[0]);
	char *words = words_from_flags(arg[2]);
	char *less = words_less(m->flags, words);

	imapd_flag(b, m, false, less);
	imapd_flag(b, m, true, words);
	free(less);
	free(words);
}

static void
server_remove(struct world *w, char **arg)
{
	imapd_expunge(imapd_find_box(w->d, arg[0]), world_message(w, arg[0],
	    arg[1])->uid);
}

static void
server_copy(struct world *w, char **arg)
{
	const struct imapd_message *m = world_message(w, arg[0], arg[1]);

	imapd_add(box_of(w, arg[2]), m->flags, m->date, m->data, m->size);
}

static void
server_move(struct world *w, char **arg)
{
	server_copy(w, arg);
	server_remove(w, arg);
}

static void
server_make(struct world *w, char **arg)
{
	box_of(w, arg[0]);
}

static void
server_delete(struct world *w, char **arg)
{
	imapd_drop_box(w->d, imapd_find_box(w->d, arg[0]));
}

static void
server_rename(struct world *w, char **arg)
{
	imapd_rename_box(w->d, imapd_find_box(w->d, arg[0]), arg[1]);
}

static void
server_renumber(struct world *w, char **arg)
{
	imapd_renumber(w->d, imapd_find_box(w->d, arg[0]));
}

static void
server_readonly(struct world *w, char **arg)
{
	imapd_find_box(w->d, arg[0])->read_only = true;
}

static void
server_writable(struct world *w, char **arg)
{
	imapd_find_box(w->d, arg[0])->read_only = false;
}

/* Kept until the end of the process. */
static void
server_keeps(struct world *w, char **arg)
{
	static char kept[8][200];
	static unsigned n;
	char *at = kept[n++ % 8];

	snprintf(at, 200, "%s", arg[1]);
	for (char *p = at; *p != '\0'; p++)
		if (*p == ',')
			*p = ' ';
	imapd_find_box(w->d, arg[0])->permanent = at;
}

/* --- changes on disk --- */

static void
make_dirs(const struct world *w, const char *folder)
{
	static const char *const sub[] = { "cur", "new", "tmp" };
	char *path = xasprintf("%s/%s/cur", w->root, folder);

	for (char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		*p = '/';
	}
	free(path);
	for (size_t i = 0; i < 3; i++) {
		path = xasprintf("%s/%s/%s", w->root, folder, sub[i]);
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		free(path);
	}
}

static void
write_file(const char *path, const char *data, size_t n, int64_t date)
{
	struct timespec times[2] = { { .tv_sec = date }, { .tv_sec = date } };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	if (date != 0)
		assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

void
world_put(struct world *w, const char *folder, const char *name,
    const char *data, size_t n)
{
	char *path = xasprintf("%s/%s/cur/%s", w->root, folder, name);

	make_dirs(w, folder);
	write_file(path, data, n, 0);
	free(path);
}

/* arg[2] NULL: into new/. */
static void
disk_put(struct world *w, const char *folder, const char *token,
    const char *flags)
{
	size_t n;
	char *text = message_text(token, &n);
	char *path = xasprintf("%s/%s/%s/%u.%s.host%s%s", w->root, folder,
	    flags == NULL ? "new" : "cur", ++w->files, token, flags == NULL ?
	    "" : ":2,", flags == NULL ? "" : flags);

	make_dirs(w, folder);
	write_file(path, text, without_cr(text, n), message_date(token));
	*strrchr(path, flags == NULL ? '\0' : ':') = '\0';
	know(w, folder, 0, strrchr(path, '/') + 1, token);
	free(path);
	free(text);
}

static void
disk_add(struct world *w, char **arg)
{
	disk_put(w, arg[0], arg[1], arg[3] == NULL ? NULL : arg[2]);
}

static char *
find_file(struct world *w, const char *folder, const char *token, bool in_new)
{
	char *dir = xasprintf("%s/%s/%s", w->root, folder, in_new ? "new" :
	    "cur"), *path = NULL;
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d != NULL && path == NULL && (e = readdir(d)) != NULL) {
		char *unique = file_unique(e->d_name);
		const char *is = find_known(w, folder, 0, unique);

		if (is != NULL && strcmp(is, token) == 0)
			path = xasprintf("%s/%s", dir, e->d_name);
		free(unique);
	}
	if (d != NULL)
		closedir(d);
	free(dir);
	return path;
}

/* Those that came since they were looked at last are read. */
char *
world_file(struct world *w, const char *folder, const char *token)
{
	char *path = NULL;

	for (int i = 0; i < 2 && path == NULL; i++) {
		path = find_file(w, folder, token, false);
		if (path == NULL)
			path = find_file(w, folder, token, true);
		if (path == NULL)
			world_remember(w);
	}
	return path;
}

static char *
file_of(struct world *w, char **arg)
{
	char *path = world_file(w, arg[0], arg[1]);

	if (path == NULL)
		fail_msg("there is no %s in %s on disk", arg[1], arg[0]);
	return path;
}

static void
disk_flag(struct world *w, char **arg)
{
	char *path = file_of(w, arg), *unique = file_unique(strrchr(path,
	    '/') + 1), *to = xasprintf("%s/%s/cur/%s:2,%s", w->root, arg[0],
	    unique, arg[2]);

	assert_int_equal(rename(path, to), 0);
	free(to);
	free(unique);
	free(path);
}

static void
disk_remove(struct world *w, char **arg)
{
	char *path = file_of(w, arg);

	assert_int_equal(unlink(path), 0);
	free(path);
}

static void
disk_copy(struct world *w, char **arg)
{
	char *path = file_of(w, arg);

	disk_put(w, arg[2], arg[1], file_letters(strrchr(path, '/') + 1));
	free(path);
}

static void
disk_move(struct world *w, char **arg)
{
	char *path = file_of(w, arg), *to;

	make_dirs(w, arg[2]);
	to = xasprintf("%s/%s/cur/%s", w->root, arg[2], strrchr(path, '/') +
	    1);
	assert_int_equal(rename(path, to), 0);
	free(to);
	free(path);
}

static void
disk_edit(struct world *w, char **arg)
{
	char *path = file_of(w, arg), *unique;
	size_t n;
	char *text = message_text(arg[2], &n);

	write_file(path, text, without_cr(text, n), message_date(arg[2]));
	unique = file_unique(strrchr(path, '/') + 1);
	know(w, arg[0], 0, unique, arg[2]);
	free(unique);
	free(text);
	free(path);
}

static void
disk_make(struct world *w, char **arg)
{
	make_dirs(w, arg[0]);
}

/* With all that lies in it; INBOX and other folders are not below it. */
static void
disk_delete(struct world *w, char **arg)
{
	char *path = xasprintf("%s/%s", w->root, arg[0]);

	assert_int_equal(access(path, F_OK), 0);
	remove_tree(path);
	free(path);
}

static void
disk_rename(struct world *w, char **arg)
{
	char *from = xasprintf("%s/%s", w->root, arg[0]);
	char *to = xasprintf("%s/%s", w->root, arg[1]);

	assert_int_equal(rename(from, to), 0);
	free(from);
	free(to);
}

static void
index_lose(struct world *w, char **arg)
{
	(void)arg;
	remove_tree(w->state);
}

/* --- the script --- */

static const struct {
	const char *side, *verb;
	void (*run)(struct world *, char **arg);
	int least;		/* arguments */
} verbs[] = {
	{ "server", "add", server_add, 2 },
	{ "server", "flag", server_flag, 2 },
	{ "server", "remove", server_remove, 2 },
	{ "server", "copy", server_copy, 3 },
	{ "server", "move", server_move, 3 },
	{ "server", "make", server_make, 1 },
	{ "server", "delete", server_delete, 1 },
	{ "server", "rename", server_rename, 2 },
	{ "server", "renumber", server_renumber, 1 },
	{ "server", "readonly", server_readonly, 1 },
	{ "server", "writable", server_writable, 1 },
	{ "server", "keeps", server_keeps, 2 },
	{ "disk", "add", disk_add, 2 }, { "disk", "flag", disk_flag, 2 },
	{ "disk", "remove", disk_remove, 2 }, { "disk", "copy", disk_copy, 3 },
	{ "disk", "move", disk_move, 3 }, { "disk", "edit", disk_edit, 3 },
	{ "disk", "make", disk_make, 1 }, { "disk", "delete", disk_delete, 1 },
	{ "disk", "rename", disk_rename, 2 },
	{ "index", "lose", index_lose, 0 },
};

/* A line, in words; arg[3] says whether there was a third argument. */
static void
do_line(struct world *w, char *line)
{
	char *word[6] = { NULL }, *save = NULL;
	char empty[] = "", yes[] = "";
	int n = 0;

	for (char *p = strtok_r(line, " \t", &save); p != NULL && n < 5;
	    p = strtok_r(NULL, " \t", &save))
		word[n++] = p;
	if (n == 0)
		return;
	if (n == 5)
		word[5] = yes;
	else
		word[4] = empty;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].side, word[0]) != 0 || n < 2 ||
		    strcmp(verbs[i].verb, word[1]) != 0 ||
		    n < 2 + verbs[i].least)
			continue;
		verbs[i].run(w, &word[2]);
		return;
	}
	fail_msg("what is \"%s %s\"?", word[0], n > 1 ? word[1] : "");
}

void
world_do(struct world *w, const char *script)
{
	char *all, *save = NULL;

	if (script == NULL)
		return;
	all = xstrdup(script);
	for (char *p = strtok_r(all, "\n", &save); p != NULL;
	    p = strtok_r(NULL, "\n", &save))
		do_line(w, p);
	free(all);
}

void
world_do_many(struct world *w, const char *prefix, unsigned n,
    const char *tail)
{
	for (unsigned i = 1; i <= n; i++) {
		char *line = xasprintf("%s%u%s", prefix, i, tail);

		do_line(w, line);
		free(line);
	}
}
