/*
 * What servers in the wild really send: the reader's share of the torture
 * list. Each case is fed whole and byte by byte.
 */
#include "imap_events.h"

static void
test_torture_01_code_without_text(void **state)
{
	(void)state;
	EVENTS("* OK [HIGHESTMODSEQ 123]\r\n",
	    "LINE OK [HIGHESTMODSEQ 123] args=<123> text=<>\n");
	EVENTS("* OK\r\n", "LINE OK text=<>\n");
	EVENTS("a OK\r\n", "TAGGED tag=<a> OK text=<>\n");
	EVENTS("a OK [READ-WRITE]\r\n",
	    "TAGGED tag=<a> OK [READ-WRITE 0] args=<> text=<>\n");
	EVENTS("* OK [HIGHESTMODSEQ 9223372036854775807] x\r\n",
	    "LINE OK [HIGHESTMODSEQ 9223372036854775807] "
	    "args=<9223372036854775807> text=<x>\n");
}

static void
test_torture_02_alert_and_preauth_greetings(void **state)
{
	(void)state;
	EVENTS("* OK [ALERT] Down on Sunday\r\n* PREAUTH [CAPABILITY "
	    "IMAP4rev1 ID] hello\r\n",
	    "LINE OK [ALERT 0] args=<> text=<Down on Sunday>\n"
	    "LINE PREAUTH [CAPABILITY 0] args=<IMAP4rev1 ID> "
	    "caps=<IMAP4rev1 ID> text=<hello>\n");
}

static void
test_torture_03_empty_status(void **state)
{
	(void)state;
	EVENTS("* STATUS \"x\" ()\r\n", "STATUS name=<x>\n");
	EVENTS("* STATUS x ( )\r\n", "STATUS name=<x>\n");
}

static void
test_torture_04_status_without_requested_items(void **state)
{
	(void)state;
	EVENTS("* STATUS \"a b\" (MESSAGES 3 UIDVALIDITY 7)\r\n",
	    "STATUS name=<a b> messages=3 uidvalidity=7\n");
	EVENTS("* STATUS a (messages 3 RECENT 1 uidnext 4294967295 "
	    "HIGHESTMODSEQ 0 SIZE 18446744073709551616 UIDVALIDITY 1 )\r\n",
	    "STATUS name=<a> messages=3 uidnext=4294967295 uidvalidity=1 "
	    "modseq=0\n");
}

static void
test_torture_05_mailboxid_of_raw_bytes(void **state)
{
	(void)state;
	EVENTS("* STATUS x (UIDNEXT 3 MAILBOXID (\"*\xf9\x05\xb0U) "
	    "MESSAGES 2)\r\n", "STATUS name=<x> messages=2 uidnext=3\n");
	EVENTS("* OK [MAILBOXID (\"*\xf9\x05\xb0U)] Ok\r\n",
	    "LINE OK [MAILBOXID 0] args=<(\"*%f9%05%b0U)> text=<Ok>\n");
	EVENTS("a OK [MAILBOXID (((\xff] done \"so\r\n",
	    "TAGGED tag=<a> OK [MAILBOXID 0] args=<(((%ff> "
	    "text=<done \"so>\n");
}

static void
test_torture_06_expunged(void **state)
{
	(void)state;
	EVENTS("* 2 EXPUNGED\r\n", "EXPUNGE 2\n");
	EVENTS("* 2 expunge\r\n* 0 EXPUNGE\r\n", "EXPUNGE 2\nUNKNOWN\n");
}

static void
test_torture_07_fetch_of_message_0(void **state)
{
	(void)state;
	EVENTS("* 0 FETCH (UID 3 FLAGS ())\r\n", "UNKNOWN\n");
	EVENTS("* 0 FETCH (UID 3 BODY[] {3}\r\n)\r\n)\r\n* 1 EXISTS\r\n",
	    "UNKNOWN\nEXISTS 1\n");
}

static void
test_torture_08_rows_in_any_order_and_split(void **state)
{
	(void)state;
	EVENTS("* 1 FETCH (UID 5)\r\n* 1 FETCH (FLAGS (\\Seen))\r\n"
	    "* 2 FETCH (BODY[] {3}\r\nabc UID 6)\r\n"
	    "* 2 FETCH (FLAGS () UID 6)\r\n",
	    "FETCH seq=1 uid=5\n"
	    "FETCH seq=1 uid=0 flags=10()\n"
	    "BEGIN seq=2 uid=0 size=3 section=<> abc\nEND\n"
	    "FETCH seq=2 uid=6 streamed section=<>\n"
	    "FETCH seq=2 uid=6 flags=00()\n");
	EVENTS("* 2 FETCH (UID 6 UID 6)\r\n", "FETCH seq=2 uid=6\n");
	REFUSED("* 2 FETCH (UID 6 FLAGS () UID 7)\r\n", "");
}

