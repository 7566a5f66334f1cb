/* The C ABI as a C program sees it, under CMocka. The context reads a configuration whose store the test fills by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* CMocka wants those first. */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "module/mtasts.h"

/* c_abi_store.cc: caches a policy in a store directory, that a policy could not be fetched, that reports are wanted or
 * are not; forget_all empties it. */
int put_policy(const char *store, const char *domain, const char *body);
int put_failure(const char *store, const char *domain, const char *error, const char *detail);
int put_wish(const char *store, const char *domain);
int put_no_wish(const char *store, const char *domain);
int forget_all(const char *store);

static char directory[] = "/tmp/mtasts-c-abi-XXXXXX";
static char config[128];

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static int make_config(void **state) {
  char text[256];
  (void)state;
  if (mkdtemp(directory) == NULL) return -1;
  snprintf(config, sizeof config, "%s/mtasts.toml", directory);
  snprintf(text, sizeof text,
           "[cache]\ndirectory = \"%s\"\n[[policy.override]]\ndomain = \"exempt.example\"\nmode = \"none\"\n",
           directory);
  write_file(config, text);
  return 0;
}

static int remove_config(void **state) {
  (void)state;
  return forget_all(directory);
}

static mtasts_context *open_context(void) {
  mtasts_context *context = NULL;
  char error[256];
  assert_int_equal(mtasts_open(config, &context, error, sizeof error), MTASTS_OK);
  assert_string_equal(error, "");
  assert_non_null(context);
  return context;
}

static void broken_configuration_is_one_sentence(void **state) {
  char path[128];
  char error[300];
  char tiny[8];
  mtasts_context *context = (mtasts_context *)1;
  (void)state;
  snprintf(path, sizeof path, "%s/broken.toml", directory);
  write_file(path, "[dns]\ntimeout_s = 0\n");
  assert_int_equal(mtasts_open(path, &context, error, sizeof error), MTASTS_E_CONFIG);
  assert_null(context);
  assert_non_null(strstr(error, "broken.toml:2: dns.timeout_s must be a whole number of seconds from 1 to 60"));
  assert_int_equal(mtasts_open(path, &context, tiny, sizeof tiny), MTASTS_E_CONFIG);
  assert_int_equal(strlen(tiny), sizeof tiny - 1);
  assert_int_equal(mtasts_open(path, &context, NULL, 0), MTASTS_E_CONFIG);
  unlink(path);
}

static void an_address_has_no_policy(void **state) {
  mtasts_context *context = open_context();
  mtasts_answer *answer = NULL;
  (void)state;
  assert_int_equal(mtasts_lookup(context, "[192.0.2.1]", 0, &answer), MTASTS_OK);
  assert_non_null(answer);
  assert_int_equal(mtasts_answer_mode(answer), MTASTS_MODE_NONE);
  assert_int_equal(mtasts_answer_allows(answer, "anything.example"), 1);
  assert_int_equal(mtasts_answer_mx_count(answer), 0);
  assert_string_equal(mtasts_answer_mx(answer, 5), "");
  assert_int_equal(mtasts_answer_expires(answer), 0);
  assert_int_equal(mtasts_report(context, answer, "mx.example", MTASTS_SESSION_SUCCESS, NULL), MTASTS_OK);
  mtasts_answer_free(answer);
  mtasts_close(context);
}

static void wrong_arguments_are_told_apart(void **state) {
  mtasts_context *context = open_context();
  mtasts_answer *answer = (mtasts_answer *)1;
  (void)state;
  assert_int_equal(mtasts_lookup(NULL, "example.com", 0, &answer), MTASTS_E_ARGUMENT);
  assert_null(answer);
  assert_int_equal(mtasts_lookup(context, NULL, 0, &answer), MTASTS_E_ARGUMENT);
  assert_int_equal(mtasts_lookup(context, "example.com", 0, NULL), MTASTS_E_ARGUMENT);
  assert_int_equal(mtasts_lookup(context, "not a name", 0, &answer), MTASTS_E_ARGUMENT);
  assert_int_equal(mtasts_open(config, NULL, NULL, 0), MTASTS_E_ARGUMENT);
  assert_int_equal(mtasts_report(context, NULL, "mx.example", MTASTS_SESSION_SUCCESS, NULL), MTASTS_E_ARGUMENT);
  mtasts_close(context);
}

