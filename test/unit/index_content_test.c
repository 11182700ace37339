/* Folders, contents, intents, items, the log. */
#include "index_fixture.h"

static int64_t
put_content(struct fixture *f, uint8_t n)
{
	struct fingerprint fp = { .content = { n, 0, 7 }, .head = { 0, n },
	    .size = 100u + n, .removed = n, .has_identity = true };
	int64_t id;

	snprintf(fp.message_id, sizeof(fp.message_id), "<%u@x>", n);
	ok(index_content_put(f->ix, &fp, &id, &f->err));
	return id;
}

static void
test_folder_comes_back(void **state)
{
	struct fixture *f = *state;
	struct index_folder a = { .name = xstrdup("lists/b\xc3\xa4r"),
	    .raw = xstrdup("lists.b&AOQ-r"),
	    .path = xstrdup("lists/b\xc3\xa4r"),
	    .base = true, .local = false, .remote = true,
	    .uidvalidity = 4294967295u, .uidnext = 4294967294u,
	    .exists = 4294967293u, .modseq = INT64_MAX, .read_only = true,
	    .permanent_any = true, .permanent = FLAG_ALL,
	    .permanent_keywords = xstrdup("a b"), .new_mtime = -1,
	    .cur_mtime = INT64_MAX, .last_full = 5, .scanned = 7,
	    .looked = 6, .mailbox_id = xstrdup("5a0e") };
	struct index_folder b = { .name = xstrdup("INBOX") };
	struct index_folder *all;
	size_t n;

	ok(index_begin(f->ix, &f->err));
	ok(index_folder_put(f->ix, &a, &f->err));
	ok(index_folder_put(f->ix, &b, &f->err));
	assert_true(a.id != 0 && b.id != 0 && a.id != b.id);
	ok(index_commit(f->ix, &f->err));
	ok(index_folders(f->ix, &all, &n, &f->err));
	assert_int_equal(n, 2);
	assert_string_equal(all[0].name, "INBOX");
	assert_null(all[0].raw);
	assert_null(all[0].path);
	assert_string_equal(all[0].permanent_keywords, "");
	assert_int_equal(all[1].id, a.id);
	assert_string_equal(all[1].name, a.name);
	assert_string_equal(all[1].raw, a.raw);
	assert_string_equal(all[1].path, a.path);
	assert_true(all[1].base && !all[1].local && all[1].remote);
	assert_int_equal(all[1].uidvalidity, a.uidvalidity);
	assert_int_equal(all[1].uidnext, a.uidnext);
	assert_int_equal(all[1].exists, a.exists);
	assert_int_equal(all[1].modseq, a.modseq);
	assert_true(all[1].read_only && all[1].permanent_any);
	assert_int_equal(all[1].permanent, FLAG_ALL);
	assert_string_equal(all[1].permanent_keywords, "a b");
	assert_int_equal(all[1].new_mtime, -1);
	assert_int_equal(all[1].cur_mtime, INT64_MAX);
	assert_int_equal(all[1].last_full, 5);
	assert_int_equal(all[1].scanned, 7);
	assert_int_equal(all[1].looked, 6);
	assert_null(all[0].mailbox_id);
	assert_string_equal(all[1].mailbox_id, "5a0e");
	index_folders_free(all, n);
	index_folder_release(&a);
	index_folder_release(&b);
}

static void
test_folder_limits(void **state)
{
	struct fixture *f = *state;
	struct index_folder a = { .name = xstrdup("a"), .path = xstrdup("P") };
	struct index_folder b = { .name = xstrdup("b"), .path = xstrdup("P") };

	ok(index_begin(f->ix, &f->err));
	ok(index_folder_put(f->ix, &a, &f->err));
	/* Two names of one directory; names are octets. */
	assert_int_equal(index_folder_put(f->ix, &b, &f->err), -1);
	b.path[0] = 'p';
	ok(index_folder_put(f->ix, &b, &f->err));
	b.name[0] = 'a';
	assert_int_equal(index_folder_put(f->ix, &b, &f->err), -1);
	b.name[0] = 'b';
	b.modseq = 1ull << 63;
	assert_int_equal(index_folder_put(f->ix, &b, &f->err), -1);
	b.modseq--;
	ok(index_folder_put(f->ix, &b, &f->err));
	b.id = 77;
	assert_int_equal(index_folder_put(f->ix, &b, &f->err), -1);
	ok(index_commit(f->ix, &f->err));
	index_folder_release(&a);
	index_folder_release(&b);
}

