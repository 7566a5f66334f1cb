// How the page looks and what it does: the only style and the only script in it.
#include "adapters/cli/check/page_parts.h"

namespace mtasts::check {

std::string_view page_style() {
  return R"css(
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --text: #1c2430; --dim: #5b6675; --line: #d9dee5;
  --ok: #1a7f37; --info: #0b6bcb; --unknown: #8250df; --warning: #9a6700; --critical: #c62828; --nothing: #7a8594; }
@media (prefers-color-scheme: dark) {
  :root { --back: #12161c; --card: #1b2129; --text: #e4e8ee; --dim: #9aa5b3; --line: #323b47;
    --ok: #4cc268; --info: #66b0ff; --unknown: #b996ff; --warning: #e0ae3c; --critical: #ff7b72; --nothing: #8a95a3; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 1100px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 0; display: inline; }
h3 { font-size: .8rem; letter-spacing: .08em; color: var(--dim); margin: 0 0 .5rem; }
.dim { color: var(--dim); }
.ok { --mark: var(--ok); } .info { --mark: var(--info); } .unknown { --mark: var(--unknown); }
.warning { --mark: var(--warning); } .critical { --mark: var(--critical); } .nothing { --mark: var(--nothing); }
.badge { display: inline-block; border: 1px solid var(--mark); color: var(--mark); border-radius: 1em; padding: 0 .6em;
  font-size: .8rem; font-weight: 700; white-space: nowrap; }
.impact { border-left: 4px solid var(--mark); background: var(--card); padding: .75rem 1rem; margin: 1rem 0; font-size: 1.05rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin-bottom: 1rem; }
.cards .card { margin: 0; }
dl { margin: 0; display: grid; grid-template-columns: 1.6rem minmax(5rem, auto) 1fr; gap: .3rem .5rem; }
dl > * { margin: 0; min-width: 0; }
dl .sign { color: var(--mark); font-weight: 700; text-align: center; }
dl .finding { grid-column: 2 / -1; color: var(--text); border-left: 3px solid var(--mark); padding-left: .5rem; }
dl .wide { grid-column: 2 / -1; }
code { font: .9em ui-monospace, monospace; }
code.name { color: var(--mark); font-weight: 600; }
code.copy { display: block; background: var(--back); border: 1px solid var(--line); border-radius: .3rem; padding: .4rem .6rem;
  margin-top: .3rem; user-select: all; }
ol { margin: 0; padding-left: 0; list-style: none; }
ol li { border-top: 1px solid var(--line); padding: .6rem 0; }
ol li:first-child { border-top: 0; padding-top: 0; }
details { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; margin: .75rem 0; }
details .card { background: var(--back); }
details code.copy { background: var(--card); }
summary { cursor: pointer; }
summary .dim { white-space: nowrap; }
.table { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .4rem .75rem; border-top: 1px solid var(--line); overflow-wrap: normal; }
td:first-child { overflow-wrap: anywhere; min-width: 12rem; }
thead th { border-top: 0; }
th button { all: unset; cursor: pointer; font-weight: 700; }
th button:hover { text-decoration: underline; }
th button:focus-visible { outline: 2px solid var(--info); }
th[aria-sort=ascending] button::after { content: " \25B2"; }
th[aria-sort=descending] button::after { content: " \25BC"; }
a { color: inherit; }
svg.chain { width: 100%; height: auto; display: block; margin: 1rem 0; }
svg.tall { display: none; max-width: 24rem; margin-inline: auto; }
@media (max-width: 720px) { svg.long { display: none; } svg.tall { display: block; } }
svg .box { fill: var(--card); stroke: var(--mark); stroke-width: 2; }
svg .arrow { stroke: var(--mark); stroke-width: 2; fill: none; }
svg .head { fill: var(--mark); }
svg .critical .arrow { stroke-dasharray: 5 4; }
svg text { fill: var(--text); font: 12px ui-monospace, monospace; }
svg .title { font: 11px system-ui, sans-serif; letter-spacing: .08em; fill: var(--dim); }
svg .sign { fill: var(--mark); font-weight: 700; }
@media print { details > * { display: block; } }
)css";
}

std::string_view page_script() {
  return R"js(
"use strict";
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th"), body = button.closest("table").tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (row) => row.cells[head.cellIndex].dataset.sort;
    const compare = (a, b) => key(a).localeCompare(key(b), "en", { numeric: true });
    const rows = Array.from(body.rows).sort((a, b) => (up ? compare(a, b) : compare(b, a)));
    body.append(...rows);
  });
}
const open = () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
};
addEventListener("hashchange", open);
open();
)js";
}

}  // namespace mtasts::check