static void nothing_is_something_safe(void **state) {
  (void)state;
  mtasts_close(NULL);
  mtasts_answer_free(NULL);
  assert_int_equal(mtasts_answer_mode(NULL), MTASTS_MODE_NONE);
  assert_string_equal(mtasts_answer_domain(NULL), "");
  assert_string_equal(mtasts_answer_id(NULL), "");
  assert_string_equal(mtasts_answer_reason(NULL), "");
  assert_int_equal(mtasts_answer_policy_string_count(NULL), 0);
  assert_string_equal(mtasts_answer_policy_string(NULL, 0), "");
  assert_int_equal(mtasts_answer_allows(NULL, "mx.example"), 1);
}

static void every_code_has_a_text(void **state) {
  int i;
  (void)state;
  for (i = MTASTS_OK; i <= MTASTS_E_MEMORY; ++i) assert_true(strlen(mtasts_status_text((mtasts_status)i)) > 1);
  assert_string_equal(mtasts_status_text((mtasts_status)99), "unknown status");
  const char *const sessions[] = {"success",
                                  "starttls-not-supported",
                                  "certificate-host-mismatch",
                                  "certificate-expired",
                                  "certificate-not-trusted",
                                  "validation-failure",
                                  "validation-failure"};
  for (int i = 0; i <= 6; ++i) assert_string_equal(mtasts_session_text((mtasts_session)i), sessions[i]);
  assert_true(strlen(mtasts_version()) > 0);
}

/* A cached policy, read field by field. */
static void a_policy_is_read(void **state) {
  mtasts_context *context = open_context();
  mtasts_answer *answer = NULL;
  (void)state;
  assert_int_equal(put_policy(directory, "example.com",
                              "version: STSv1\nmode: enforce\nmx: mx.example.com\nmx: *.example.net\nmax_age: 86400\n"),
                   0);
  assert_int_equal(mtasts_lookup(context, "EXAMPLE.com", 1000, &answer), MTASTS_OK);
  assert_int_equal(mtasts_answer_mode(answer), MTASTS_MODE_ENFORCE);
  assert_string_equal(mtasts_answer_domain(answer), "example.com");
  assert_string_equal(mtasts_answer_id(answer), "abc");
  assert_true(mtasts_answer_expires(answer) > 1700000000);
  assert_int_equal(mtasts_answer_mx_count(answer), 2);
  assert_string_equal(mtasts_answer_mx(answer, 1), "*.example.net");
  assert_string_equal(mtasts_answer_mx(answer, 2), "");
  assert_int_equal(mtasts_answer_policy_string_count(answer), 5);
  assert_string_equal(mtasts_answer_policy_string(answer, 1), "mode: enforce");
  assert_int_equal(mtasts_answer_allows(answer, "MX.example.com."), 1);
  assert_int_equal(mtasts_answer_allows(answer, "a.example.net"), 1);
  assert_int_equal(mtasts_answer_allows(answer, "a.b.example.net"), 0);
  assert_int_equal(mtasts_answer_allows(answer, "impostor.example"), 0);
  assert_int_equal(mtasts_answer_allows(answer, NULL), 0);
  assert_int_equal(mtasts_report(context, answer, "mx.example.com", MTASTS_SESSION_SUCCESS, NULL), MTASTS_OK);
  mtasts_answer_free(answer);
  mtasts_close(context);
}

