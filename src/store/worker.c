/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/worker.h"

#include <assert.h>
#include <bsd/sys/queue.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "base/fd.h"
#include "store/commit.h"

typedef enum CommitState {
        COMMIT_IDLE,
        COMMIT_WAITING,
        COMMIT_UNDER_WAY,
        COMMIT_DONE,
} CommitState;

typedef struct TokenRead {
        TAILQ_ENTRY(TokenRead) reads;
        uint64_t participant, ticket;
        int error;
        char *token;
} TokenRead;

typedef TAILQ_HEAD(TokenReads, TokenRead) TokenReads;

struct Worker {
        Database *database; /* the thread's alone, and so is */
        Reserve *reserve;
        WorkerListener listener;
        sd_event_source *source;
        int event_fd; /* the thread counts up: something is done */
        pthread_t thread;
        bool running;

        pthread_mutex_t lock; /* holds for all below */
        pthread_cond_t wake;
        CommitState state;
        const Batch *batch;
        int error;
        TokenReads asked, answered;
        bool stop;
};

static TokenRead *token_read_free(TokenRead *read) {
        if (read)
                secret_free(read->token);
        free(read);
        return NULL;
}

static void token_reads_free(TokenReads *list) {
        TokenRead *read;

        while ((read = TAILQ_FIRST(list))) {
                TAILQ_REMOVE(list, read, reads);
                token_read_free(read);
        }
}

/* What the disk says, as an errno: what is damaged at run time ends the daemon as any error does,
 * and is looked into at the next start. */
static int plain_error(int r) {
        return r > 0 ? -EUCLEAN : r;
}

/* Without the lock, which the loop asks for as soon as it has been told: it would wait until this
 * thread gets a CPU again. */
static void worker_tell(Worker *worker) {
        (void)eventfd_write(worker->event_fd, 1);
}

static void worker_do_tokens(Worker *worker) {
        TokenReads taken = TAILQ_HEAD_INITIALIZER(taken);
        TokenRead *read;

        TAILQ_CONCAT(&taken, &worker->asked, reads);
        pthread_mutex_unlock(&worker->lock);

        TAILQ_FOREACH(read, &taken, reads)
                read->error = plain_error(
                        commit_read_token(worker->database, read->participant, &read->token));

        pthread_mutex_lock(&worker->lock);
        TAILQ_CONCAT(&worker->answered, &taken, reads);
        pthread_mutex_unlock(&worker->lock);
        worker_tell(worker);
        pthread_mutex_lock(&worker->lock);
}

static void worker_do_commit(Worker *worker) {
        const Batch *batch = worker->batch;
        int error;

        worker->state = COMMIT_UNDER_WAY;
        pthread_mutex_unlock(&worker->lock);

        error = plain_error(reserve_commit(worker->reserve, worker->database, batch));

        pthread_mutex_lock(&worker->lock);
        worker->state = COMMIT_DONE;
        worker->error = error;
        pthread_mutex_unlock(&worker->lock);
        worker_tell(worker);

        commit_checkpoint(worker->database);
        pthread_mutex_lock(&worker->lock);
}

/* Tokens first: they are many small reads beside one write that syncs. Those that come in
 * meanwhile wait for the next turn, so that the commit has its own. */
static void *worker_main(void *userdata) {
        Worker *worker = userdata;

        pthread_mutex_lock(&worker->lock);
        for (;;) {
                bool tokens = !TAILQ_EMPTY(&worker->asked),
                     commit = worker->state == COMMIT_WAITING;

                if (tokens)
                        worker_do_tokens(worker);
                if (commit)
                        worker_do_commit(worker);
                if (tokens || commit)
                        continue;
                if (worker->stop)
                        break;
                pthread_cond_wait(&worker->wake, &worker->lock);
        }
        pthread_mutex_unlock(&worker->lock);
        return NULL;
}

static int worker_on_done(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        TokenReads answered = TAILQ_HEAD_INITIALIZER(answered);
        Worker *worker = userdata;
        const Batch *batch = NULL;
        TokenRead *read;
        eventfd_t count;
        int error = 0;

        (void)source;
        (void)revents;
        (void)eventfd_read(fd, &count);

        pthread_mutex_lock(&worker->lock);
        if (worker->state == COMMIT_DONE) {
                batch = TAKE(worker->batch);
                error = worker->error;
                worker->state = COMMIT_IDLE;
        }
        TAILQ_CONCAT(&answered, &worker->answered, reads);
        pthread_mutex_unlock(&worker->lock);

        if (batch)
                worker->listener.committed(batch, error, worker->listener.userdata);
        TAILQ_FOREACH(read, &answered, reads)
                worker->listener.token(read->ticket, read->error, read->token,
                                       worker->listener.userdata);
        token_reads_free(&answered);
        return 0;
}

/* The thread takes no signal: they are the loop's. */
static int worker_run(Worker *worker) {
        sigset_t all, before;
        int r;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&worker->thread, NULL, worker_main, worker);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r != 0)
                return -r;

        worker->running = true;
        (void)pthread_setname_np(worker->thread, "convened-store");
        return 0;
}

int worker_start(Worker **ret, Database *database, Reserve *reserve, sd_event *event,
                 const WorkerListener *listener) {
        CLEANUP(worker_stopp) Worker *worker = NULL;
        int r;

        worker = calloc(1, sizeof(*worker));
        if (!worker)
                return -ENOMEM;
        worker->database = database;
        worker->reserve = reserve;
        worker->listener = *listener;
        TAILQ_INIT(&worker->asked);
        TAILQ_INIT(&worker->answered);
        pthread_mutex_init(&worker->lock, NULL);
        pthread_cond_init(&worker->wake, NULL);

        worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (worker->event_fd < 0)
                return -errno;
        r = sd_event_add_io(event, &worker->source, worker->event_fd, EPOLLIN, worker_on_done,
                            worker);
        if (r < 0)
                return r;
        r = worker_run(worker);
        if (r < 0)
                return r;

        *ret = TAKE(worker);
        return 0;
}

int worker_commit(Worker *worker, const Batch *batch) {
        int r = -EBUSY;

        pthread_mutex_lock(&worker->lock);
        if (worker->state == COMMIT_IDLE) {
                worker->state = COMMIT_WAITING;
                worker->batch = batch;
                pthread_cond_signal(&worker->wake);
                r = 0;
        }
        pthread_mutex_unlock(&worker->lock);
        return r;
}

int worker_read_token(Worker *worker, uint64_t participant, uint64_t ticket) {
        TokenRead *read = calloc(1, sizeof(*read));

        if (!read)
                return -ENOMEM;
        read->participant = participant;
        read->ticket = ticket;

        pthread_mutex_lock(&worker->lock);
        TAILQ_INSERT_TAIL(&worker->asked, read, reads);
        pthread_cond_signal(&worker->wake);
        pthread_mutex_unlock(&worker->lock);
        return 0;
}

Worker *worker_stop(Worker *worker) {
        if (!worker)
                return NULL;

        if (worker->running) {
                pthread_mutex_lock(&worker->lock);
                worker->stop = true;
                pthread_cond_signal(&worker->wake);
                pthread_mutex_unlock(&worker->lock);
                pthread_join(worker->thread, NULL);
        }
        sd_event_source_disable_unref(worker->source);
        closep(&worker->event_fd);
        token_reads_free(&worker->asked);
        token_reads_free(&worker->answered);
        pthread_cond_destroy(&worker->wake);
        pthread_mutex_destroy(&worker->lock);
        free(worker);
        return NULL;
}
