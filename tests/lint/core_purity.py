"""core decides and touches nothing: prints each socket, file, clock, thread or process symbol that its objects refer to, exit 1 if there is one.

usage: core_purity.py LIBMTASTS_CORE_A
"""

import re
import subprocess
import sys

FORBIDDEN = re.compile(
    r"^(socket|connect|bind|listen|accept4?|send(to|msg)?|recv(from|msg)?|getaddrinfo|gethostby\w+|res_\w+"
    r"|f?open(at|at2|64)?|creat|read|p?read(v|64)?|p?write(v|64)?|close|stat(64|x)?|[fl]stat(64)?|unlink(at)?|rename(at)?|mkdir(at)?|opendir|readdir|fread|fwrite|fopen64"
    r"|mmap(64)?|time|gettimeofday|clock_gettime|clock|nanosleep|u?sleep|localtime(_r)?|gmtime(_r)?|mktime|strftime"
    r"|pthread_\w+|fork|vfork|exec\w+|system|popen|getenv|secure_getenv|setlocale|syslog|printf|puts|fprintf|fputs"
    r"|std::(__1::)?(basic_)?[io]?f?stream\w*.*|std::chrono::_V2::\w+::now\(\)|std::thread.*|std::filesystem.*|std::locale.*|std::cout|std::cerr)$"
)


def main() -> int:
    listing = subprocess.run(["nm", "-uC", sys.argv[1]], check=True, capture_output=True, text=True).stdout
    found, member = 0, ""
    for line in listing.splitlines():
        if line.endswith(":"):
            member = line
        symbol = re.sub(r"@.*$", "", line.strip().removeprefix("U ").strip())
        symbol = re.sub(r"^__(\w+)_chk$", r"\1", symbol)  # the fortified form
        if FORBIDDEN.match(symbol):
            print(f"{member} refers to {symbol}")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
