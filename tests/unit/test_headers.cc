#include "tests/unit/test_headers.h"