static void an_exempt_domain_has_no_policy(void **state) {
  mtasts_context *context = open_context();
  mtasts_answer *answer = NULL;
  (void)state;
  assert_int_equal(
      put_policy(directory, "exempt.example", "version: STSv1\nmode: enforce\nmx: mx.exempt.example\nmax_age: 86400\n"),
      0);
  assert_int_equal(mtasts_lookup(context, "exempt.example", 1000, &answer), MTASTS_OK);
  assert_int_equal(mtasts_answer_mode(answer), MTASTS_MODE_NONE);
  assert_non_null(strstr(mtasts_answer_reason(answer), "exempt"));
  mtasts_answer_free(answer);
  mtasts_close(context);
}

/* A collector, and a context that reports to it. */
static int collector = -1;

static mtasts_context *open_reporting(void) {
  char path[128];
  char text[512];
  char error[256];
  struct sockaddr_un address;
  mtasts_context *context = NULL;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof address.sun_path, "%s/collectd.sock", directory);
  unlink(address.sun_path);
  collector = socket(AF_UNIX, SOCK_DGRAM, 0);
  assert_int_equal(bind(collector, (struct sockaddr *)&address, sizeof address), 0);
  snprintf(path, sizeof path, "%s/reporting.toml", directory);
  snprintf(text, sizeof text, "[cache]\ndirectory = \"%s\"\n[tlsrpt]\nsocket = \"%s\"\n", directory, address.sun_path);
  write_file(path, text);
  assert_int_equal(mtasts_open(path, &context, error, sizeof error), MTASTS_OK);
  return context;
}

/* The next datagram, "" when there is none. */
static const char *datagram(void) {
  static char bytes[4096];
  ssize_t got = recv(collector, bytes, sizeof bytes - 1, MSG_DONTWAIT);
  bytes[got > 0 ? got : 0] = '\0';
  return bytes;
}

static const char policy[] = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n";

static mtasts_answer *ask(mtasts_context *context, const char *domain) {
  mtasts_answer *answer = NULL;
  assert_int_equal(mtasts_lookup(context, domain, 1000, &answer), MTASTS_OK);
  return answer;
}

/* Of a domain under a policy that wants reports. */
static mtasts_answer *ask_reporting(mtasts_context *context) {
  assert_int_equal(put_policy(directory, "example.com", policy), 0);
  assert_int_equal(put_wish(directory, "example.com"), 0);
  return ask(context, "example.com");
}

static void end_reporting(mtasts_context *context, mtasts_answer *answer) {
  mtasts_answer_free(answer);
  mtasts_close(context);
  close(collector);
}

static void a_session_is_reported_with_what_is_known_of_it(void **state) {
  mtasts_context *context = open_reporting();
  mtasts_session_details details;
  mtasts_answer *answer;
  const char *told;
  (void)state;
  assert_int_equal(put_policy(directory, "example.com", policy), 0);
  assert_int_equal(put_wish(directory, "example.com"), 0);
  answer = ask(context, "example.com");
  memset(&details, 0, sizeof details);
  assert_int_equal(mtasts_report_session(context, answer, &details), MTASTS_E_ARGUMENT);
  details.size = sizeof details;
  assert_int_equal(mtasts_report_session(context, answer, &details), MTASTS_E_ARGUMENT);
  details.outcome = MTASTS_SESSION_CERTIFICATE_EXPIRED;
  details.mx_host = "mx.example.com";
  details.mx_address = "192.0.2.1";
  details.mx_helo = "mail.example.com";
  details.own_address = "192.0.2.9";
  details.reason = "it has expired";
  assert_int_equal(mtasts_report_session(context, answer, &details), MTASTS_OK);
  told = datagram();
  assert_non_null(strstr(told, "{\"dpv\":\"1\",\"d\":\"example.com\",\"pr\":\"v=TLSRPTv1; rua=mailto:r@example.com\""));
  assert_non_null(strstr(told, "\"policy-string\":[\"version: STSv1\",\"mode: enforce\","));
  assert_non_null(strstr(told,
                         "{\"c\":204,\"s\":\"192.0.2.9\",\"n\":\"mx.example.com\",\"h\":\"mail.example.com\","
                         "\"r\":\"192.0.2.1\",\"f\":\"it has expired\"}"));
  assert_int_equal(mtasts_report(context, answer, "mx.example.com", MTASTS_SESSION_SUCCESS, NULL), MTASTS_OK);
  assert_non_null(strstr(datagram(), "\"t\":0,\"f\":0"));
  assert_string_equal(datagram(), "");
  mtasts_answer_free(answer);
  mtasts_close(context);
  close(collector);
}