static void
test_folder_drop_takes_all(void **state)
{
	struct fixture *f = *state;
	struct index_folder *all;
	struct index_counts counts;
	int64_t one, two;
	size_t n;
	char name[20];

	ok(index_begin(f->ix, &f->err));
	one = add_folder(f, "one");
	two = add_folder(f, "two");
	for (int i = 0; i < 2500; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		ok(see_file(f, i < 2400 ? one : two, false, name));
	}
	ok(index_item_put(f->ix, &(struct index_item){ .folder = one,
	    .place = 1, .kind = ITEM_PULL, .text = (char[]){ "x" } }, &f->err));
	ok(index_folder_drop(f->ix, one, &f->err));
	ok(index_commit(f->ix, &f->err));
	ok(index_folders(f->ix, &all, &n, &f->err));
	assert_int_equal(n, 1);
	assert_int_equal(all[0].id, two);
	index_folders_free(all, n);
	ok(index_counts(f->ix, 0, &counts, &f->err));
	assert_int_equal(counts.local, 100);
	assert_int_equal(number(f->db, "SELECT count(*) FROM item"), 0);
}

static void
test_content(void **state)
{
	struct fixture *f = *state;
	struct index_content c;
	struct fingerprint big = { .content = { 99 }, .size = 1ull << 63 };
	int64_t a, b;

	ok(index_begin(f->ix, &f->err));
	a = put_content(f, 1);
	b = put_content(f, 2);
	assert_int_not_equal(a, b);
	assert_int_equal(put_content(f, 1), a);
	assert_int_equal(index_content_put(f->ix, &big, &b, &f->err), -1);
	ok(index_commit(f->ix, &f->err));
	assert_int_equal(index_content_by_id(f->ix, a, &c, &f->err), 1);
	assert_int_equal(c.id, a);
	assert_int_equal(c.digest[0], 1);
	assert_int_equal(c.digest[2], 7);
	assert_int_equal(c.head[1], 1);
	assert_int_equal(c.size, 101);
	assert_int_equal(c.removed, 1);
	assert_true(c.has_identity);
	assert_string_equal(c.message_id, "<1@x>");
	assert_int_equal(index_content_by_id(f->ix, 999, &c, &f->err), 0);
}

static void
test_unpaired_local(void **state)
{
	struct fixture *f = *state;
	int64_t one, two, c, plain, seen, other;
	struct place p;

	ok(index_begin(f->ix, &f->err));
	one = add_folder(f, "one");
	two = add_folder(f, "two");
	c = put_content(f, 1);
	assert_int_equal(unpaired(f, one, c, 0), 0);
	plain = add_local(f, one, "a", c);
	seen = add_local(f, one, "b:2,S", c);
	other = add_local(f, two, "c:2,S", c);
	add_local(f, one, "d", put_content(f, 2));
	assert_int_equal(unpaired(f, one, c, 0), plain);
	assert_int_equal(unpaired(f, one, c, FLAG_SEEN), seen);
	assert_int_equal(unpaired(f, one, c, FLAG_DRAFT), plain);
	assert_int_equal(unpaired(f, two, c, 0), other);
	/* Each way of being out of the question. */
	assert_int_equal(index_place_by_id(f->ix, plain, &p, &f->err), 1);
	p.uid = 5;
	ok(index_place_put(f->ix, &p, &f->err));
	assert_int_equal(unpaired(f, one, c, 0), seen);
	p.uid = 0;
	state_set(&p.base_local, true, 0, "");
	state_set(&p.base_remote, true, 0, "");
	ok(index_place_put(f->ix, &p, &f->err));
	assert_int_equal(unpaired(f, one, c, 0), seen);
	state_set(&p.base_local, false, 0, "");
	state_set(&p.base_remote, false, 0, "");
	state_set(&p.local, false, 0, "");
	ok(index_place_put(f->ix, &p, &f->err));
	assert_int_equal(unpaired(f, one, c, 0), seen);
	place_release(&p);
	ok(index_place_drop(f->ix, seen, &f->err));
	assert_int_equal(unpaired(f, one, c, 0), 0);
	ok(index_commit(f->ix, &f->err));
}