static void
test_torture_09_no_body(void **state)
{
	(void)state;
	EVENTS("* 1 FETCH (UID 5 BODY[] NIL)\r\n",
	    "FETCH seq=1 uid=5 nil section=<>\n");
	EVENTS("* 1 FETCH (UID 5 BODY[] \"\")\r\n",
	    "FETCH seq=1 uid=5 inline section=<> data=<>\n");
	EVENTS("* 1 FETCH (UID 5 BODY[])\r\n* 1 FETCH (UID 5 BODY[] )\r\n",
	    "FETCH seq=1 uid=5\nFETCH seq=1 uid=5\n");
	EVENTS("* 1 FETCH (UID 5 BODY[HEADER] nil FLAGS ())\r\n",
	    "FETCH seq=1 uid=5 flags=00() nil section=<HEADER>\n");
	/* A body that is taken back is no body. */
	EVENTS("* 1 FETCH (BODY[] {1}\r\nx BODY[] NIL)\r\n",
	    "BEGIN seq=1 uid=0 size=1 section=<> x\nEND\n"
	    "FETCH seq=1 uid=0 nil section=<>\n");
}

static void
test_torture_10_body_as_quoted_string(void **state)
{
	(void)state;
	EVENTS("* 1 FETCH (BODY[] \"a \\\"b\\\" \\\\ {5}\xe4\" UID 5)\r\n",
	    "FETCH seq=1 uid=5 inline section=<> "
	    "data=<a \"b\" \\ {5}%e4>\n");
	EVENTS("* 1 FETCH (RFC822 \"(\" UID 5)\r\n",
	    "FETCH seq=1 uid=5 inline section=<> data=<(>\n");
	REFUSED("* 1 FETCH (UID 5 BODY[] \"a)\r\n", "");
	REFUSED("* 1 FETCH (UID 5 BODY[] \"a\\\")\r\n", "");
}

static void
test_torture_11_section_differs(void **state)
{
	(void)state;
	EVENTS("* 1 FETCH (UID 5 BODY[HEADER.FIELDS (\"SUBJECT\" \"a]b\")] "
	    "{2}\r\n\r\n)\r\n",
	    "BEGIN seq=1 uid=5 size=2 "
	    "section=<HEADER.FIELDS (\"SUBJECT\" \"a]b\")> %0d%0a\nEND\n"
	    "FETCH seq=1 uid=5 streamed "
	    "section=<HEADER.FIELDS (\"SUBJECT\" \"a]b\")>\n");
	EVENTS("* 1 FETCH (BODY[HEADER.FIELDS ({3}\r\na]b {1}\r\nx)] "
	    "{2}\r\n\r\n UID 5)\r\n",
	    "BEGIN seq=1 uid=0 size=2 "
	    "section=<HEADER.FIELDS ({3}%0aa]b {1}%0ax)> %0d%0a\nEND\n"
	    "FETCH seq=1 uid=5 streamed "
	    "section=<HEADER.FIELDS ({3}%0aa]b {1}%0ax)>\n");
	EVENTS("* 1 FETCH (UID 5 BODY[]<0> {1}\r\nx)\r\n",
	    "BEGIN seq=1 uid=5 size=1 section=<]<0>> x\nEND\n"
	    "FETCH seq=1 uid=5 streamed section=<]<0>>\n");
	EVENTS("* 1 FETCH (RFC822.HEADER {1}\r\nx RFC822.TEXT {0}\r\n)\r\n",
	    "BEGIN seq=1 uid=0 size=1 section=<HEADER> x\nEND\n"
	    "BEGIN seq=1 uid=0 size=0 section=<TEXT> \nEND\n"
	    "FETCH seq=1 uid=0 streamed section=<TEXT>\n");
}