#define TOLD_OF                                                                                         \
  "{\"dpv\":\"1\",\"d\":\"example.com\",\"pr\":\"v=TLSRPTv1; rua=mailto:r@example.com\","               \
  "\"policies\":[{\"policy-type\":2,\"policy-domain\":\"example.com\","                                 \
  "\"policy-string\":[\"version: STSv1\",\"mode: enforce\",\"mx: mx.example.com\",\"max_age: 86400\"]," \
  "\"mx-host\":[\"mx.example.com\"],"

/* RFC 8460 §4.3, as libtlsrpt numbers the result types. */
static void r32_each_outcome_is_reported_field_by_field(void **state) {
  static const int codes[] = {0, 201, 202, 204, 203, 205};
  mtasts_context *context = open_reporting();
  mtasts_answer *answer = ask_reporting(context);
  int outcome;
  (void)state;
  for (outcome = MTASTS_SESSION_SUCCESS; outcome <= MTASTS_SESSION_VALIDATION_FAILURE; ++outcome) {
    char wanted[1024];
    mtasts_session_details details;
    memset(&details, 0, sizeof details);
    details.size = sizeof details;
    details.outcome = (mtasts_session)outcome;
    details.mx_host = "mx.example.com";
    details.mx_address = "2001:db8::25";
    details.mx_helo = "mail.example.com";
    details.own_address = "2001:db8::9";
    details.reason = outcome == MTASTS_SESSION_SUCCESS ? NULL : "it says \"no\"";
    assert_int_equal(mtasts_report_session(context, answer, &details), MTASTS_OK);
    if (outcome == MTASTS_SESSION_SUCCESS)
      snprintf(wanted, sizeof wanted, TOLD_OF "\"t\":0,\"f\":0}]}");
    else
      snprintf(
          wanted, sizeof wanted,
          TOLD_OF
          "\"failure-details\":[{\"c\":%d,\"s\":\"2001:db8::9\",\"n\":\"mx.example.com\",\"h\":\"mail.example.com\","
          "\"r\":\"2001:db8::25\",\"f\":\"it says \\\"no\\\"\"}],\"t\":1,\"f\":1}]}",
          codes[outcome]);
    assert_string_equal(datagram(), wanted);
    assert_string_equal(datagram(), "");
  }
  end_reporting(context, answer);
}

static void r32_what_is_not_known_of_a_session_is_left_out(void **state) {
  mtasts_context *context = open_reporting();
  mtasts_answer *answer = ask_reporting(context);
  (void)state;
  assert_int_equal(mtasts_report(context, answer, "mx.example.com", MTASTS_SESSION_CERTIFICATE_NOT_TRUSTED, NULL),
                   MTASTS_OK);
  assert_string_equal(datagram(),
                      TOLD_OF "\"failure-details\":[{\"c\":203,\"n\":\"mx.example.com\"}],\"t\":1,\"f\":1}]}");
  assert_int_equal(mtasts_report(context, answer, "mx.example.com", MTASTS_SESSION_VALIDATION_FAILURE, "it hangs up"),
                   MTASTS_OK);
  assert_string_equal(
      datagram(),
      TOLD_OF "\"failure-details\":[{\"c\":205,\"n\":\"mx.example.com\",\"f\":\"it hangs up\"}],\"t\":1,\"f\":1}]}");
  assert_int_equal(mtasts_report(context, answer, "mx.example.com", MTASTS_SESSION_SUCCESS, NULL), MTASTS_OK);
  assert_string_equal(datagram(), TOLD_OF "\"t\":0,\"f\":0}]}");
  assert_string_equal(datagram(), "");
  end_reporting(context, answer);
}