static int
by_head(struct fixture *f, int64_t folder, uint8_t n, uint64_t size,
    int64_t *out)
{
	const struct fingerprint fp = { .head = { 0, n }, .size = size };
	int r = index_content_by_head(f->ix, folder, &fp, out, &f->err);

	ok(r);
	return r;
}

static void
test_content_by_head(void **state)
{
	struct fixture *f = *state;
	struct fingerprint fp = { .content = { 50 }, .head = { 0, 50 },
	    .size = 150 };
	int64_t one, two, c, id, got;

	ok(index_begin(f->ix, &f->err));
	one = add_folder(f, "one");
	two = add_folder(f, "two");
	c = put_content(f, 1);
	assert_int_equal(by_head(f, one, 1, 101, &got), 0);
	id = add_local(f, one, "a", c);
	add_local(f, one, "b", c);
	assert_int_equal(by_head(f, one, 1, 101, &got), 1);
	assert_int_equal(got, c);
	assert_int_equal(by_head(f, one, 1, 102, &got), 0);
	assert_int_equal(by_head(f, one, 2, 101, &got), 0);
	assert_int_equal(by_head(f, two, 1, 101, &got), 0);
	/* Nothing in the header that tells messages apart. */
	ok(index_content_put(f->ix, &fp, &got, &f->err));
	add_local(f, one, "n", got);
	assert_int_equal(by_head(f, one, 50, 150, &got), 0);
	/* The same header before another body of the same length. */
	fp.content[0] = 51;
	fp.head[1] = 1;
	fp.size = 101;
	ok(index_content_put(f->ix, &fp, &got, &f->err));
	assert_int_equal(by_head(f, one, 1, 101, &got), 1);
	assert_int_equal(got, c);
	ok(index_content_put(f->ix, &fp, &got, &f->err));
	id = add_local(f, one, "c", got);
	assert_int_equal(by_head(f, one, 1, 101, &got), 0);
	ok(index_place_drop(f->ix, id, &f->err));
	assert_int_equal(by_head(f, one, 1, 101, &got), 1);
	ok(index_commit(f->ix, &f->err));
}

/* Only a place that was agreed on and lost its file tells. */
static void
test_keywords_of_content(void **state)
{
	struct fixture *f = *state;
	int64_t one, c, a;
	struct place p;
	char *words;

	ok(index_begin(f->ix, &f->err));
	one = add_folder(f, "one");
	c = put_content(f, 1);
	add_local(f, one, "b", c);
	a = add_local(f, one, "a", c);
	assert_int_equal(index_keywords_of_content(f->ix, c, &words, &f->err),
	    0);
	assert_int_equal(index_place_by_id(f->ix, a, &p, &f->err), 1);
	p.uid = 7;
	state_set(&p.remote, true, 0, "moved");
	state_set(&p.local, true, 0, "moved");
	state_set(&p.base_local, true, 0, "moved");
	state_set(&p.base_remote, true, 0, "moved");
	ok(index_place_put(f->ix, &p, &f->err));
	place_release(&p);
	assert_int_equal(index_keywords_of_content(f->ix, c, &words, &f->err),
	    0);
	ok(index_miss_local(f->ix, a, &f->err));
	assert_int_equal(index_keywords_of_content(f->ix, c, &words, &f->err),
	    1);
	assert_string_equal(words, "moved");
	free(words);
	ok(index_unsee_local(f->ix, a, &f->err));
	assert_int_equal(index_keywords_of_content(f->ix, c, &words, &f->err),
	    1);
	assert_string_equal(words, "moved");
	free(words);
	assert_int_equal(index_keywords_of_content(f->ix, 99, &words, &f->err),
	    0);
	ok(index_commit(f->ix, &f->err));
}

static bool
stays(struct fixture *f, int64_t content, int64_t id)
{
	bool is;

	ok(index_content_stays(f->ix, content, id, &is, &f->err));
	return is;
}

static bool
waits(struct fixture *f, int64_t content)
{
	bool is;

	ok(index_content_waits(f->ix, content, &is, &f->err));
	return is;
}

