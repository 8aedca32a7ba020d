"""What a charger may not ask yet: SecurityError, with no payload looked at, and never for what is never refused."""

from __future__ import annotations

import json

import pytest
from conversation import Conversation

from negative.answers import NEVER_REFUSED, TOO_EARLY
from negative.desk import FROM_CHARGER
from negative.payloads import whole, wrong_payloads
from tinyocpp.admission import Standing
from tinyocpp.messages import ACTIONS
from tinyocpp.messages.core_boot import RegistrationStatus

HOW = {
    "stranger": {"standing": Standing.CANDIDATE},
    "pending": {"registration": RegistrationStatus.PENDING},
    "rejected": {"registration": RegistrationStatus.REJECTED},
}


@pytest.mark.parametrize("who", TOO_EARLY)
@pytest.mark.parametrize("action", FROM_CHARGER)
def test_too_early(who: str, action: str) -> None:
    right = json.dumps(whole(ACTIONS[action].request)).encode()
    wrong = [case.payload for case in wrong_payloads(ACTIONS[action].request)][:5]
    for payload in (right, *wrong):
        heard = Conversation(**HOW[who]).says(f'[2,"1","{action}",{payload.decode()}]')
        (answer,) = [json.loads(text) for text in heard if not text.startswith("[2,")]
        if action in TOO_EARLY[who]:
            assert answer[:3] == [4, "1", "SecurityError"], payload
            assert answer[4:] == [{}]
        elif action in NEVER_REFUSED:
            assert answer[:2] == [3, "1"], payload


def test_what_is_never_refused_is_so_of_every_charger_that_was_let_in() -> None:
    for who in ("pending", "rejected"):
        assert not TOO_EARLY[who] & set(NEVER_REFUSED)
