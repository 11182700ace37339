/* Every limit on what a server, a file or a message may make us hold. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define LIMIT_RESPONSE		(1u << 20)	/* less streamed literals */
#define LIMIT_INLINE_LITERAL	(64u << 10)	/* larger ones: streamed */
#define LIMIT_MESSAGE		(4294967295u)	/* octets, as on the wire */
#define LIMIT_DEPTH		64		/* nested parentheses */
#define LIMIT_FOLDERS		100000		/* LIST lines of one account */
#define LIMIT_FOLDER_NAME	1000		/* bytes, UTF-8 */
#define LIMIT_KEYWORDS		4096		/* bytes, on one message */
#define LIMIT_KEYWORD		200		/* bytes of one keyword */
#define LIMIT_HEADER		(256u << 10)	/* bytes read for identity */
#define LIMIT_SASL		(16u << 10)	/* one challenge */
#define LIMIT_STREAM_IN		(256u << 10)	/* bytes waiting for parsing */
#define LIMIT_STREAM_OUT	(1u << 20)	/* bytes waiting to be sent */
#define LIMIT_CONFIG		(1u << 20)	/* syncrc */
#define LIMIT_SECRET		4096		/* password */
#define LIMIT_COMMAND_LINE	8000		/* one command, less literals */
#define LIMIT_CONNECTIONS	16		/* of one account */

#endif