static void
set_place(struct fixture *f, int64_t id, bool base, bool local, bool remote)
{
	struct place p;

	assert_int_equal(index_place_by_id(f->ix, id, &p, &f->err), 1);
	p.uid = base || remote ? (uint32_t)id : 0;
	state_set(&p.base_local, base, 0, "");
	state_set(&p.base_remote, base, 0, "");
	state_set(&p.local, local, 0, "");
	state_set(&p.remote, remote, 0, "");
	ok(index_place_put(f->ix, &p, &f->err));
	place_release(&p);
}

/* What the other place must be for the content to stay, and to wait. */
static void
test_content_stays(void **state)
{
	static const struct {
		bool base, local, remote, stays, waits;
	} rows[] = {
		{ false, false, true, true, false },	/* to be pulled */
		{ false, true, false, true, true },	/* to be pushed */
		{ false, true, true, true, false },	/* found on both */
		{ true, false, false, false, false },
		{ true, false, true, false, false },	/* to be expunged */
		{ true, true, false, false, false },	/* to be unlinked */
		{ true, true, true, true, false },
	};
	struct fixture *f = *state;
	int64_t one, c, a, b;
	uint64_t *size;
	size_t i, n;

	ok(index_begin(f->ix, &f->err));
	one = add_folder(f, "one");
	c = put_content(f, 1);
	a = add_local(f, one, "a", c);
	set_place(f, a, true, false, true);
	assert_false(stays(f, c, a));
	b = add_local(f, one, "b", c);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_place(f, b, rows[i].base, rows[i].local, rows[i].remote);
		assert_int_equal(stays(f, c, a), rows[i].stays);
		assert_int_equal(waits(f, c), rows[i].waits);
	}
	ok(index_unpaired_sizes(f->ix, one, &size, &n, &f->err));
	assert_int_equal(n, 0);
	free(size);
	set_place(f, b, false, true, false);
	ok(index_unpaired_sizes(f->ix, one, &size, &n, &f->err));
	assert_int_equal(n, 1);
	free(size);
	ok(index_commit(f->ix, &f->err));
}

/* A content goes when nothing speaks of it, but not within the same run. */
static void
test_content_without_a_place_goes(void **state)
{
	struct fixture *f = *state;
	int64_t one, kept, lost, held, moved, a, b;
	struct index_content c;
	struct index_intent in;

	ok(index_begin(f->ix, &f->err));
	one = add_folder(f, "one");
	kept = put_content(f, 1);
	lost = put_content(f, 2);
	held = put_content(f, 3);
	moved = put_content(f, 4);
	add_local(f, one, "k", kept);
	a = add_local(f, one, "a", kept);
	b = add_local(f, one, "b", lost);
	in = (struct index_intent){ .folder = one, .content = held };
	ok(index_intent_put(f->ix, &in, &f->err));
	ok(index_place_drop(f->ix, a, &f->err));
	ok(index_place_drop(f->ix, b, &f->err));
	ok(index_place_drop(f->ix, add_local(f, one, "h", held), &f->err));
	ok(index_place_drop(f->ix, add_local(f, one, "m", moved), &f->err));
	ok(index_commit(f->ix, &f->err));
	ok(index_begin(f->ix, &f->err));
	add_local(f, one, "m2", moved);
	ok(index_commit(f->ix, &f->err));
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(index_content_by_id(f->ix, kept, &c, &f->err), 1);
	assert_int_equal(index_content_by_id(f->ix, lost, &c, &f->err), 0);
	assert_int_equal(index_content_by_id(f->ix, held, &c, &f->err), 1);
	assert_int_equal(index_content_by_id(f->ix, moved, &c, &f->err), 1);
	ok(index_begin(f->ix, &f->err));
	ok(index_intent_drop(f->ix, in.id, &f->err));
	ok(index_commit(f->ix, &f->err));
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(index_content_by_id(f->ix, held, &c, &f->err), 0);
}

