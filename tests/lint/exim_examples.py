"""conf-examples/exim-socket is conf-examples/exim with another way to the policy: ${readsocket} where that has ${dlfunc}.

usage: exim_examples.py SOURCE_ROOT            prints each file of exim-socket that is not what exim makes it, exit 1 then
       exim_examples.py SOURCE_ROOT --write    makes them

Whoever changes an example changes it in conf-examples/exim, and runs this. Passages that differ are below, and each must be
found as often as it says.
"""

import re
import sys
from pathlib import Path

Rule = tuple[str, str, int]  # what is found (a regular expression), what stands there instead, how often

IF_MISSING = r"""# What happens to outgoing mail when that file is missing.*?# A module that is there but cannot be loaded always defers\.
"""
MODE = r"\$\{dlfunc\{MTASTS_SO\}\{mta_sts_mode\}\{(\$\{sg\{\$item\}\{\.\*@\}\{\}\})\}\}"
FILTER_MODE = MODE.replace("MTASTS_SO", "[^{}]*")

SOCKET = r"""# Where mtastsd listens for Exim: a path of at most 58 characters, or
# "inet:192.0.2.1:8462" over TCP, which is for hosts
# and containers that trust each other and the network between them.
"""
TIMEOUT = r"""# How long an answer may take. It must be longer than deadline_s in mtasts.toml
# (20): a lookup ends by itself then, and mtastsd tells the reason.
"""

QUESTION = r"""# Where it is asked, by a name of its own each time. When Exim cannot connect, it keeps
# the number of the descriptor that it closed, and asks there next time by the same name,
# be that the connection to an MX host by then, which could answer (seen in 4.96, 4.98
# and 4.100). More slashes and dots lead to the same socket: the microseconds of the
# time, each digit as four of its bits. A TCP socket needs none of this.
MTASTS_FRESH = ${if match{$tod_epoch_l}{\N(.{6})$\N}\
                 {${sg{${tr{$1}{0123456789}{/././././.}}${tr{$1}{0123456789}{//..//..//}}\
                       ${tr{$1}{0123456789}{////....//}}${tr{$1}{0123456789}{////////..}}}{.}{\$0/}}}}
MTASTS_AT = ${sg{MTASTS_DAEMON}{\N/([^/]*)$\N}{/MTASTS_FRESH\$1}}

# An answer of mtastsd is a line: OK and a text, or DEFER or ERROR and a reason. With
# anything but OK, with half a line, and with nobody there, the expansion fails: the
# operand of "bool" is how to make Exim fail with a text of one's own. ${quote:} keeps
# whatever others chose inside its word.
MTASTS_SAYS = {\N\A(?:OK ([^\n]*)(\n)\z|(?:DEFER|ERROR) ([^\n]*)\n\z|)\N}\
              {${if bool{${if eq{$2}{\n}{true}\
                           {${if eq{$3}{}{MTA-STS: mtastsd ended before it had answered}{$3}}}}}\
                 {$1}}}

"""
ASK = r"${if match{${readsocket{MTASTS_AT}{@ ${quote:%} $pid&\n}{MTASTS_TIMEOUT}{\n}}}MTASTS_SAYS}"
ROUTED = " ${quote:$message_exim_id}"

EVENT = r"""  event_action = ${if MTASTS_IS_EVENT\
                   {${if match{${readsocket{MTASTS_AT}{event ${quote:$event_name} ${quote:${length_4096:$event_data}} \
                     ${quote:DOMAIN} ${quote:$host} ${quote:$host_address} ${quote:$event_defer_errno} \
                     ${quote:mode=MODE pid=$pid MTASTS_SESSION}\n}{5s}{\n}{}}}MTASTS_ANSWERED_MODE}}}
"""


def literal(text: str) -> str:
    return text.replace("\\", r"\\")


def event(found: re.Match[str]) -> str:
    return EVENT.replace("DOMAIN", found[1]).replace("ANSWERED_MODE", f"VETO_{found[2].upper()}").replace("MODE", found[2])


def asking(what: str, group: str, more: str = "") -> str:
    return literal(ASK.replace("@", what).replace("&", more)).replace("%", group)


VETO = r"""
# The events that matter; of "tls:cert" the one for the MX host's own certificate.
MTASTS_IS_EVENT = match{$event_name=$event_data}{\N^(tcp:connect=|tcp:close=|smtp:ehlo=|tls:cert=0$|msg:host:defer=|dane:fail=)\N}
# What is left of an answer: a veto, or nothing. When mtastsd does not answer, nobody
# has looked for a DNS name in the certificate: under "enforce" the host is refused.
MTASTS_VETO_TESTING = {\N\AOK ([^\n]*)\n\z\N}{$1}{}
MTASTS_VETO_ENFORCE = {\N\AOK ([^\n]*)\n\z\N}{$1}\
                      {${if eq{$event_name}{tls:cert}{MTA-STS: mtastsd did not answer: nobody has looked for a DNS name in the certificate}}}
"""

