/* Subjects and senders, as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "mail/fingerprint.h"
#include "mail/text.h"

static const struct {
	const char *raw, *text;
} texts[] = {
	{ "", "" },
	{ " ", "" },
	{ "Lunch", "Lunch" },
	{ "  two\r\n\tlines  and  blanks ", "two lines and blanks" },
	{ "=?utf-8?Q?Caf=C3=A9_au_lait?=", "Caf\xc3\xa9 au lait" },
	{ "=?UTF-8?B?Q2Fmw6k=?=", "Caf\xc3\xa9" },
	{ "Re: =?iso-8859-1?q?Caf=E9?= now", "Re: Caf\xc3\xa9 now" },
	{ "=?windows-1252?Q?10_=80?=", "10 \xe2\x82\xac" },
	{ "=?koi8-r?B?8NLJ18XU?=", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5"
	    "\xd1\x82" },
	{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	/* Blanks between two words go, other blanks stay. */
	{ "=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c" },
	{ "=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "ab" },
	{ "a =?utf-8?q?b?=", "a b" },
	/* A character that lies across two words. */
	{ "=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "\xc3\xa9" },
	{ "=?utf-8?B?w4=?= =?utf-8?q?x?=", "\xc3\x83x" },
	{ "=?utf-8*en?q?hi?=", "hi" },
	/* No words. */
	{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
	{ "=?utf-8?q?a", "=?utf-8?q?a" },
	{ "=?utf-8?q?", "=?utf-8?q?" },
	{ "=?", "=?" }, { "=?" "?q?a?=", "=?" "?q?a?=" },
	{ "=?utf-8?q?=4?=", "=4" }, { "=?utf-8?q?=?=", "=" },
	{ "1 =? 2 ?= 3", "1 =? 2 ?= 3" },
	/* Raw octets, UTF-8 or not. */
	{ "Caf\xc3\xa9", "Caf\xc3\xa9" },
	{ "Caf\xe9", "Caf\xc3\xa9" },
	/* A charset that nobody is to load. */
	{ "=?iso-2022-cn-ext?q?a=E9?=", "a\xc3\xa9" },
	{ "=?../../x?q?a?=", "a" },
	/* Nothing that moves a terminal. */
	{ "=?utf-8?q?a=1B[2Jb=0D=0Ac=C2=9Bd=00e?=", "a [2Jb c d e" },
};

static const struct {
	const char *raw, *text;
} senders[] = {
	{ "", "" },
	{ "Jane Doe <jane@example.org>", "Jane Doe" },
	{ "\"Doe, Jane\" <jane@example.org>", "Doe, Jane" },
	{ "\"Jane \\\"J\\\" <Doe>\" <j@example.org>", "Jane \"J\" <Doe>" },
	{ "jane@example.org", "jane@example.org" },
	{ " <jane@example.org>", "jane@example.org" },
	{ "\"\" <jane@example.org>", "jane@example.org" },
	{ "=?utf-8?q?J=C3=A9?= <j@example.org>, Bob <b@example.org>",
	    "J\xc3\xa9" },
	{ "=?utf-8?q?Doe=2C_J?= <j@example.org>", "Doe, J" },
	{ "jane@example.org, bob@example.org", "jane@example.org" },
	{ "<", "" }, { "\"", "" }, { "\\", "\\" },
};

static void
texts_are_read(void **state)
{
	char out[MAIL_TEXT_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		mail_text_decode(out, span_of(texts[i].raw));
		assert_string_equal(out, texts[i].text);
	}
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		mail_text_sender(out, span_of(senders[i].raw));
		assert_string_equal(out, senders[i].text);
	}
}

/* At a character, however long it is and however it is encoded. */
static void
long_ones_are_cut(void **state)
{
	char out[MAIL_TEXT_MAX + 1], *raw = xmalloc(100001);

	(void)state;
	memset(raw, 'a', 100000);
	mail_text_decode(out, (struct span){ raw, 100000 });
	assert_int_equal(strlen(out), MAIL_TEXT_MAX);
	for (size_t i = 0; i < 99999; i += 3)
		memcpy(raw + i, "\xe2\x82\xac", 3);
	mail_text_decode(out, (struct span){ raw, 999 });
	assert_int_equal(strlen(out), 99);
	memset(raw, '<', 100000);
	mail_text_sender(out, (struct span){ raw, 100000 });
	memset(raw, '\\', 100000);
	mail_text_sender(out, (struct span){ raw, 100000 });
	for (size_t i = 0; i < 99990; i += 10)
		memcpy(raw + i, "=?a?b?AAAA", 10);
	mail_text_decode(out, (struct span){ raw, 100000 });
	free(raw);
}

static void
read_pieces(const char *text, size_t piece, struct fingerprint *out)
{
	struct fingerprinter *f = fingerprint_new();
	size_t n = strlen(text), i;

	for (i = 0; i < n; i += piece)
		fingerprint_add(f, text + i, n - i < piece ? n - i : piece);
	fingerprint_end(f, out);
}

/* The first of each that says something; the same in pieces of any size. */
static void
messages_tell(void **state)
{
	static const char text[] = "subject:\r\n"
	    "Subject: =?utf-8?q?a?=\r\n =?utf-8?q?b?=\r\nSubject: second\r\n"
	    "From: Jane\r\n\t<jane@example.org>\r\n\r\nSubject: body\r\n";
	struct fingerprint fp;

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		read_pieces(text, piece, &fp);
		assert_string_equal(fp.subject, "ab");
		assert_string_equal(fp.sender, "Jane");
	}
	read_pieces("X: y\n\nbody", 3, &fp);
	assert_string_equal(fp.subject, "");
	assert_string_equal(fp.sender, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read),
		cmocka_unit_test(long_ones_are_cut),
		cmocka_unit_test(messages_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