static void
test_intents(void **state)
{
	struct fixture *f = *state;
	struct index_intent a, b, *all;
	int64_t one, two;
	size_t n;

	ok(index_begin(f->ix, &f->err));
	one = add_folder(f, "one");
	two = add_folder(f, "two");
	a = (struct index_intent){ .folder = one, .place = 5,
	    .uidvalidity = 4294967295u, .uidnext = 4294967294u, .content = 6,
	    .size = 4294967293u, .begun = 1700000000 };
	b = (struct index_intent){ .folder = two };
	ok(index_intent_put(f->ix, &a, &f->err));
	ok(index_intent_put(f->ix, &b, &f->err));
	a.size = 7;
	ok(index_intent_put(f->ix, &a, &f->err));
	ok(index_intents(f->ix, one, &all, &n, &f->err));
	assert_int_equal(n, 1);
	assert_int_equal(all[0].id, a.id);
	assert_int_equal(all[0].folder, one);
	assert_int_equal(all[0].place, 5);
	assert_int_equal(all[0].uidvalidity, 4294967295u);
	assert_int_equal(all[0].uidnext, 4294967294u);
	assert_int_equal(all[0].content, 6);
	assert_int_equal(all[0].size, 7);
	assert_int_equal(all[0].begun, 1700000000);
	free(all);
	ok(index_intents(f->ix, 0, &all, &n, &f->err));
	assert_int_equal(n, 2);
	free(all);
	ok(index_intent_drop(f->ix, a.id, &f->err));
	ok(index_intents(f->ix, one, &all, &n, &f->err));
	assert_int_equal(n, 0);
	free(all);
	ok(index_folder_drop(f->ix, two, &f->err));
	ok(index_intents(f->ix, 0, &all, &n, &f->err));
	assert_int_equal(n, 0);
	free(all);
	ok(index_commit(f->ix, &f->err));
}

/* What stays when the folder was looked at, under UIDVALIDITY 9. */
static void
test_intents_settle(void **state)
{
	static const struct {
		bool answered;
		uint32_t uidvalidity, uid;
		bool has_place, other_folder;
		bool stays;	/* all messages were pulled */
		bool waits;	/* not so UID 7; it began at UIDNEXT 7 or 8 */
		uint32_t uidnext;
	} table[] = {
		{ true, 9, 0, true, false, true, true, 8 },
		{ false, 9, 0, true, false, false, false, 8 },	/* again */
		{ false, 9, 0, true, false, false, true, 7 },
		{ false, 8, 0, true, false, false, true, 8 },
		{ true, 8, 0, true, false, false, true, 8 },
		{ true, 9, 4, true, false, false, false, 8 },	/* found */
		{ true, 9, 0, false, false, false, false, 8 },	/* edited */
		{ false, 9, 0, true, true, true, true, 8 },
	};
	struct fixture *f = *state;
	struct index_intent in, got;
	int64_t one, two, place[8];
	struct place p;
	size_t i;

	ok(index_begin(f->ix, &f->err));
	one = add_folder(f, "one");
	two = add_folder(f, "two");
	for (i = 0; i < 8; i++) {
		place_init(&p);
		p.folder = one;
		p.uid = table[i].uid;
		ok(index_place_put(f->ix, &p, &f->err));
		place[i] = p.id;
		in = (struct index_intent){ .place = p.id,
		    .folder = table[i].other_folder ? two : one,
		    .uidvalidity = table[i].uidvalidity,
		    .uidnext = table[i].uidnext,
		    .answered = table[i].answered };
		ok(index_intent_put(f->ix, &in, &f->err));
		if (!table[i].has_place)
			ok(index_place_drop(f->ix, p.id, &f->err));
		place_release(&p);
	}
	assert_int_equal(index_intent_of(f->ix, one, place[3], &got,
	    &f->err), 1);
	assert_int_equal(got.uidvalidity, 8);
	ok(index_intents_settle(f->ix, one, 9, 7, &f->err));
	for (i = 0; i < 8; i++)
		assert_int_equal(index_intent_of(f->ix, table[i].other_folder ?
		    two : one, place[i], &got, &f->err), table[i].waits);
	ok(index_intents_settle(f->ix, one, 9, 0, &f->err));
	for (i = 0; i < 8; i++)
		assert_int_equal(index_intent_of(f->ix, table[i].other_folder ?
		    two : one, place[i], &got, &f->err), table[i].stays);
	ok(index_commit(f->ix, &f->err));
}

