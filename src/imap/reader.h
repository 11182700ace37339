/*
 * What the files of the reader (imap/resp.h) share. It has two layers: framing
 * (reader.c) collects a response and decides about each literal; then one
 * parser per response works on the whole text. Only FETCH is parsed while it
 * arrives, because what its literals are depends on the item they follow.
 *
 * The collected text: line ends are taken off; the announcement "{n}" of a
 * literal that is kept is followed by LF and its n octets. As no other LF can
 * be there, "{n}" LF says without doubt that a literal follows. A literal that
 * is streamed or skipped leaves only its "{n}" behind.
 */
#ifndef IMAP_READER_H
#define IMAP_READER_H

#include "imap/resp.h"

/* An unfinished look at text that may be rewritten in place (unquoting). */
struct cursor {
	char *p, *end;
};

/* What the next bytes of the stream are. */
enum frame {
	FRAME_LINE,
	FRAME_KEEP,		/* a literal that is part of the response */
	FRAME_SKIP,		/* one that nobody wants */
	FRAME_BODY,		/* one that is handed out in pieces */
};

/* What "{n}" at the end of a line means in this response. */
enum shape {
	SHAPE_NEW,		/* nothing read yet */
	SHAPE_TEXT,		/* text for humans: no literal */
	SHAPE_KEEP,
	SHAPE_SKIP,
	SHAPE_FETCH,		/* fetch_literal() knows */
};

enum word {
	WORD_OTHER, WORD_STATUS_LINE, WORD_TAGGED, WORD_CONTINUE,
	WORD_CAPABILITY, WORD_ENABLED, WORD_LIST, WORD_LSUB, WORD_STATUS,
	WORD_NAMESPACE, WORD_FLAGS, WORD_SEARCH, WORD_ESEARCH, WORD_VANISHED,
	WORD_EXISTS, WORD_EXPUNGE, WORD_FETCH, WORD_UIDFETCH, WORD_ID,
};

enum attr {
	ATTR_NONE,		/* the name of an item comes next */
	ATTR_OTHER, ATTR_UID, ATTR_FLAGS, ATTR_SIZE, ATTR_DATE, ATTR_MODSEQ,
	ATTR_BODY, ATTR_LINEAGE,
};

/* Offsets, because the collected text may still move. */
struct piece {
	size_t at, n;
};

/* FETCH as far as it was read. */
struct fetch_scan {
	size_t pos;		/* up to here it is done */
	unsigned depth;		/* parentheses around items */
	unsigned nest;		/* parentheses inside the value of an item */
	enum attr attr;
	bool closed;		/* the last parenthesis has come */
	bool in_section;	/* the text ended inside BODY[... */
	bool after_literal;	/* only a blank or ")" may follow */
	bool streamed;
	bool bad_flags;
	struct piece section, data;
	const char *whole;	/* the section of an RFC822 item, else NULL */
	struct imap_fetch row;
};

struct imap_reader {
	enum frame frame;
	enum shape shape;
	enum word word;
	uint64_t number;	/* before the word: "* 12 FETCH" */
	enum imap_status status;	/* WORD_STATUS_LINE and WORD_TAGGED */
	struct piece tag;
	size_t rest;		/* where the text behind the word starts */
	size_t segment;		/* where the current line starts in text */
	size_t tail;		/* != 0: text[tail..] is more of a set ... */
	size_t prefix;		/* ... that goes on behind text[..prefix] */
	uint32_t left;		/* octets of the literal still to come */
	bool done;		/* text belongs to the response given last */
	struct err dead;	/* the stream can't be read any further */
	struct buf text;
	struct fetch_scan fetch;
	struct buf words;	/* keywords of the flag list being read */
	char *words_last, *canon;	/* the last list; its canonical form */
	struct uidset uids, to;
};

/* lex.c: each takes what it names and moves on, or fails and stays. */
bool lex_blanks(struct cursor *);		/* any number, or none; true */
bool lex_char(struct cursor *, char);
/* Maybe empty. */
struct span lex_until(struct cursor *, const char *stops);
struct span lex_word(struct cursor *);		/* up to blank or parenthesis */
bool lex_quoted(struct cursor *, struct span *out);	/* unescaped in place */
/* The quote that closes a string, p standing behind the one that opens it. */
char *lex_quote_end(char *p, const char *end);
struct span lex_unquote(char *from, const char *end);	/* in place */
bool lex_literal(struct cursor *, struct span *out);
/* The "{n}" or "{n+}" that ends text: where it starts and n. False when there
 * is none; *too_big when n does not fit 32 bits. */
bool lex_announced(struct span text, size_t *at_out, uint32_t *n_out,
    bool *too_big);
struct cursor lex_cursor(struct imap_reader *, size_t from, size_t to);
/* Refuses the response: its beginning made printable goes into the message. */
int lex_refuse(struct imap_reader *, const char *why, struct err *);

/* words.c: flag lists, capability lists. */
void words_begin(struct imap_reader *);
/* One flag: its bit is added to *flags, a keyword to the list. False when
 * there are too many of them for one message. */
bool words_add(struct imap_reader *, struct span, unsigned *flags);
const char *words_canon(struct imap_reader *);
/* "(\Seen foo)" into out; false when it is no list. */
bool words_flag_list(struct imap_reader *, struct cursor *,
    struct imap_flags *);
/* Words with single blanks between them, "LITERAL +" glued; in place. */
struct span words_squeeze(struct cursor);

/* code.c: "[CODE ...] text" behind a status. */
void code_parse(struct imap_reader *, struct cursor, struct imap_resp *);

/* mailbox.c. 0, or -1 with err. */
int mailbox_list(struct imap_reader *, struct imap_resp *, struct err *);
int mailbox_status(struct imap_reader *, struct imap_resp *, struct err *);
int mailbox_namespace(struct imap_reader *, struct imap_resp *, struct err *);

/* search.c. */
int search_plain(struct imap_reader *, size_t end, struct imap_resp *,
    struct err *);
int search_extended(struct imap_reader *, size_t end, struct imap_resp *,
    struct err *);
int search_vanished(struct imap_reader *, size_t end, struct imap_resp *,
    struct err *);
/* Whether text may be given out as it is, and what belongs to the next
 * response then: sets prefix and tail. */
bool search_split(struct imap_reader *, size_t *end_out);

/* ident.c. */
void ident_parse(struct cursor, struct imap_resp *);

/* fetch.c. */
void fetch_begin(struct imap_reader *);
/* At the "{n}" at text[at]: what to do with the literal. */
int fetch_literal(struct imap_reader *, size_t at, enum frame *out,
    struct err *);
int fetch_end(struct imap_reader *, struct imap_resp *, struct err *);
struct span fetch_section(const struct imap_reader *);

/* resp.c. */
int resp_classify(struct imap_reader *, struct err *);
int resp_parse(struct imap_reader *, size_t end, struct imap_resp *,
    struct err *);

#endif
