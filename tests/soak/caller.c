/* A long-lived process that asks through the C ABI, as a mail server would:
 *
 *   soak_caller CONFIG
 *
 * Reads lines "DOMAIN DEADLINE_MS" and answers each with one line of fields with a tab between them: status, mode, id,
 * expires, MX patterns (with a comma between them), lines of the policy (the same), reason. Ends with its input.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "module/mtasts.h"

typedef size_t (*count_of)(const mtasts_answer *);
typedef const char *(*item_of)(const mtasts_answer *, size_t);

static void list(const mtasts_answer *answer, count_of count, item_of item) {
  for (size_t i = 0; i < count(answer); ++i) printf("%s%s", i > 0 ? "," : "", item(answer, i));
  putchar('\t');
}

static void ask(mtasts_context *context, const char *domain, unsigned deadline_ms) {
  mtasts_answer *answer = NULL;
  const mtasts_status status = mtasts_lookup(context, domain, deadline_ms, &answer);
  printf("%d\t%d\t%s\t%" PRId64 "\t", (int)status, (int)mtasts_answer_mode(answer), mtasts_answer_id(answer),
         mtasts_answer_expires(answer));
  list(answer, mtasts_answer_mx_count, mtasts_answer_mx);
  list(answer, mtasts_answer_policy_string_count, mtasts_answer_policy_string);
  printf("%s\n", mtasts_answer_reason(answer));
  fflush(stdout);
  mtasts_answer_free(answer);
}

int main(int argc, char *argv[]) {
  char error[512];
  char domain[256];
  unsigned deadline_ms = 0;
  mtasts_context *context = NULL;
  if (argc != 2) return 64;
  if (mtasts_open(argv[1], &context, error, sizeof error) != MTASTS_OK) {
    fprintf(stderr, "%s\n", error);
    return 78;
  }
  while (scanf("%255s %u", domain, &deadline_ms) == 2) ask(context, domain, deadline_ms);
  mtasts_close(context);
  return 0;
}
