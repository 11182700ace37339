"""The other end of the demo: fills Jane's mailbox, changes it as a phone would,
and compares it with the Maildir. demo.py fill|change|compare PORT MAILDIR
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))

import judge			# noqa: E402
from imapclient import Imap	# noqa: E402
from maildirview import Maildir	# noqa: E402

JANE = "Jane Tern <jane@example.org>"
PEOPLE = ["Max Winter <max@example.org>", "Ada Berg <ada@example.net>",
    "Ren\u00e9e Lindqvist <renee@example.com>", "Tom Okafor <tom@example.org>"]
LIST = "Coastal Birds <birds@lists.example.org>"
START = 1693900000	# 5 September 2023

INBOX = [
	("Lunch on Thursday?", "Shall we try the new place by the harbour?"),
	("Re: Lunch on Thursday?", "Half past twelve. I book a table."),
	("Your parcel is on its way", "It should arrive tomorrow by noon."),
	("Photos from the island", "The light was perfect. Enjoy!"),
	("Gr\u00fc\u00dfe aus L\u00fcbeck", "Das Marzipan ist schon verpackt."),
	("Invoice 2023-118", "Please find the amount of 84.50 below."),
	("Minutes of Monday", "1. Budget\n2. Boats\n3. Any other business"),
	("Re: Minutes of Monday", "Point 2 should read: two boats."),
	("The keys", "They are under the third flower pot."),
	("Concert tickets", "Row 7, seats 12 and 13. Doors open at 19:00."),
	("Re: Concert tickets", "Wonderful, see you there."),
	("Sailing course", "We start on Saturday, whatever the weather."),
	("Recipe", "Cook it slowly, and do not forget the dill."),
	("Weekend", "Nothing planned yet. You?"),
]
WORK = ["Draft of the report", "Re: Draft of the report", "Q3 figures",
    "Server move on Friday", "Re: Server move on Friday", "New colleague",
    "Vacation list", "Travel costs"]
BIRDS = ["Arctic terns seen at the pier", "Re: Arctic terns seen at the pier",
    "Ringing results 2023", "Which gull is this?",
    "Re: Which gull is this?", "Autumn meeting", "Boat to the reserve",
    "Counting weekend", "Re: Counting weekend", "Storm damage"]


def encoded(text):
	if text.isascii():
		return text
	return "=?utf-8?Q?%s?=" % "".join(c if c.isalnum() and c.isascii()
	    else "_" if c == " " else "".join("=%02X" % b for b in c.encode())
	    for c in text)


def mail(n, subject, body, sender, to=JANE, extra=""):
	stamp = START + n * 40000
	date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(stamp))
	text = ("From: %s\nTo: %s\nSubject: %s\nDate: %s\n"
	    "Message-ID: <%d.tern@example.org>\n%sMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n\n%s\n" % (
	    encoded_address(sender), encoded_address(to), encoded(subject),
	    date, n, extra, body))
	return text.replace("\n", "\r\n").encode(), stamp


def encoded_address(address):
	name, _, rest = address.partition(" <")
	return "%s <%s" % (encoded(name), rest)


def fill(imap):
	n = 0
	for folder in ("Sent", "Drafts", "work", "lists/birds"):
		imap.create(folder)
	todo = [("INBOX", s, b, PEOPLE, "") for s, b in INBOX]
	todo += [("work", s, "Please have a look before Friday.", PEOPLE, "")
	    for s in WORK]
	todo += [("lists/birds", s, "More on the web page of the group.",
	    PEOPLE, "List-Id: <birds.lists.example.org>\n") for s in BIRDS]
	todo += [("Sent", "Re: " + s, "Thank you!", [JANE], "")
	    for s, _ in INBOX[3:11]]
	for folder, subject, body, people, extra in todo:
		n += 1
		data, stamp = mail(n, subject, body, people[n % len(people)],
		    PEOPLE[n % 4] if folder == "Sent" else JANE, extra)
		flags = ["\\Seen"] if n % 4 or folder == "Sent" else []
		if n % 7 == 0:
			flags.append("\\Answered")
		imap.append(folder, data, flags, stamp)
	print("%d messages in %d folders" % (n, len(imap.folders())))


def change(imap):
	uids = sorted(imap.messages("lists/birds", False))
	imap.store("lists/birds", uids[:3], "+", ["\\Seen", "\\Flagged"])
	print("phone: three messages of lists/birds are read and flagged")
	imap.expunge("lists/birds", uids[-1])
	print("phone: the last one is deleted")
	data, stamp = mail(90, "Tea it is", "Four o'clock. I bring the cake.",
	    PEOPLE[0])
	imap.append("INBOX", data, [], stamp)
	print("server: Max has answered")
	imap.create("travel")
	data, stamp = mail(91, "Your booking", "Ferry, two persons, one dog.",
	    PEOPLE[1])
	imap.append("travel", data, ["\\Seen"], stamp)
	print("phone: a new folder, travel, with one message")


def compare(imap, maildir):
	remote, local = judge.view_remote(imap), judge.view_local(maildir)
	verdict = judge.judge(local, remote)
	total = sum(map(len, remote.values()))
	if total < 40:
		verdict.add("lost", "only %d messages on the server", total)
	if not verdict.good():
		print("demo: the two sides differ:\n%s" % verdict)
		return 1
	print("equal: %d messages in %d folders, byte for byte, with flags and "
	    "dates" % (total, len(remote)))
	return 0


def main():
	what, port, root = sys.argv[1:]
	with Imap("127.0.0.1", int(port), "jane", "pw") as imap:
		if what == "fill":
			return fill(imap)
		if what == "change":
			return change(imap)
		return compare(imap, Maildir(root))


if __name__ == "__main__":
	sys.exit(main())
