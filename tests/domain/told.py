"""What a story tells, for tests: its lines of one kind, and their English sentences."""

from retender.domain.model.order_story import OrderStory
from retender.domain.model.story import StoryEntry
from retender.domain.model.story_kind import StoryKind
from retender.entrypoints.words.speaker import Speaker

_SPEAKER = Speaker(when=lambda at: at.isoformat())


def lines(story: OrderStory, kind: StoryKind) -> list[StoryEntry]:
    """Return the lines of one kind."""
    return [entry for entry in story.entries if entry.kind is kind]


def facts(story: OrderStory, kind: StoryKind):
    """Return what the lines of one kind say; its tests name the class's own facts."""
    return [entry.fact for entry in lines(story, kind)]


def words(entry: StoryEntry) -> tuple[str, str]:
    """Return what a line tells, and why."""
    return _SPEAKER.line(entry.fact)


def whats(story: OrderStory) -> list[str]:
    """Return what each line tells."""
    return [words(entry)[0] for entry in story.entries]


def whys(story: OrderStory) -> list[str]:
    """Return the reason of each line."""
    return [words(entry)[1] for entry in story.entries]
