/* mtasts: MTA-STS (RFC 8461) policy lookups for mail transfer agents.
 *
 * Link with -lmtasts's module (pkg-config mtasts) or dlopen <libdir>/mtasts/mtasts.so.
 *
 * Threads: a context belongs to one thread at a time; different contexts may be used at the same time. mtasts_lookup(),
 * mtasts_report() and mtasts_report_session() may fork, to start a helper process: in a process with several threads,
 * call them where a fork is safe. Strings handed out are NUL-terminated
 * UTF-8, belong to the object they were asked from and live as long as it does. Passing NULL for an object gives the
 * "nothing" value (0, "", no policy), never a crash. No function throws, exits, changes signal dispositions or prints.
 */
#ifndef MTASTS_H
#define MTASTS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MTASTS_API __attribute__((visibility("default")))

typedef struct mtasts_context mtasts_context;
typedef struct mtasts_answer mtasts_answer;

typedef enum mtasts_status {
  MTASTS_OK = 0,         /* the answer holds */
  MTASTS_DEFER = 1,      /* not now: keep the message in the queue and ask again later; the answer gives the reason */
  MTASTS_E_ARGUMENT = 2, /* an argument is NULL, or not a domain name */
  MTASTS_E_CONFIG = 3,   /* the configuration file */
  MTASTS_E_MEMORY = 4    /* out of memory */
} mtasts_status;

typedef enum mtasts_mode { MTASTS_MODE_NONE = 0, MTASTS_MODE_TESTING = 1, MTASTS_MODE_ENFORCE = 2 } mtasts_mode;

/* What came of a session with an MX; the failures are those of RFC 8460 §4.3. */
typedef enum mtasts_session {
  MTASTS_SESSION_SUCCESS = 0,
  MTASTS_SESSION_STARTTLS_NOT_SUPPORTED = 1,
  MTASTS_SESSION_CERTIFICATE_HOST_MISMATCH = 2,
  MTASTS_SESSION_CERTIFICATE_EXPIRED = 3,
  MTASTS_SESSION_CERTIFICATE_NOT_TRUSTED = 4,
  MTASTS_SESSION_VALIDATION_FAILURE = 5
} mtasts_session;

/* Opens a context. config_path: a TOML file, or NULL for the default one. On failure *context is NULL and, if error is
 * not NULL, one sentence (cut to error_size bytes) says what to do. MTASTS_OK, MTASTS_E_*. */
MTASTS_API mtasts_status mtasts_open(const char *config_path, mtasts_context **context, char *error, size_t error_size);
/* What was reported has been handed on by then, to the collector or to a helper process, which goes on after it; what
 * the collector had no room for is tried once more, and lost when it has none then, either. Does not wait. */
MTASTS_API void mtasts_close(mtasts_context *context);

/* Looks up the policy of a recipient domain, or of a smarthost written "[host]" or "host:port". Waits at most
 * deadline_ms milliseconds (0: the configured deadline; at most an hour). *answer is to be freed also with
 * MTASTS_DEFER. */
MTASTS_API mtasts_status mtasts_lookup(mtasts_context *context, const char *next_hop, unsigned deadline_ms,
                                       mtasts_answer **answer);
MTASTS_API void mtasts_answer_free(mtasts_answer *answer);

MTASTS_API mtasts_mode mtasts_answer_mode(const mtasts_answer *answer);   /* what to do; NONE: no policy applies */
MTASTS_API const char *mtasts_answer_domain(const mtasts_answer *answer); /* policy domain, A-labels */
MTASTS_API const char *mtasts_answer_id(const mtasts_answer *answer);     /* record id of the policy */
MTASTS_API const char *mtasts_answer_reason(const mtasts_answer *answer); /* one sentence for a person */
MTASTS_API int64_t mtasts_answer_expires(const mtasts_answer *answer); /* seconds since the epoch, 0 without a policy */
MTASTS_API size_t mtasts_answer_mx_count(const mtasts_answer *answer);
MTASTS_API const char *mtasts_answer_mx(const mtasts_answer *answer,
                                        size_t index); /* "mx.example.com" or "*.example.com" */
MTASTS_API size_t mtasts_answer_policy_string_count(const mtasts_answer *answer);
MTASTS_API const char *mtasts_answer_policy_string(const mtasts_answer *answer,
                                                   size_t index); /* a line of the policy file (RFC 8460 §4.4) */

/* 1 if the message may go to this MX host name: no enforced policy, or the policy lists it (RFC 8461 §4.1). 0 if not.
 */
MTASTS_API int mtasts_answer_allows(const mtasts_answer *answer, const char *mx_host);

/* Tells what came of a TLS session with an MX under this answer: one call for each connection. Failures are logged.
 * Where [tlsrpt] socket is configured and the domain asks for reports (RFC 8460), the session goes to that collector;
 * under an answer that there is no policy because it could not be had, that failure goes there instead, once for the
 * answer. Does not wait for the collector or for DNS. Where it is not cached whether the domain asks for reports, a
 * helper process finds that out: to start one takes milliseconds, on a machine that stands still up to about a second,
 * and after a failure none is started for ten seconds. detail may be NULL. The same as mtasts_report_session() without
 * addresses. */
MTASTS_API mtasts_status mtasts_report(mtasts_context *context, const mtasts_answer *answer, const char *mx_host,
                                       mtasts_session outcome, const char *detail);

/* A session with what a report can say of it. Zero it and set size to sizeof(mtasts_session_details): later versions
 * may add members at the end, and take the size of this one. Texts may be NULL where that is not known. */
typedef struct mtasts_session_details {
  size_t size;
  mtasts_session outcome;
  const char *mx_host;     /* the MX host name; never NULL */
  const char *mx_address;  /* the address that was connected to; NULL where an MX was refused for its name */
  const char *mx_helo;     /* the name it greets with */
  const char *own_address; /* the address that was connected from */
  const char *reason;      /* of a failure: one sentence */
} mtasts_session_details;

/* Since 0.3. MTASTS_E_ARGUMENT: also for a smaller size than any version has. Of a larger one, of a later version, the
 * members that this one does not know are ignored. */
MTASTS_API mtasts_status mtasts_report_session(mtasts_context *context, const mtasts_answer *answer,
                                               const mtasts_session_details *details);

MTASTS_API const char *mtasts_status_text(mtasts_status status);
MTASTS_API const char *mtasts_session_text(mtasts_session outcome); /* the RFC 8460 result type */
MTASTS_API const char *mtasts_version(void);

#ifdef __cplusplus
}
#endif

#endif
