/* The phases of a run, each in the file that is named. */
#ifndef SYNC_RUN_PHASES_H
#define SYNC_RUN_PHASES_H

#include "run/phase.h"

enum task_result phases_begin(struct task *);	/* the first step of a run */
void phases_release(struct run *);

/* open.c: index and Maildir are opened, and are those of the account. From then
 * on the disk is looked at while the connection is made (prescan.c). */
phase_starter open_start;
/* settle_wait.c: what a run that was cut off sent last may still be under way.
 * */
phase_starter settle_wait_start;
/* connect.c: a session, and the folders of both sides. */
phase_starter connect_start;
/* scan.c: each directory once; what was missing, a second time; and what the
 * files are that were not pushed. */
phase_starter first_scan_start;
phase_starter second_scan_start;
phase_starter digest_unpushed_start;
/* adoption.c: a first run that may be a mistake pairs first. Then it is known
 * whether it goes on. */
phase_starter adoption_start;
phase_starter adoption_settle_start;
/* make_directories.c: of folders that are new here, all at once. */
phase_starter make_directories_start;
/* folder_tasks.c: what adds and what changes, several folders at a time. */
phase_starter folder_tasks_start;
/* uploads.c: what is new on disk, after all pulls, so that what the server has
 * is known: what earlier runs began is settled, the rest is uploaded; then
 * another look at what the server made of it. copies.c: in between, what the
 * server has already is copied there. */
phase_starter uploads_settle_start;
phase_starter copies_start;
phase_starter uploads_start;
phase_starter look_again_start;
/* once_more.c: a merge of folders, or --undo-deletes; a dry run's words. */
phase_starter once_more_start;
phase_starter preview_undo_start;
bool wants_once_more(const struct run *);
bool has_another_round(const struct run *);
/* removals.c: how much would vanish (removal_check.c); what removes; and rows
 * that both sides lost by themselves. */
phase_starter removal_check_start;
phase_starter removals_start;
phase_starter forget_start;
/* verify.c: a few pairs a day that are only likely. */
phase_starter verify_phase_start;
/* folder_drop.c: folders that are gone on one side. */
phase_starter folder_drop_start;
/* attic_expiry.c: what was kept long enough. */
phase_starter attic_expiry_start;
/* unread.c: what was read here, and can't be marked so on the server. */
phase_starter unread_start;
/* drafts.c: drafts that others have replaced are let go. */
phase_starter drafts_start;
/* unseen.c: what waits for messages that the server does not show. */
phase_starter unseen_start;
/* close.c: what is to be told; then all is closed, unless the account stays. */
phase_starter settle_start;
phase_starter close_start;

#endif
