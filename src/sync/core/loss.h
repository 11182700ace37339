/*
 * What was in flight when a connection was lost is remembered: such a folder
 * comes last from then on, and on a connection that has done nothing else. When
 * that is lost, too, the step is passed by in this sync, and is an issue. Loop
 * thread.
 */
#ifndef SYNC_CORE_LOSS_H
#define SYNC_CORE_LOSS_H

#include "core/pass.h"
#include "plan/loss.h"

/* For pass.c: it failed; it ended well; it is not to begin. */
void loss_of_pass(struct pass *);
void loss_is_over(struct pass *);
bool loss_passes_by(struct pass *);

/*
 * The first message of those that were asked for and had not come: what is it?
 * Of so many, where that is not known, fewer are asked for at once from now on
 * (folder_loss.at_once).
 */
enum loss_verdict loss_of_message(struct pass *, uint32_t uid,
    const struct loss *);
/* Those that were asked for, by that connection, are through: more of them at
 * once from now on. */
void loss_was_none(struct pass *, struct conn *);
/*
 * A folder was looked for under other names, or asked for by its own, before
 * the folders have what is kept of them: a connection was lost at that, err
 * says. Twice, and it is not to be asked for again in this sync.
 */
void loss_of_search(struct run *, int64_t folder, const struct err *);
bool loss_ends_search(const struct run *, int64_t folder);
/* How many messages a step may ask for; 0: any number. */
unsigned loss_at_once(const struct pass *);
/* Index lane, before anything is at work: what an earlier sync found out. */
int loss_recall(struct run *, struct folder *, struct err *);
/* A connection was lost at one of these steps (STEP_BIT) and may be again. */
bool loss_is_near(const struct folder *, unsigned steps);
/*
 * It comes to such a folder. What another connection was lost at the main one
 * takes over, for perhaps there may be no others. True: that wants a connection
 * of its own, so the sync is to begin anew; err is what the task fails with.
 * Once for each step.
 */
bool loss_wants_alone(struct conn *, struct folder *, unsigned steps,
    struct err *);

/* Messages of it that failed before come when all else is through, and those at
 * which a connection was lost may cost the next one: it is to come again. */
bool loss_puts_off(struct folder *);
/* Something was done, or learned: it is worth to go on. */
void loss_progress(struct run *);

#endif