static void r31_a_domain_that_wants_no_reports_is_told_of_nothing(void **state) {
  mtasts_context *context = open_reporting();
  mtasts_answer *answer = NULL;
  (void)state;
  assert_int_equal(put_policy(directory, "quiet.example", policy), 0);
  assert_int_equal(put_no_wish(directory, "quiet.example"), 0);
  answer = ask(context, "quiet.example");
  assert_int_equal(mtasts_report(context, answer, "mx.example.com", MTASTS_SESSION_VALIDATION_FAILURE, NULL),
                   MTASTS_OK);
  mtasts_answer_free(answer);
  mtasts_close(context);
  assert_string_equal(datagram(), "");
  close(collector);
}

static void a_policy_that_could_not_be_had_is_reported_once_for_an_answer(void **state) {
  mtasts_context *context = open_reporting();
  mtasts_answer *answer;
  int i;
  (void)state;
  assert_int_equal(put_failure(directory, "broken.example", "sts-policy-fetch-error", "status 404"), 0);
  assert_int_equal(put_wish(directory, "broken.example"), 0);
  answer = ask(context, "broken.example");
  assert_int_equal(mtasts_answer_mode(answer), MTASTS_MODE_NONE);
  for (i = 0; i < 3; ++i) mtasts_report(context, answer, "mx.broken.example", MTASTS_SESSION_SUCCESS, NULL);
  assert_non_null(strstr(datagram(), "\"failure-details\":[{\"c\":301,"));
  assert_string_equal(datagram(), "");
  mtasts_answer_free(answer);
  mtasts_close(context);
  close(collector);
}

/* There is no policy and no host to be told, whatever session is reported. */
static void r16_each_reason_why_a_policy_could_not_be_had_is_reported_field_by_field(void **state) {
  static const struct {
    const char *domain;
    const char *error;
    int code;
    const char *detail;
  } failures[] = {{"fetch.example", "sts-policy-fetch-error", 301, "status 404"},
                  {"invalid.example", "sts-policy-invalid", 302, "line 2: no mode"},
                  {"webpki.example", "sts-webpki-invalid", 303, "the certificate has expired"},
                  {"slow.example", "dns-timeout", 301, "no answer in time"}};
  mtasts_context *context = open_reporting();
  size_t i = 0;
  (void)state;
  for (; i < sizeof failures / sizeof *failures; ++i) {
    const char *domain = failures[i].domain;
    char wanted[1024];
    mtasts_answer *answer;
    assert_int_equal(put_failure(directory, domain, failures[i].error, failures[i].detail), 0);
    assert_int_equal(put_wish(directory, domain), 0);
    answer = ask(context, domain);
    assert_int_equal(mtasts_answer_mode(answer), MTASTS_MODE_NONE);
    mtasts_report(context, answer, "mx.example.com", MTASTS_SESSION_CERTIFICATE_EXPIRED, "it has expired");
    snprintf(
        wanted, sizeof wanted,
        "{\"dpv\":\"1\",\"d\":\"%s\",\"pr\":\"v=TLSRPTv1; rua=mailto:r@example.com\",\"policies\":[{\"policy-type\":"
        "2,\"policy-domain\":\"%s\",\"failure-details\":[{\"c\":%d,\"f\":\"%s\"}],\"t\":1,\"f\":1}]}",
        domain, domain, failures[i].code, failures[i].detail);
    assert_string_equal(datagram(), wanted);
    assert_string_equal(datagram(), "");
    mtasts_answer_free(answer);
  }
  mtasts_close(context);
  close(collector);
}

/* What a program passes that was compiled with the first header, which had the members up to `reason`. */
enum { kFirstSize = offsetof(mtasts_session_details, reason) + sizeof(const char *) };