static void
test_torture_12_copyuid(void **state)
{
	(void)state;
	EVENTS("a OK [COPYUID 14  ] x\r\n",
	    "TAGGED tag=<a> OK [COPYUID 14] args=<14> text=<x>\n");
	EVENTS("* [COPYUID 14 1:3 7:9]\r\n",
	    "LINE OK [COPYUID 14] args=<14 1:3 7:9> uids=1:3 to=7:9 "
	    "text=<>\n");
	EVENTS("* OK [copyuid 14 1,3 7:8] Moved\r\na OK Done\r\n",
	    "LINE OK [COPYUID 14] args=<14 1,3 7:8> uids=1,3 to=7:8 "
	    "text=<Moved>\nTAGGED tag=<a> OK text=<Done>\n");
	EVENTS("a OK [APPENDUID 4294967295 7] x\r\n",
	    "TAGGED tag=<a> OK [APPENDUID 4294967295] "
	    "args=<4294967295 7> uids=7 text=<x>\n");
	/* Pairs that don't pair, sets that name what is not known. */
	EVENTS("a OK [COPYUID 14 1:3 7:8] x\r\n"
	    "b OK [COPYUID 14 1:* 1:*] x\r\nc OK [COPYUID 14 1] x\r\n"
	    "d OK [COPYUID x 1 1] x\r\ne OK [COPYUID 14 1 1 1] x\r\n"
	    "f OK [APPENDUID 14] x\r\ng OK [APPENDUID 14 0] x\r\n",
	    "TAGGED tag=<a> OK [UNKNOWN 0] args=<14 1:3 7:8> text=<x>\n"
	    "TAGGED tag=<b> OK [UNKNOWN 0] args=<14 1:* 1:*> text=<x>\n"
	    "TAGGED tag=<c> OK [UNKNOWN 0] args=<14 1> text=<x>\n"
	    "TAGGED tag=<d> OK [UNKNOWN 0] args=<x 1 1> text=<x>\n"
	    "TAGGED tag=<e> OK [UNKNOWN 0] args=<14 1 1 1> text=<x>\n"
	    "TAGGED tag=<f> OK [UNKNOWN 0] args=<14> text=<x>\n"
	    "TAGGED tag=<g> OK [UNKNOWN 0] args=<14 0> text=<x>\n");
}

static void
test_torture_13_zeros(void **state)
{
	(void)state;
	EVENTS("* OK [UIDNEXT 0] .\r\n* OK [UIDVALIDITY 0] .\r\n"
	    "* OK [UNSEEN 0] .\r\n",
	    "LINE OK [UIDNEXT 0] args=<0> text=<.>\n"
	    "LINE OK [UIDVALIDITY 0] args=<0> text=<.>\n"
	    "LINE OK [UNKNOWN 0] args=<0> text=<.>\n");
}

static void
test_torture_14_numbers(void **state)
{
	(void)state;
	EVENTS("* STATUS x (MESSAGES 9.3736e+06 UIDNEXT -1 UIDVALIDITY 5 "
	    "HIGHESTMODSEQ -1)\r\n", "STATUS name=<x> uidvalidity=5\n");
	EVENTS("* 1 FETCH (UID 5 RFC822.SIZE -1 MODSEQ (-1))\r\n"
	    "* 1 FETCH (UID 5 RFC822.SIZE 9.3736e+06 MODSEQ (0))\r\n"
	    "* 1 FETCH (UID 5 RFC822.SIZE 4294967295 MODSEQ "
	    "(9223372036854775807))\r\n"
	    "* 1 FETCH (UID 5 RFC822.SIZE 4294967296 MODSEQ "
	    "(9223372036854775808))\r\n"
	    "* 1 FETCH (UID 5 MODSEQ 12)\r\n",
	    "FETCH seq=1 uid=5\nFETCH seq=1 uid=5\n"
	    "FETCH seq=1 uid=5 size=4294967295 modseq=9223372036854775807\n"
	    "FETCH seq=1 uid=5\nFETCH seq=1 uid=5 modseq=12\n");
	EVENTS("* 1 FETCH (UID 0)\r\n* 1 FETCH (UID -1)\r\n"
	    "* 1 FETCH (UID 4294967296)\r\n* 1 FETCH (UID +7)\r\n",
	    "FETCH seq=1 uid=0\nFETCH seq=1 uid=0\nFETCH seq=1 uid=0\n"
	    "FETCH seq=1 uid=0\n");
	EVENTS("* OK [UIDNEXT 4294967296] x\r\n* OK [HIGHESTMODSEQ -1] x\r\n"
	    "* OK [UIDVALIDITY 1e3] x\r\n",
	    "LINE OK [UNKNOWN 0] args=<4294967296> text=<x>\n"
	    "LINE OK [UNKNOWN 0] args=<-1> text=<x>\n"
	    "LINE OK [UNKNOWN 0] args=<1e3> text=<x>\n");
	EVENTS("* QUOTA \"\" (STORAGE 9.3736e+06 18446744073709551616)\r\n"
	    "* -1 EXISTS\r\n* 9.3e6 FETCH (BODY[] {3}\r\nabc)\r\n",
	    "UNKNOWN\nUNKNOWN\nUNKNOWN\n");
	EVENTS("* 4294967295 EXISTS\r\n", "EXISTS 4294967295\n");
	REFUSED("* 4294967296 EXISTS\r\n", "");
}

