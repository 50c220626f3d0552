"""How a call ended: the words of switches in ours."""

from collections.abc import Mapping
from typing import Final

_DISPOSITIONS = {
    "answered": "ANSWERED|ANSWER|CONNECTED|COMPLETED|SUCCESS|OK|YES|TRUE",
    "no_answer": "NO ANSWER|NOANSWER|NO-ANSWER|NOT ANSWERED|UNANSWERED|MISSED|NO|FALSE",
    "busy": "BUSY",
    "failed": "FAILED|FAIL|FAILURE|ERROR|CONGESTION|CHANUNAVAIL|UNAVAILABLE|REJECTED",
    "cancelled": "CANCEL|CANCELED|CANCELLED|ABANDONED",
}
_CAUSES = {
    "no_answer": (
        "NORMAL_CLEARING|NORMAL_UNSPECIFIED|NONE|16|31|200|NO_ANSWER|NO_USER_RESPONSE|ALLOTTED_TIMEOUT"
        "|PROGRESS_TIMEOUT|SUBSCRIBER_ABSENT|18|19|20|408|480"
    ),
    "busy": "USER_BUSY|17|486|600",
    "cancelled": "ORIGINATOR_CANCEL|LOSE_RACE|PICKED_OFF|487",
}


def _by_word(words: Mapping[str, str]) -> dict[str, str]:
    return {word: means for means, said in words.items() for word in said.split("|")}


# What the word says holds, whatever the duration: Asterisk's dispositions and what people write in tables.
DISPOSITIONS: Final = _by_word(_DISPOSITIONS)
# Why a call ended: FreeSWITCH's causes, the numbers of Q.850 and of SIP. A call that was answered has a
# duration, whatever ended it; without one the cause tells what became of it.
CAUSES: Final = _by_word(_CAUSES)
