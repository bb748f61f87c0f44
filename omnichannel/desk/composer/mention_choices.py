"""The colleagues whom the note field offers after an @."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from omnichannel.core.text.search_words import fold_text
from routing.models import Agent


@dataclass(frozen=True)
class MentionChoice:
    """A colleague to mention.

    Attributes:
        text: what is inserted: the full name, or the user name where several have the same full name.
        search_text: both names, folded.
    """

    agent: Agent
    text: str
    search_text: str


def build_mention_choices(agents: Sequence[Agent]) -> list[MentionChoice]:
    """Return a choice for each of these agents."""
    counts = Counter(agent.user.display_name.casefold() for agent in agents)
    return [
        MentionChoice(
            agent,
            text=f"@{_get_unique_name(agent, counts)}",
            search_text=fold_text(f"{agent.user.display_name} {agent.user.username}"),
        )
        for agent in agents
    ]


def _get_unique_name(agent: Agent, counts: Counter[str]) -> str:
    name = agent.user.display_name
    return name if counts[name.casefold()] == 1 else agent.user.username