static void
test_torture_15_capability_spellings(void **state)
{
	(void)state;
	EVENTS("* CAPABILITY imap4rev1 LITERAL +  IDLE IDLE \r\n"
	    "* CAPABILITY IDLE\r\n* CAPABILITY\r\n",
	    "CAPABILITY caps=<imap4rev1 LITERAL+ IDLE IDLE>\n"
	    "CAPABILITY caps=<IDLE>\nCAPABILITY caps=<>\n");
	EVENTS("a OK [CAPABILITY A  LITERAL + B ] in\r\n",
	    "TAGGED tag=<a> OK [CAPABILITY 0] args=<A LITERAL+ B> "
	    "caps=<A LITERAL+ B> text=<in>\n");
}

static void
test_torture_16_list_names(void **state)
{
	(void)state;
	EVENTS("* LIST () \"/\" 2024:Q1\r\n* LIST () \"/\" 1,a\r\n"
	    "* LIST () \"/\" 123\r\n* LIST () NIL NIL\r\n",
	    "LIST name=<2024:Q1> delimiter=/\n"
	    "LIST name=<1,a> delimiter=/\nLIST name=<123> delimiter=/\n"
	    "LIST name=<NIL>\n");
	EVENTS("* LIST (\\Noselect) \"/\" {5}\r\nba\"ck\r\n"
	    "* LIST () \"/\" {0}\r\n\r\n* LIST () \"/\" \"\"\r\n",
	    "LIST name=<ba\"ck> delimiter=/ noselect\n"
	    "LIST name=<> delimiter=/\nLIST name=<> delimiter=/\n");
	EVENTS("* LIST () \"/\" a\tb\x01" "c d\r\n"
	    "* LIST () \"/\" \"a \"b\" c\"\r\n"
	    "* LIST () \"/\" \"a \\\"b\\\" \\\\c\"\r\n",
	    "LIST name=<a%09b%01c d> delimiter=/\n"
	    "LIST name=<a \"b\" c> delimiter=/\n"
	    "LIST name=<a \"b\" \\c> delimiter=/\n");
	EVENTS("* LIST () \"\\\\\" \"a\\\\b\"\r\n* LIST () \"\\\" x\r\n"
	    "* LIST () \"\" x\r\n* LIST () . .x\r\n",
	    "LIST name=<a\\b> delimiter=\\\nLIST name=<x> delimiter=\\\n"
	    "LIST name=<x>\nLIST name=<.x> delimiter=.\n");
	EVENTS("* LIST (\\HasNoChildren\\Sent) \"/\" Sent\r\n"
	    "* XLIST (\\NonExistent \\noinferiors \\Spam) \"/\" \"J\"\r\n"
	    "* LSUB () \"/\" INBOX\r\n* LIST () \"/\" Inbox\r\n",
	    "LIST name=<Sent> delimiter=/ use=6\n"
	    "LIST name=<J> delimiter=/ noselect nonexistent noinferiors "
	    "use=5\n"
	    "LIST name=<INBOX> delimiter=/ subscribed\n"
	    "LIST name=<Inbox> delimiter=/\n");
	EVENTS("* LIST (\\Subscribed) \"/\" foo (\"CHILDINFO\" "
	    "(\"SUBSCRIBED\"))\r\n* LIST () \"/\" \"a (b\" (\"OLDNAME\" "
	    "(\"x\"))\r\n* LIST () \"/\" a{5}\r\n",
	    "LIST name=<foo> delimiter=/ subscribed\n"
	    "LIST name=<a (b> delimiter=/\nLIST name=<a{5}> delimiter=/\n");
	EVENTS("* NAMESPACE ((\"\" \"\\\\\")) NIL NIL\r\n* NAMESPACE NIL NIL NIL\r\n"
	    "* NAMESPACE ((\"INBOX\\\\\" \"\\\")) NIL NIL\r\n"
	    "* NAMESPACE (({2}\r\na. NIL)) NIL NIL\r\n",
	    "NAMESPACE name=<> delimiter=\\\nNAMESPACE name=<>\n"
	    "NAMESPACE name=<INBOX\\> delimiter=\\\nNAMESPACE name=<a.>\n");
	REFUSED("* NAMESPACE ((\"x)) NIL NIL\r\n", "");
	/* A name that no command can say again. */
	EVENTS("* LIST () \"/\" {3}\r\na\nb\r\n* LIST () \"/\" {3}\r\na\0b"
	    "\r\n", "UNKNOWN\nUNKNOWN\n");
	/* A line that was lost would look like a deleted folder. */
	REFUSED("* LIST (\\Sent \"/\" x\r\n", "");
	REFUSED("* LIST () \"/\"\r\n", "");
	REFUSED("* LIST () \"ab\" x\r\n", "");
	REFUSED("* LIST () \"/\" \"x\r\n", "");
	REFUSED("* LIST\r\n", "");
}

