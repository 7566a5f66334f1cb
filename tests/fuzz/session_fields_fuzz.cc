// Any fields in the place of a session for the helper to report (module/helper/session_fields).
#include "module/helper/session_fields.h"
#include "tests/fuzz/fuzz.h"

using mtasts::decode_session;
using mtasts::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mtasts::Fields fields = mtasts::fuzz::records(mtasts::fuzz::text(data, size));
  const auto session = decode_session(fields);
  if (!session) return 0;
  const mtasts::Fields again = encode_session(*session, {fields[0], fields[1]});
  require(again.size() == fields.size(), "nothing is lost");
  const auto read = decode_session(again);
  require(read && read->domain == session->domain && read->strings == session->strings &&
              read->patterns == session->patterns && read->result == session->result,
          "it is what is written again");
  return 0;
}