/* A COPY's place lies elsewhere: settled is what has none any more. */
static void
test_intents_of_copies(void **state)
{
	struct fixture *f = *state;
	struct index_intent in, got;
	int64_t one, two;
	struct place p;

	ok(index_begin(f->ix, &f->err));
	one = add_folder(f, "one");
	two = add_folder(f, "two");
	place_init(&p);
	p.folder = two;
	p.uid = 4;
	ok(index_place_put(f->ix, &p, &f->err));
	in = (struct index_intent){ .place = p.id, .folder = one,
	    .uidvalidity = 8 };
	ok(index_intent_put(f->ix, &in, &f->err));
	ok(index_intents_settle(f->ix, one, 9, 0, &f->err));
	assert_int_equal(index_intent_of(f->ix, two, p.id, &got, &f->err), 0);
	assert_int_equal(index_intent_of(f->ix, one, p.id, &got, &f->err), 1);
	ok(index_place_drop(f->ix, p.id, &f->err));
	ok(index_intents_settle(f->ix, one, 9, 0, &f->err));
	assert_int_equal(index_intent_of(f->ix, one, p.id, &got, &f->err), 0);
	ok(index_commit(f->ix, &f->err));
	place_release(&p);
}

static struct index_item
put_item(struct fixture *f, int64_t folder, int64_t place,
    enum index_item_kind kind, char *text)
{
	struct index_item it = { .folder = folder, .place = place,
	    .kind = kind, .text = text, .first = 1000, .last = 2000,
	    .next = 3000, .tries = 2, .run = 7 };

	ok(index_item_put(f->ix, &it, &f->err));
	return it;
}

static int
items_of(struct fixture *f, int64_t folder, struct index_item *out)
{
	struct index_item_stream from = { folder, 0 };
	int64_t last = 0;
	int n = index_items(f->ix, &from, out, 8, &f->err);

	for (int i = 0; i < n; i++) {
		last = out[i].id;
		index_item_release(&out[i]);
	}
	assert_int_equal(from.after, last);
	return n;
}

static int
find_item(struct fixture *f, struct index_item_key key, struct index_item *out)
{
	return index_item_find(f->ix, &key, out, &f->err);
}

static void
test_items(void **state)
{
	struct fixture *f = *state;
	struct index_item push, note, it[8];
	int64_t folder, id, run;
	bool found;

	ok(index_items_last_run(f->ix, &run, &f->err));
	assert_int_equal(run, -1);
	ok(index_begin(f->ix, &f->err));
	folder = add_folder(f, "one");
	id = add_local(f, folder, "a", 0);
	push = put_item(f, folder, id, ITEM_PUSH, (char[]){ "too big" });
	put_item(f, folder, 0, ITEM_PUSH, (char[]){ "no room" });
	note = put_item(f, 0, 0, ITEM_NOTE, (char[]){ "many" });
	put_item(f, 0, 0, ITEM_NOTE, (char[]){ "more" });
	assert_int_equal(items_of(f, -1, it), 4);
	assert_int_equal(items_of(f, folder, it), 2);
	assert_int_equal(items_of(f, 0, it), 2);

	/* A note is known by its text, all else by what it is about. */
	assert_int_equal(find_item(f, (struct index_item_key){ 0, 0, ITEM_NOTE,
	    "more" }, it), 1);
	index_item_release(it);
	assert_int_equal(find_item(f, (struct index_item_key){ 0, 0, ITEM_NOTE,
	    "less" }, it), 0);
	assert_int_equal(find_item(f, (struct index_item_key){ folder, 0,
	    ITEM_PULL, "" }, it), 0);
	assert_int_equal(find_item(f, (struct index_item_key){ folder, id,
	    ITEM_PUSH, "" }, it), 1);
	assert_int_equal(it[0].id, push.id);
	assert_string_equal(it[0].text, "too big");
	assert_int_equal(it[0].first, 1000);
	assert_int_equal(it[0].last, 2000);
	assert_int_equal(it[0].next, 3000);
	assert_int_equal(it[0].tries, 2);
	assert_int_equal(it[0].run, 7);
	assert_int_equal(it[0].ignored, false);
	index_item_release(it);

	ok(index_item_ignore(f->ix, note.id, &found, &f->err));
	assert_true(found);
	ok(index_item_ignore(f->ix, 99, &found, &f->err));
	assert_false(found);
	assert_int_equal(items_of(f, 0, it), 2);
	assert_true(it[0].ignored);
	assert_false(it[1].ignored);
	ok(index_items_last_run(f->ix, &run, &f->err));
	assert_int_equal(run, 7);

	/* Those of messages stay for as long as there is something to do. */
	ok(index_items_settle(f->ix, folder, 8, &f->err));
	ok(index_items_tidy(f->ix, &f->err));
	assert_int_equal(items_of(f, folder, it), 1);
	assert_int_equal(it[0].id, push.id);
	ok(index_items_settle(f->ix, 0, 7, &f->err));
	assert_int_equal(items_of(f, 0, it), 2);
	ok(index_item_drop(f->ix, folder, id, ITEM_PULL, &f->err));
	assert_int_equal(items_of(f, folder, it), 1);
	ok(index_place_drop(f->ix, id, &f->err));
	assert_int_equal(items_of(f, folder, it), 0);
	/* A number is never used again. */
	ok(index_items_settle(f->ix, 0, 8, &f->err));
	assert_int_equal(items_of(f, -1, it), 0);
	put_item(f, 0, 0, ITEM_NOTE, (char[]){ "new" });
	assert_int_equal(items_of(f, -1, it), 1);
	assert_int_equal(it[0].id, note.id + 2);
	ok(index_commit(f->ix, &f->err));
}