static void
test_torture_18_flags(void **state)
{
	(void)state;
	EVENTS("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft "
	    "\\Recent $Forwarded 1st b]x \\Foo \\*)\r\n",
	    "FLAGS flags=3f(1st)*\n");
	EVENTS("* OK [PERMANENTFLAGS (a]b \\Seen $MDNSent \\*)] Limited\r\n",
	    "LINE OK [PERMANENTFLAGS 0] args=<(a]b \\Seen $MDNSent \\*)> "
	    "flags=10($MDNSent)* text=<Limited>\n");
	EVENTS("* 1 FETCH (UID 5 FLAGS (zeta \\Foo Alpha \\* 9 x\xe4 "
	    "\\seen zeta))\r\n", "FETCH seq=1 uid=5 flags=10(9 Alpha zeta)\n");
	EVENTS("* 1 FETCH (FLAGS NIL UID 5)\r\n* FLAGS NIL\r\n",
	    "FETCH seq=1 uid=5\nUNKNOWN\n");
}

static void
test_torture_19_search(void **state)
{
	(void)state;
	EVENTS("* SEARCH 1 2\r\n* SEARCH 5 4 \r\n* SEARCH\r\n* SEARCH \r\n"
	    "* SEARCH 2 (MODSEQ 917162500)\r\n",
	    "SEARCH uids=1:2\nSEARCH uids=4:5\nSEARCH uids=\nSEARCH uids=\n"
	    "SEARCH uids=2\n");
	EVENTS("* ESEARCH (TAG \"a\") UID COUNT 5 ALL 1:3,9\r\n"
	    "* ESEARCH (TAG \"a\") UID\r\n* ESEARCH UID COUNT 0\r\n"
	    "* ESEARCH\r\n* ESEARCH (TAG {1}\r\na) UID ALL 7 MODSEQ 9\r\n"
	    "* ESEARCH (TAG \"a\") ALL 3 PARTIAL (1:2 4,5) COUNT 1\r\n",
	    "SEARCH esearch uid count=5 uids=1:3,9\n"
	    "SEARCH esearch uid uids=\nSEARCH esearch uid count=0 uids=\n"
	    "SEARCH esearch uids=\nSEARCH esearch uid uids=7\n"
	    "SEARCH esearch count=1 uids=3\n");
	/* An incomplete enumeration would look like deleted messages. */
	REFUSED("* SEARCH 1 x\r\n", "");
	REFUSED("* SEARCH 0\r\n", "");
	REFUSED("* SEARCH 4294967296\r\n", "");
	REFUSED("* ESEARCH (TAG \"a\") UID ALL 1:3,x\r\n", "");
	REFUSED("* ESEARCH (TAG \"a\") UID ALL 1:*\r\n", "");
}

static void
test_torture_20_vanished(void **state)
{
	(void)state;
	EVENTS("* VANISHED (EARLIER) 41,43:116\r\n"
	    "* VANISHED (earlier) 9:3\r\n* VANISHED 1:*\r\n"
	    "* VANISHED 1:4294967295\r\n* VANISHED 405,407,410,425 \r\n",
	    "VANISHED earlier uids=41,43:116\nVANISHED earlier uids=3:9\n"
	    "VANISHED uids=1:4294967295\nVANISHED uids=1:4294967295\n"
	    "VANISHED uids=405,407,410,425\n");
	EVENTS("* VANISHED 0:1\r\n* VANISHED\r\n* VANISHED (EARLIER)\r\n"
	    "* VANISHED (EARLIER) \r\n* VANISHED 1,x\r\n* VANISHED (x\r\n",
	    "VANISHED uids=\nVANISHED uids=\nVANISHED earlier uids=\n"
	    "VANISHED earlier uids=\nVANISHED uids=\nVANISHED uids=\n");
}

static void
test_torture_21_exists_goes_down(void **state)
{
	(void)state;
	EVENTS("* 5 EXISTS\r\n* 3 EXISTS\r\n* 0 EXISTS\r\n* 1 RECENT\r\n",
	    "EXISTS 5\nEXISTS 3\nEXISTS 0\nUNKNOWN\n");
}

