/*
 * What a header field says, for people: in UTF-8, on one line, the words of
 * RFC 2047 decoded, cut at a character. What can't be decoded stays as it is.
 */
#ifndef MAIL_TEXT_H
#define MAIL_TEXT_H

#include "base/str.h"

#define MAIL_TEXT_MAX	100	/* octets */

/* raw is the field's body, with or without the ends of its lines. */
void mail_text_decode(char out[MAIL_TEXT_MAX + 1], struct span raw);
/* The name of the first one of From, else the address. */
void mail_text_sender(char out[MAIL_TEXT_MAX + 1], struct span raw);

#endif