static void the_details_of_the_first_version_are_taken_whatever_was_added(void **state) {
  mtasts_context *context = open_reporting();
  /* No octet more, for tools that watch the memory. */
  mtasts_session_details *details = calloc(1, kFirstSize);
  mtasts_answer *answer;
  (void)state;
  assert_non_null(details);
  assert_int_equal(put_policy(directory, "example.com", policy), 0);
  assert_int_equal(put_wish(directory, "example.com"), 0);
  answer = ask(context, "example.com");
  details->size = kFirstSize;
  details->outcome = MTASTS_SESSION_CERTIFICATE_EXPIRED;
  details->mx_host = "mx.example.com";
  details->reason = "it has expired";
  assert_int_equal(mtasts_report_session(context, answer, details), MTASTS_OK);
  assert_non_null(strstr(datagram(), "\"f\":\"it has expired\""));
  free(details);
  mtasts_answer_free(answer);
  mtasts_close(context);
  close(collector);
}

/* A header before the first, and one with members that this version does not know. */
static void the_details_of_a_later_version_are_taken_as_far_as_they_are_known(void **state) {
  mtasts_context *context = open_reporting();
  struct {
    mtasts_session_details known;
    const char *later;
  } details;
  mtasts_answer *answer;
  (void)state;
  assert_int_equal(put_policy(directory, "example.com", policy), 0);
  assert_int_equal(put_wish(directory, "example.com"), 0);
  answer = ask(context, "example.com");
  memset(&details, 0, sizeof details);
  details.known.mx_host = "mx.example.com";
  details.later = "unknown";
  details.known.size = kFirstSize - 1;
  assert_int_equal(mtasts_report_session(context, answer, &details.known), MTASTS_E_ARGUMENT);
  assert_string_equal(datagram(), "");
  details.known.size = sizeof details;
  assert_int_equal(mtasts_report_session(context, answer, &details.known), MTASTS_OK);
  assert_non_null(strstr(datagram(), "\"t\":0,\"f\":0"));
  mtasts_answer_free(answer);
  mtasts_close(context);
  close(collector);
}

enum { kWaiting = 200 }; /* sessions that a context keeps for a collector without room: kMaxUnsent */

/* How many datagrams the kernel keeps for a collector that takes none: 11, or 513 where systemd has booted. Each is
 * sent from a socket of its own, as sessions are: how much one socket may have under way is limited, too. */
static int room_at_collector(void) {
  struct sockaddr_un address;
  socklen_t length = sizeof address;
  ssize_t sent = 1;
  int room = -1;
  assert_int_equal(getsockname(collector, (struct sockaddr *)&address, &length), 0);
  for (; sent == 1; ++room) {
    const int client = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sent = sendto(client, "x", 1, 0, (struct sockaddr *)&address, length);
    close(client);
  }
  while (*datagram() != '\0') continue;
  assert_true(room > 0);
  return room;
}

static void report_numbered(mtasts_context *context, const mtasts_answer *answer, int from, int count) {
  char host[64];
  int i;
  for (i = from; i < from + count; ++i) {
    snprintf(host, sizeof host, "mx%d.example.com", i);
    assert_int_equal(mtasts_report(context, answer, host, MTASTS_SESSION_CERTIFICATE_EXPIRED, NULL), MTASTS_OK);
  }
}

/* Reads all there is: sessions with the numbers from `next` on, none missing and none twice. The number after them. */
static int read_numbered(int next) {
  char host[64];
  const char *told = datagram();
  for (; *told != '\0'; told = datagram()) {
    snprintf(host, sizeof host, "\"n\":\"mx%d.example.com\"", next++);
    assert_non_null(strstr(told, host));
  }
  return next;
}