static void
test_torture_22_continuations(void **state)
{
	(void)state;
	EVENTS("+\r\n+ \r\n+ go ahead {5}\r\n+idling\r\n+ YWJj\r\n",
	    "CONTINUE text=<>\nCONTINUE text=<>\n"
	    "CONTINUE text=<go ahead {5}>\nCONTINUE text=<idling>\n"
	    "CONTINUE text=<YWJj>\n");
}

static void
test_torture_23_tags(void **state)
{
	(void)state;
	EVENTS(" OK done\r\nzzz9 NO old\r\n* BAD what\r\n* NO wait\r\n"
	    "* BAD\r\na bad x {3}\r\n",
	    "TAGGED tag=<> OK text=<done>\nTAGGED tag=<zzz9> NO text=<old>\n"
	    "LINE BAD text=<what>\nLINE NO text=<wait>\nLINE BAD text=<>\n"
	    "TAGGED tag=<a> BAD text=<x {3}>\n");
	REFUSED("HTTP/1.1 400 Bad Request\r\n", "");
	REFUSED("SSH-2.0-OpenSSH_9.2\r\n", "");
	REFUSED("garbage\r\n", "");
	REFUSED("a BYE\r\n", "");
}

static void
test_torture_24_bye_and_more(void **state)
{
	(void)state;
	EVENTS("* BYE [UNAVAILABLE] out\r\n* BYE\r\n* BYE x {9}\r\n"
	    "* 3 EXISTS\r\n",
	    "LINE BYE [UNAVAILABLE 0] args=<> text=<out>\n"
	    "LINE BYE text=<>\nLINE BYE text=<x {9}>\nEXISTS 3\n");
}

static void
test_torture_25_leading_nuls(void **state)
{
	(void)state;
	EVENTS("\0\0\0* 3 EXISTS\r\n\0* 4 EXISTS\r\n\0\0",
	    "EXISTS 3\nEXISTS 4\n");
}

static void
test_torture_26_line_ends_and_wrong_literals(void **state)
{
	(void)state;
	EVENTS("* 3 EXISTS\n* 1 FETCH (UID 5 BODY[] {3}\na\nb)\na OK x\n",
	    "EXISTS 3\nBEGIN seq=1 uid=5 size=3 section=<> a%0ab\nEND\n"
	    "FETCH seq=1 uid=5 streamed section=<>\nTAGGED tag=<a> OK "
	    "text=<x>\n");
	EVENTS("\r\n\r\n\n* 3 EXISTS\r\n", "EXISTS 3\n");
	/* What ends a literal is not the end of a line, and announces none. */
	EVENTS("* LIST () \"/\" {2}\r\na\r\n* LIST () \"/\" {3}\r\n{5}\r\n",
	    "UNKNOWN\nLIST name=<{5}> delimiter=/\n");
	/* Announced too short: by one, by two, by a stray CRLF, by more. */
	REFUSED("* 1 FETCH (UID 5 BODY[] {2}\r\nabc)\r\n",
	    "BEGIN seq=1 uid=5 size=2 section=<> ab\nEND\n");
	REFUSED("* 1 FETCH (UID 5 BODY[] {2}\r\nab))\r\n",
	    "BEGIN seq=1 uid=5 size=2 section=<> ab\nEND\n");
	REFUSED("* 1 FETCH (UID 5 BODY[] {2}\r\nab\r\n)\r\n",
	    "BEGIN seq=1 uid=5 size=2 section=<> ab\nEND\n");
	REFUSED("* 1 FETCH (UID 5 BODY[] {2}\r\nab\r\n UID 5)\r\n",
	    "BEGIN seq=1 uid=5 size=2 section=<> ab\nEND\n");
	/* This looks like the end of the row; only RFC822.SIZE can tell. */
	REFUSED("* 1 FETCH (UID 5 BODY[] {2}\r\nab) \r\nx)\r\n",
	    "BEGIN seq=1 uid=5 size=2 section=<> ab\nEND\n"
	    "FETCH seq=1 uid=5 streamed section=<>\n");
	/* Too long: it swallows the parenthesis, the line, more. */
	REFUSED("* 1 FETCH (UID 5 BODY[] {4}\r\nabc)\r\n",
	    "BEGIN seq=1 uid=5 size=4 section=<> abc)\nEND\n");
	REFUSED("* 1 FETCH (UID 5 BODY[] {6}\r\nabc)\r\n* 3 EXISTS\r\n",
	    "BEGIN seq=1 uid=5 size=6 section=<> abc)%0d%0a\nEND\n");
	/* The end of the connection: more is needed. */
	EVENTS("* 1 FETCH (UID 5 BODY[] {9}\r\nabc",
	    "BEGIN seq=1 uid=5 size=9 section=<> abc");
}

