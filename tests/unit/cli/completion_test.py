"""The completions for bash, zsh and fish, in these shells; of one that is not installed it says so.

usage: completion_test.py MTASTS
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# What is typed, what must be offered, and what must not.
CASES = [
    (["mtasts", ""], {"query", "status", "cache"}, {"purge", "json"}),
    (["mtasts", "qu"], {"query"}, set()),
    (["mtasts", "cache", "p"], {"purge"}, {"query"}),
    (["mtasts", "--config", "x", "cache", "purge", "--a"], {"--all"}, {"query"}),
    (["mtasts", "cache", "refresh", "--j"], {"--json"}, {"--all"}),
    (["mtasts", "setup", "p"], {"postfix"}, {"publish"}),
    (["mtasts", "status", "--j"], {"--json"}, {"--all"}),
]
BASH = '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mtasts; printf "%s\\n" "${COMPREPLY[@]}"'
# As zsh calls it, but that _describe prints what it is given, whatever has been typed.
ZSH = '_describe() { print -rl -- "${(@P)2}" }; _files() { : }; f=$1; shift; words=("$@"); CURRENT=$#; . $f'
FISH = 'source $argv[1]; complete -C "$argv[2]"'


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode not in (0, 1) or done.stderr:
        raise SystemExit(f"{command[0]} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def offered(shell: str, script: Path, words: list[str]) -> set[str]:
    if shell == "bash":
        return set(run("bash", "-c", BASH, "bash", str(script), *words).split())
    if shell == "zsh":
        return {line.partition(":")[0] for line in run("zsh", "-f", "-c", ZSH, "zsh", str(script), *words).splitlines()}
    return {line.partition("\t")[0] for line in run("fish", "--no-config", "-c", FISH, str(script), " ".join(words)).splitlines()}


def check(shell: str, script: Path) -> list[str]:
    run(shell, "-n", str(script))
    wrong = []
    for words, wanted, unwanted in CASES:
        given = offered(shell, script, words)
        if not wanted <= given or unwanted & given:
            wrong.append(f"{shell}: after {words} it offers {sorted(given)}")
    return wrong


def main() -> int:
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for shell in ("bash", "zsh", "fish"):
            script = Path(folder, f"mtasts.{shell}")
            script.write_text(run(sys.argv[1], "completion", shell), encoding="utf-8")
            if shutil.which(shell):
                wrong += check(shell, script)
            else:
                print(f"not tried: {shell} is not installed")
    for text in wrong:
        print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
