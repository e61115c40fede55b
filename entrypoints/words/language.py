"""Language: in which languages we speak."""

from enum import StrEnum


class Language(StrEnum):
    """The languages that we speak, as ``Accept-Language`` and ``--lang`` name them."""

    ENGLISH = "en"
    CHINESE = "zh"