static void
test_torture_27_literal_spellings(void **state)
{
	(void)state;
	EVENTS("* 1 FETCH (UID 5 BODY[] {0}\r\n)\r\n"
	    "* 1 FETCH (UID 5 BODY[] {3+}\r\nabc)\r\n"
	    "* 1 FETCH (UID 5 BINARY[] ~{3}\r\na\0c)\r\n"
	    "* 1 FETCH (UID 5 BODY[] {003}\r\n)\r\n)\r\n",
	    "BEGIN seq=1 uid=5 size=0 section=<> \nEND\n"
	    "FETCH seq=1 uid=5 streamed section=<>\n"
	    "BEGIN seq=1 uid=5 size=3 section=<> abc\nEND\n"
	    "FETCH seq=1 uid=5 streamed section=<>\n"
	    "BEGIN seq=1 uid=5 size=3 section=<> a%00c\nEND\n"
	    "FETCH seq=1 uid=5 streamed section=<>\n"
	    "BEGIN seq=1 uid=5 size=3 section=<> )%0d%0a\nEND\n"
	    "FETCH seq=1 uid=5 streamed section=<>\n");
	EVENTS("* 1 FETCH (UID 5 BODY[] {4294967295}\r\nab",
	    "BEGIN seq=1 uid=5 size=4294967295 section=<> ab");
	REFUSED("* 1 FETCH (UID 5 BODY[] {4294967296}\r\n", "");
	REFUSED("* 1 FETCH (BODY[] {99999999999999999999999999}\r\n", "");
	REFUSED("* 1 FETCH (UID 5 {3}\r\nabc)\r\n", "");
	REFUSED("* 1 FETCH {3}\r\nabc\r\n", "");
}

static void
test_torture_28_extra_parentheses(void **state)
{
	(void)state;
	EVENTS("* 1 FETCH ((UID 5 FLAGS (\\Seen)))\r\n"
	    "* 1 FETCH (UID 5 FLAGS ()))\r\n"
	    "* 1 FETCH ((UID 5) (FLAGS ()))\r\n",
	    "FETCH seq=1 uid=5 flags=10()\nFETCH seq=1 uid=5 flags=00()\n"
	    "FETCH seq=1 uid=5 flags=00()\n");
	EVENTS("* 1 FETCH ((BODY[] {1}\r\nx UID 5))\r\n",
	    "BEGIN seq=1 uid=0 size=1 section=<> x\nEND\n"
	    "FETCH seq=1 uid=5 streamed section=<>\n");
	REFUSED("* 1 FETCH ((UID 5)\r\n", "");
	REFUSED("* 1 FETCH UID 5\r\n", "");
}

static void
test_torture_31_unknown_codes(void **state)
{
	(void)state;
	EVENTS("* OK [X-FOO [a \"]\" (b]) c] d] text [x]\r\n"
	    "* OK [X \"unclosed] text\r\n* OK [UNKNOWN-CTE\r\n"
	    "* NO [] x\r\n* OK [badcharset ({3} a)] x\r\n",
	    "LINE OK [UNKNOWN 0] args=<[a \"]\" (b]) c] d> text=<text [x]>\n"
	    "LINE OK [UNKNOWN 0] args=<\"unclosed> text=<text>\n"
	    "LINE OK text=<[UNKNOWN-CTE>\n"
	    "LINE NO text=<x>\n"
	    "LINE OK [UNKNOWN 0] args=<({3} a)> text=<x>\n");
}

static void
test_torture_32_id(void **state)
{
	(void)state;
	EVENTS("* ID NIL\r\n* ID (\"name\" \"x\" \"odd\")\r\n"
	    "* ID (\"name\" {3}\r\n\"\r\n \"v\" NIL)\r\n* 1 EXISTS\r\n",
	    "ID name=<> vendor=<> version=<>\n"
	    "ID name=<x> vendor=<> version=<>\n"
	    "ID name=<\"%0d%0a> vendor=<> version=<>\nEXISTS 1\n");
}

static void
test_torture_33_enabled(void **state)
{
	(void)state;
	EVENTS("* ENABLED\r\n* ENABLED \r\n* ENABLED CONDSTORE  QRESYNC\r\n",
	    "ENABLED caps=<>\nENABLED caps=<>\n"
	    "ENABLED caps=<CONDSTORE QRESYNC>\n");
}