EVERYWHERE: list[Rule] = [
    (r"  event_action = \$\{if exists\{MTASTS_SO\}.*?\{mta_sts_event\}\\\n +\{\$event_name\}\{\$event_data\}\{([^{}]*)\}"
     r".*?\{mode=(\w+) MTASTS_SESSION\}\}\}\}\n", "EVENT", -1),
    (MODE, asking("mode", r"\1"), -1),
]
MAIN: list[Rule] = [
    (r"# The module\. Where it is on this machine: dpkg -L mtasts \| grep mtasts\.so\n", literal(SOCKET), 1),
    (r"(?m)^(\.ifndef )?MTASTS_SO$", r"\1MTASTS_DAEMON", -1),
    (r"MTASTS_SO = \S+\n", "MTASTS_DAEMON = /run/mtasts/exim.sock\n", 1),
    (IF_MISSING, literal(TIMEOUT), 1),
    (r"MTASTS_IF_MISSING = defer\n", "MTASTS_TIMEOUT = 30s\n", 1),
    (r"\.ifndef MTASTS_IF_MISSING", ".ifndef MTASTS_TIMEOUT", -1),
    (r"# The question to the module\.", literal(QUESTION) + "# The question to mtastsd.", 1),
    (r"\{\$\{if or\{ \{!eq\{MTASTS_IF_MISSING\}\{deliver\}\} \{exists\{MTASTS_SO\}\} \}\\\n"
     r" +\{\$\{dlfunc\{MTASTS_SO\}\{mta_sts_route\}\{\$domain\}\{\$message_exim_id\}\}\}\\\n +\{\}\}\}", "{" + asking("route", "$domain", ROUTED) + "}", 1),
    (r"# What the two transports tell the module about", "# What the two transports tell mtastsd about", 1),
    (r"(?s)(san=\$\{certextract\{subj_altname,dns,>:\}\{\$tls_out_peercert\}\})(\}\}\n)",
     r"san=${length_8192:${certextract{subj_altname,dns,>:}{$tls_out_peercert}}}\2" + literal(VETO), 1),
]

RULES: dict[str, list[Rule]] = {
    "exim4.conf": [
        *MAIN,
        (r"Exim must have been\n# built with EXPAND_DLFUNC \(exim4-daemon-heavy on Debian\)\.",
         "Any build of\n# Exim will do (exim4-daemon-light and -heavy on Debian); mtastsd must run and listen\n"
         "# for Exim: systemctl enable --now mtastsd-exim.socket.", 1),
    ],
    "conf.d/main/05_mtasts": [
        *MAIN,
        (r"# The package exim4-daemon-heavy is needed; the light one cannot load modules\.",
         "# Exim asks mtastsd, which must listen for it: systemctl enable --now\n# mtastsd-exim.socket. Any build of Exim will do.", 1),
        (r"list of hosts that the module answers", "list of hosts that mtastsd answers", 1),
    ],
    "conf.d/router/150_mtasts": [],
    "conf.d/transport/30_mtasts": [],
    "smarthost/conf.d/router/150_mtasts_smarthost": [
        (r"\$\{if or\{ \{!eq\{MTASTS_IF_MISSING\}\{deliver\}\} \{exists\{MTASTS_SO\}\} \}\\\n"
         r" +\{\$\{dlfunc\{MTASTS_SO\}\{mta_sts_route\}\{MTASTS_SMARTHOST_DOMAIN\}\{\$message_exim_id\}\}\}\\\n +\{\}\}", asking("route", "MTASTS_SMARTHOST_DOMAIN", ROUTED), 1),
    ],
    "smarthost/conf.d/transport/30_mtasts_smarthost": [],
    "acl/mta_sts_check_data": [
        (r"(?s)# It only watches; the routers decide\. Exim receives.*?# client is asked to try again later \(451\)",
         "# It only watches; the routers decide. The first message to a domain waits for the\n"
         "# answer at this place, up to deadline_s of mtasts.toml for each such domain. When a\n"
         "# mode cannot be found out now, the client is asked to try again later (451)", 1),
    ],
    "filter/mta_sts.filter": [
        (r"# The path of mtasts\.so is that of MTASTS_SO in main/05_mtasts\.", "# The path of the socket is that of MTASTS_DAEMON in main/05_mtasts.", 1),
        (FILTER_MODE, r"${if match{${readsocket{/run/mtasts/exim.sock}{mode ${quote:\1} $pid\\\\n}{30s}{;}}}{^(?:OK ([a-z]+);\\\\$|(.*))}"
                      r"{${if bool{$2${if eq{$1}{}{mtastsd did not answer}}}{}{$1}}}}", 2),
    ],
}


def derived(name: str, text: str) -> str:
    for pattern, instead, times in [*RULES[name], *EVERYWHERE]:
        text, found = re.subn(pattern, event if instead == "EVENT" else instead, text, flags=re.DOTALL)
        if found != times and times >= 0:
            raise SystemExit(f"conf-examples/exim/{name}: a passage is there {found} times and not {times}: {pattern}")
    if left := re.search(r"dlfunc|MTASTS_SO|MTASTS_IF_MISSING|mtasts\.so", text):
        raise SystemExit(f"conf-examples/exim/{name}: no rule of {Path(__file__).name} replaces {left[0]}")
    return text


def main() -> int:
    examples = Path(sys.argv[1], "conf-examples")
    source, target = examples / "exim", examples / "exim-socket"
    names = [path.relative_to(source).as_posix() for path in sorted(source.rglob("*")) if path.is_file()]
    if sorted(names) != sorted(RULES):
        raise SystemExit(f"conf-examples/exim has other files than {Path(__file__).name} knows")
    wrong = 0
    for name in names:
        text = derived(name, (source / name).read_text(encoding="ascii"))
        file = target / name
        if "--write" in sys.argv[2:]:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="ascii")
        elif not file.exists() or file.read_text(encoding="ascii") != text:
            print(f"{file}: not what conf-examples/exim/{name} makes it: tests/lint/exim_examples.py {sys.argv[1]} --write")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
