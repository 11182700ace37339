/* Contents that are one on a server which stores X for octets beyond ASCII. */
#include "index_fixture.h"

static struct fingerprint
print_of(const char *subject)
{
	struct fingerprinter *p = fingerprint_new();
	struct fingerprint fp;
	char *text = xasprintf("Message-ID: <a@x>\nSubject: %s\n\nx\n",
	    subject);

	fingerprint_add(p, text, strlen(text));
	fingerprint_end(p, &fp);
	free(text);
	return fp;
}

/* The file that is paired with what the server has; 0: none is. */
static int64_t
pairs_with(struct fixture *f, int64_t folder, const char *subject)
{
	struct fingerprint fp = print_of(subject);
	int64_t content, by_head, id;

	ok(index_content_put(f->ix, &fp, &content, &f->err));
	id = unpaired(f, folder, content, 0);
	if (index_content_by_head(f->ix, folder, &fp, &by_head, &f->err) != 1)
		by_head = 0;
	assert_int_equal(by_head != 0, id != 0);
	return id;
}

/* A server may keep X for each octet that is not ASCII: that is the message, as
 * long as no second one could be. Two messages with such octets are as unlike
 * as their octets are. */
static void
test_masked_octets(void **state)
{
	struct fixture *f = *state;
	struct fingerprint e = print_of("caf\351"), a = print_of("caf\341");
	struct fingerprint x = print_of("cafX");
	int64_t one, two, c, with_e, with_x;

	ok(index_begin(f->ix, &f->err));
	one = add_folder(f, "one");
	two = add_folder(f, "two");
	ok(index_content_put(f->ix, &e, &c, &f->err));
	with_e = add_local(f, one, "e", c);
	ok(index_content_put(f->ix, &x, &c, &f->err));
	with_x = add_local(f, two, "x", c);
	assert_int_equal(pairs_with(f, one, "caf\351"), with_e);
	assert_int_equal(pairs_with(f, one, "cafX"), with_e);
	assert_int_equal(pairs_with(f, one, "caf\341"), 0);
	assert_int_equal(pairs_with(f, one, "cafY"), 0);
	assert_int_equal(pairs_with(f, two, "cafX"), with_x);
	assert_int_equal(pairs_with(f, two, "caf\351"), with_x);
	/* A second file that could be it. */
	ok(index_content_put(f->ix, &a, &c, &f->err));
	add_local(f, one, "a", c);
	assert_int_equal(pairs_with(f, one, "cafX"), 0);
	assert_int_equal(pairs_with(f, one, "caf\351"), with_e);
	ok(index_commit(f->ix, &f->err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_masked_octets, setup_index,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