static void closing_sends_once_and_in_order_what_the_collector_has_room_for(void **state) {
  mtasts_context *context = open_reporting();
  mtasts_answer *answer = ask_reporting(context);
  const int room = room_at_collector();
  (void)state;
  report_numbered(context, answer, 0, room + kWaiting + 5); /* five are lost at once */
  assert_int_equal(read_numbered(0), room);
  mtasts_answer_free(answer);
  mtasts_close(context);
  assert_int_equal(read_numbered(room), room + (room < kWaiting ? room : kWaiting));
  close(collector);
}

static void what_waits_is_sent_before_the_next_session(void **state) {
  mtasts_context *context = open_reporting();
  mtasts_answer *answer = ask_reporting(context);
  const int room = room_at_collector();
  (void)state;
  report_numbered(context, answer, 0, room + 5);
  assert_int_equal(read_numbered(0), room);
  report_numbered(context, answer, room + 5, 1);
  assert_int_equal(read_numbered(room), room + 6);
  end_reporting(context, answer);
}

static void closing_does_not_wait_for_a_collector_without_room(void **state) {
  mtasts_context *context = open_reporting();
  mtasts_answer *answer = ask_reporting(context);
  const int room = room_at_collector();
  struct timespec begin;
  struct timespec end;
  (void)state;
  report_numbered(context, answer, 0, room + 5);
  clock_gettime(CLOCK_MONOTONIC, &begin);
  mtasts_answer_free(answer);
  mtasts_close(context);
  clock_gettime(CLOCK_MONOTONIC, &end);
  assert_true(end.tv_sec - begin.tv_sec < 5);
  assert_int_equal(read_numbered(0), room); /* the others are lost */
  close(collector);
}

static void a_forked_process_reports_its_own_sessions_and_leaves_what_waits_to_its_parent(void **state) {
  mtasts_context *context = open_reporting();
  mtasts_answer *answer = ask_reporting(context);
  const int room = room_at_collector();
  pid_t child;
  int status = 0;
  (void)state;
  report_numbered(context, answer, 0, room + 5);
  assert_int_equal(read_numbered(0), room);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    mtasts_report(context, answer, "child.example.com", MTASTS_SESSION_CERTIFICATE_EXPIRED, NULL);
    mtasts_close(context);
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_non_null(strstr(datagram(), "\"n\":\"child.example.com\""));
  assert_string_equal(datagram(), "");
  mtasts_answer_free(answer);
  mtasts_close(context);
  assert_int_equal(read_numbered(room), room + 5);
  close(collector);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(broken_configuration_is_one_sentence),
      cmocka_unit_test(an_address_has_no_policy),
      cmocka_unit_test(wrong_arguments_are_told_apart),
      cmocka_unit_test(nothing_is_something_safe),
      cmocka_unit_test(every_code_has_a_text),
      cmocka_unit_test(a_policy_is_read),
      cmocka_unit_test(an_exempt_domain_has_no_policy),
      cmocka_unit_test(a_session_is_reported_with_what_is_known_of_it),
      cmocka_unit_test(the_details_of_the_first_version_are_taken_whatever_was_added),
      cmocka_unit_test(the_details_of_a_later_version_are_taken_as_far_as_they_are_known),
      cmocka_unit_test(a_policy_that_could_not_be_had_is_reported_once_for_an_answer),
      cmocka_unit_test(r16_each_reason_why_a_policy_could_not_be_had_is_reported_field_by_field),
      cmocka_unit_test(r32_each_outcome_is_reported_field_by_field),
      cmocka_unit_test(r32_what_is_not_known_of_a_session_is_left_out),
      cmocka_unit_test(r31_a_domain_that_wants_no_reports_is_told_of_nothing),
      cmocka_unit_test(closing_sends_once_and_in_order_what_the_collector_has_room_for),
      cmocka_unit_test(what_waits_is_sent_before_the_next_session),
      cmocka_unit_test(closing_does_not_wait_for_a_collector_without_room),
      cmocka_unit_test(a_forked_process_reports_its_own_sessions_and_leaves_what_waits_to_its_parent),
  };
  return cmocka_run_group_tests(tests, make_config, remove_config);
}