/* It was brought over by another way. */
static void
test_item_of_clean_row(void **state)
{
	struct fixture *f = *state;
	struct index_item it[8];
	struct place p;
	int64_t folder, id;

	ok(index_begin(f->ix, &f->err));
	folder = add_folder(f, "one");
	id = add_local(f, folder, "a", 0);
	put_item(f, folder, id, ITEM_PUSH, (char[]){ "too big" });
	ok(index_items_tidy(f->ix, &f->err));
	assert_int_equal(items_of(f, folder, it), 1);
	assert_int_equal(index_place_by_id(f->ix, id, &p, &f->err), 1);
	p.uid = 5;
	state_set(&p.remote, true, p.local.flags, p.local.keywords);
	state_set(&p.base_local, true, p.local.flags, p.local.keywords);
	state_set(&p.base_remote, true, p.local.flags, p.local.keywords);
	ok(index_place_put(f->ix, &p, &f->err));
	place_release(&p);
	ok(index_items_tidy(f->ix, &f->err));
	assert_int_equal(items_of(f, folder, it), 0);
	ok(index_commit(f->ix, &f->err));
}

static void
test_log(void **state)
{
	const struct index_log_line removed = { .what = "removed",
	    .folder = "INBOX", .uid = 5, .unique = "a",
	    .evidence = "two scans" };
	const struct index_log_line expunged = { .what = "expunged" };
	struct fixture *f = *state;

	ok(index_begin(f->ix, &f->err));
	ok(index_log(f->ix, &removed, &f->err));
	ok(index_log(f->ix, &expunged, &f->err));
	ok(index_commit(f->ix, &f->err));
	assert_int_equal(number(f->db, "SELECT count(*) FROM log WHERE what ="
	    " 'removed' AND folder = 'INBOX' AND uid = 5 AND unique_part = 'a'"
	    " AND evidence = 'two scans' AND at > 1600000000"), 1);
	assert_int_equal(number(f->db, "SELECT count(*) FROM log WHERE what ="
	    " 'expunged' AND uid IS NULL AND unique_part IS NULL"), 1);
}

/* Asked for each folder: what waits in the others must not be walked. */
static void
test_unpaired_tree_is_of_a_folder(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(number(f->db, "SELECT count(*)"
	    " FROM pragma_index_info('place_unpaired')"
	    " WHERE seqno = 0 AND name = 'folder'"), 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_index, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_folder_comes_back),
		TEST(test_folder_limits),
		TEST(test_folder_drop_takes_all),
		TEST(test_content),
		TEST(test_unpaired_local),
		TEST(test_unpaired_tree_is_of_a_folder),
		TEST(test_content_by_head),
		TEST(test_keywords_of_content),
		TEST(test_content_stays),
		TEST(test_content_without_a_place_goes),
		TEST(test_intents),
		TEST(test_intents_settle),
		TEST(test_intents_of_copies),
		TEST(test_items),
		TEST(test_item_of_clean_row),
		TEST(test_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
