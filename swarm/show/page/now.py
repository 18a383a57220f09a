"""Agents at work now, as HTML: the part that only a served page has."""

from collections.abc import Iterator
from typing import Final

from swarm.results.wait import LiveAgent
from swarm.show.live import clock
from swarm.show.page.html import chip, icon, safe

CONNECTION: Final = '\n<span id="connection" class="chip quiet" role="status">Connecting</span>'
WITHOUT_SERVER: Final = (
    '<p class="note">This page needs scripts. <code>swarm report -o FILE</code> writes a page that lists findings'
    " without them.</p>"
)
_AT_WORK: Final = frozenset({"running", "queued", "needs_decision"})
_NOT_ENDED: Final = _AT_WORK | {"waiting"}
_HEADS: Final = ("Agent", "State", "Now", "Time", "Tokens", "Cost")


def at_work(agents: tuple[LiveAgent, ...]) -> str:
    """Return the agents of the newest launch while one of them is at work or waits, else an empty part."""
    return "\n".join(('<section id="now" aria-labelledby="h-now">', *_lines(agents), "</section>\n"))


def _lines(agents: tuple[LiveAgent, ...]) -> Iterator[str]:
    if not any(agent.state in _NOT_ENDED for agent in agents):
        return
    done = sum(agent.state not in _NOT_ENDED for agent in agents)
    yield f'<h2 id="h-now">At work</h2><p class="lede">{done:,} of {len(agents):,} agents have ended.</p>'
    yield '<div class="panel flush"><table class="live"><thead><tr>'
    yield "".join(f'<th scope="col" class="l-{head.lower()}">{head}</th>' for head in _HEADS) + "</tr></thead><tbody>"
    yield from map(_row, agents)
    yield "</tbody></table></div>"


def _row(agent: LiveAgent) -> str:
    by = " on ".join(filter(None, (agent.runtime, agent.worker)))
    runtime = f' <span class="reason">{safe(by)}</span>' if by else ""
    cost = "" if agent.cost_usd is None else f"{agent.cost_usd:.2f} USD"
    tokens = "" if agent.tokens is None else f"{agent.tokens:,}"
    doing = safe(agent.doing or "") if agent.state in _AT_WORK else ""
    return (
        f'<tr><th scope="row" class="l-agent">{safe(agent.domain)}{runtime}</th>'
        f'<td class="l-state">{_state(agent)}</td><td class="l-now">{doing}</td>'
        f'<td class="l-time">{_time(agent)}</td><td class="l-tokens">{tokens}</td><td class="l-cost">{cost}</td></tr>'
    )


def _state(agent: LiveAgent) -> str:
    if agent.state == "needs_decision":
        return f'<span class="chip warn">{icon("⚠")} needs a decision</span>'
    why = f'<span class="reason">{safe(agent.stall_reason)}</span>' if agent.stall_reason else ""
    return chip(agent.state) + why


def _time(agent: LiveAgent) -> str:
    if agent.since and agent.state in _AT_WORK:
        # The page counts on by itself: a time in it would make each second a change.
        return f'<span data-since="{safe(agent.since)}"></span>'
    return "" if agent.seconds is None else clock(agent.seconds)