static void
test_torture_34_uidfetch(void **state)
{
	(void)state;
	EVENTS("* 25996 UIDFETCH (FLAGS (\\Seen) MODSEQ (3))\r\n"
	    "* 25997 UIDFETCH (BODY[] {1}\r\nx UID 25997)\r\n",
	    "FETCH seq=0 uid=25996 flags=10() modseq=3\n"
	    "BEGIN seq=0 uid=25997 size=1 section=<> x\nEND\n"
	    "FETCH seq=0 uid=25997 streamed section=<>\n");
	REFUSED("* 25997 UIDFETCH (UID 3)\r\n", "");
}

static void
test_torture_35_internaldate(void **state)
{
	(void)state;
	EVENTS("* 1 FETCH (UID 5 INTERNALDATE \" 1-Feb-2020 10:00:00 "
	    "+0000\")\r\n* 1 FETCH (INTERNALDATE \"1-Jan-1969 00:00:00 "
	    "+0000\" UID 5)\r\n* 1 FETCH (INTERNALDATE \"00-Jan-0000 "
	    "00:00:00 +0000\" UID 5)\r\n* 1 FETCH (INTERNALDATE NIL UID 5)"
	    "\r\n",
	    "FETCH seq=1 uid=5 date=1580551200\n"
	    "FETCH seq=1 uid=5 date=-31536000\nFETCH seq=1 uid=5\n"
	    "FETCH seq=1 uid=5\n");
}

static void
test_torture_36_flag_order(void **state)
{
	(void)state;
	EVENTS("* 1 FETCH (FLAGS (b \\Seen a) UID 5)\r\n"
	    "* 1 FETCH (FLAGS (A B \\SEEN) UID 5)\r\n",
	    "FETCH seq=1 uid=5 flags=10(a b)\n"
	    "FETCH seq=1 uid=5 flags=10(A B)\n");
}

static void
test_torture_37_throttle_text(void **state)
{
	(void)state;
	EVENTS("a BAD Request is throttled. Suggested Backoff Time: 299961 "
	    "milliseconds\r\nb NO [LIMIT] Request is throttled.\r\n",
	    "TAGGED tag=<a> BAD text=<Request is throttled. Suggested "
	    "Backoff Time: 299961 milliseconds>\n"
	    "TAGGED tag=<b> NO [LIMIT 0] args=<> text=<Request is "
	    "throttled.>\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_torture_01_code_without_text),
		cmocka_unit_test(test_torture_02_alert_and_preauth_greetings),
		cmocka_unit_test(test_torture_03_empty_status),
		cmocka_unit_test(test_torture_04_status_without_requested_items),
		cmocka_unit_test(test_torture_05_mailboxid_of_raw_bytes),
		cmocka_unit_test(test_torture_06_expunged),
		cmocka_unit_test(test_torture_07_fetch_of_message_0),
		cmocka_unit_test(test_torture_08_rows_in_any_order_and_split),
		cmocka_unit_test(test_torture_09_no_body),
		cmocka_unit_test(test_torture_10_body_as_quoted_string),
		cmocka_unit_test(test_torture_11_section_differs),
		cmocka_unit_test(test_torture_12_copyuid),
		cmocka_unit_test(test_torture_13_zeros),
		cmocka_unit_test(test_torture_14_numbers),
		cmocka_unit_test(test_torture_15_capability_spellings),
		cmocka_unit_test(test_torture_16_list_names),
		cmocka_unit_test(test_torture_18_flags),
		cmocka_unit_test(test_torture_19_search),
		cmocka_unit_test(test_torture_20_vanished),
		cmocka_unit_test(test_torture_21_exists_goes_down),
		cmocka_unit_test(test_torture_22_continuations),
		cmocka_unit_test(test_torture_23_tags),
		cmocka_unit_test(test_torture_24_bye_and_more),
		cmocka_unit_test(test_torture_25_leading_nuls),
		cmocka_unit_test(
		    test_torture_26_line_ends_and_wrong_literals),
		cmocka_unit_test(test_torture_27_literal_spellings),
		cmocka_unit_test(test_torture_28_extra_parentheses),
		cmocka_unit_test(test_torture_31_unknown_codes),
		cmocka_unit_test(test_torture_32_id),
		cmocka_unit_test(test_torture_33_enabled),
		cmocka_unit_test(test_torture_34_uidfetch),
		cmocka_unit_test(test_torture_35_internaldate),
		cmocka_unit_test(test_torture_36_flag_order),
		cmocka_unit_test(test_torture_37_throttle_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
