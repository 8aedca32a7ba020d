"""A charger asks for a certificate and is brought one (security paper A02, A03; TC_074, TC_077)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from conversation import NOON, Conversation
from signing_requests import request

from tinyocpp.certificates import read_certificates
from tinyocpp.dealings import CertificateState
from tinyocpp.handlers.certificates import MOST_A_DAY
from tinyocpp.leniency import OddityKind
from tinyocpp.session import Session
from tinyocpp.storage.authority import FileAuthority

if TYPE_CHECKING:
    from pathlib import Path

YEAR = timedelta(days=365)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> FileAuthority:
    made = FileAuthority(str(tmp_path_factory.mktemp("house") / "ca"))
    made.create("Root", "Home", ["csms.test"], NOON, 20)
    return made


@pytest.fixture
def house(authority: FileAuthority) -> Conversation:
    house = Conversation(watched=True)
    house.charger.authority = authority
    return house


def brought(house: Conversation) -> tuple[str, str] | None:
    """Message id and chain of the CertificateSigned that goes out next, None if none does."""
    house.wait(0)
    calls = [json.loads(text) for text in house.session.text_to_send()]
    assert all(call[2] == "CertificateSigned" for call in calls)
    return (calls[0][1], calls[0][3]["certificateChain"]) if calls else None


def states(house: Conversation) -> list[str]:
    return [one.state for one in house.reader.certificates("garage")]


def asked(house: Conversation, csr: str) -> str:
    status: str = house.asks("SignCertificate", csr=csr)["status"]
    return status


@pytest.mark.parametrize(
    ("answer", "state"), [("Accepted", CertificateState.INSTALLED), ("Rejected", CertificateState.REFUSED)]
)
def test_a_certificate_follows_the_answer(house: Conversation, answer: str, state: CertificateState) -> None:
    assert asked(house, request("garage")) == "Accepted"
    message_id, chain = brought(house) or ("", "")
    (made,) = read_certificates(chain.encode())
    assert (made.common_name, made.organisation, made.not_after) == ("garage", "Home", NOON + 2 * YEAR)
    (kept,) = house.reader.certificates("garage")
    assert (kept.serial, kept.pem, kept.issued_at, kept.expires_at) == (made.serial, chain, NOON, made.not_after)
    house.says(f'[3,"{message_id}",{{"status":"{answer}"}}]')
    assert states(house) == [state]
    told = [event.details for event in house.events() if event.event == "certificate"]
    assert told == [{"serial": made.serial, "state": CertificateState.ISSUED}, {"serial": made.serial, "state": state}]


def test_the_serial_number_told_at_boot_may_be_the_name(house: Conversation) -> None:
    house.asks("BootNotification", chargePointVendor="V", chargePointModel="M", chargePointSerialNumber="SN-4711")
    assert asked(house, request("SN-4711")) == "Accepted"
    assert asked(house, request("SN-4712")) == "Rejected"


def test_the_serial_number_told_at_boot_is_no_other_chargers_name(house: Conversation) -> None:
    house.store.register.admit("carport", NOON)
    house.asks("BootNotification", chargePointVendor="V", chargePointModel="M", chargePointSerialNumber="Carport")
    assert asked(house, request("carport")) == "Rejected"


def test_what_has_proven_nothing_is_given_one_only_if_its_owner_wants_that(house: Conversation) -> None:
    """Else whoever could use its name once, before it had a password, could for years."""
    house.store.register.came_with("garage", 0, "", None)
    assert asked(house, request("garage")) == "Rejected"
    assert refusals(house)[0].endswith("nobody has asked it to: tinyocpp charger certificate renew --charger garage")
    for wanted, signed in ((7, "Rejected"), ("Heartbeat", "Rejected"), ("SignChargePointCertificate", "Accepted")):
        number = house.call("ExtendedTriggerMessage", json.dumps({"requestedMessage": wanted}).encode())
        house.wait(1)
        assert len(house.session.text_to_send()) == 1
        house.says(f'[3,"p-{number}",{{"status":"Accepted"}}]')
        assert asked(house, request("garage")) == signed
    house.wait(1)
    assert brought(house)
    assert asked(house, request("garage")) == "Rejected"  # once
    house.store.register.came_with("garage", 1, "", None)
    assert asked(house, request("garage")) == "Accepted"


def test_a_certificate_that_was_revoked_gets_no_other(house: Conversation) -> None:
    """Whoever stole the charger is still connected."""
    asked(house, request("garage"))
    (stolen,) = house.reader.certificates("garage")
    house.store.register.came_with("garage", 3, "TLSv1.3", (stolen.serial, stolen.expires_at))
    house.charger.ledger.certificate_state(stolen.serial, CertificateState.REVOKED)
    assert asked(house, request("garage")) == "Rejected"
    assert refusals(house) == ["it is connected with a certificate that was revoked"]


def refusals(house: Conversation) -> list[str]:
    return [noted.detail for noted in house.noted() if noted.kind == OddityKind.NO_CERTIFICATE]


def test_a_refusal_says_why_to_the_owner_and_only_once(house: Conversation) -> None:
    for _ in range(3):
        assert asked(house, request("carport")) == "Rejected"
    assert brought(house) is None
    assert refusals(house) == ["the request is for CN 'carport', which is not garage"]
    assert [event.details["kind"] for event in house.events() if event.event == "oddity"] == ["no_certificate"] * 3
    assert states(house) == []


def test_nobody_signs(house: Conversation, tmp_path: Path) -> None:
    for nobody, why in ((None, "nobody here signs"), (FileAuthority(str(tmp_path / "ca")), "tinyocpp ca init")):
        house.charger.authority = nobody
        assert asked(house, request("garage")) == "Rejected"
        assert any(why in refusal for refusal in refusals(house))


def test_a_charger_that_asks_each_second_gets_so_many_a_day(house: Conversation) -> None:
    for _ in range(MOST_A_DAY):
        assert asked(house, request("garage")) == "Accepted"
    assert asked(house, request("garage")) == "Rejected"
    assert refusals(house) == [f"it has been given {MOST_A_DAY} within a day"]
    house.clock.pass_(24 * 3600)
    assert asked(house, request("garage")) == "Accepted"


@pytest.mark.parametrize(("longest", "status"), [("10000", "Accepted"), ("much", "Accepted"), ("900", "Rejected")])
def test_a_chain_must_be_as_short_as_the_charger_says(house: Conversation, longest: str, status: str) -> None:
    house.charger.ledger.learn_configuration("garage", {"CertificateSignedMaxChainSize": longest})
    assert asked(house, request("garage")) == status
    assert [refusal.endswith("and the charger takes 900") for refusal in refusals(house)] == [True] * (
        status == "Rejected"
    )


# --- an answer that is lost


def again(house: Conversation) -> None:
    """The connection ends, and the charger comes back."""
    house.session.connection_lost()
    house.session = Session(house.charger, id_prefix="q-")
    house.session.opened(house.clock.seconds)
    house.says('[2,"1","Heartbeat",{}]')


def test_a_lost_certificate_is_brought_again(house: Conversation) -> None:
    """A charger whose request was accepted waits, and asks no second time."""
    asked(house, request("garage"))
    _, chain = brought(house) or ("", "")
    again(house)
    message_id, once_more = brought(house) or ("", "")
    assert once_more == chain
    house.says(f'[3,"{message_id}",{{"status":"Accepted"}}]')
    assert states(house) == ["installed"]
    again(house)
    assert brought(house) is None


def test_a_late_answer_counts_and_none_changes_nothing(house: Conversation) -> None:
    asked(house, request("garage"))
    message_id, _ = brought(house) or ("", "")
    house.wait(100)
    assert states(house) == ["issued"]
    house.says(f'[3,"{message_id}",{{"status":"Accepted"}}]')
    assert states(house) == ["installed"]


def test_what_was_revoked_stays_revoked_whatever_the_charger_answers(house: Conversation) -> None:
    asked(house, request("garage"))
    message_id, _ = brought(house) or ("", "")
    (issued,) = house.reader.certificates("garage")
    house.charger.ledger.certificate_state(issued.serial, CertificateState.REVOKED)
    house.says(f'[3,"{message_id}",{{"status":"Accepted"}}]')
    assert states(house) == ["revoked"]


def test_a_certificate_nobody_waits_for_any_more_stays_here(house: Conversation) -> None:
    asked(house, request("garage"))
    brought(house)
    house.clock.pass_(2 * 24 * 3600)
    again(house)
    assert brought(house) is None


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ('{"certificateChain":"x"}', '{"status":"Accepted"}'),
        ('{"certificateChain":7}', '{"status":"Accepted"}'),
        ("{}", "[]"),
    ],
)
def test_what_was_typed_with_raw_does_no_harm(house: Conversation, call: str, answer: str) -> None:
    house.call("CertificateSigned", call.encode())
    house.says(f'[3,"p-1",{answer}]')
    assert states(house) == []


def test_a_certificate_of_somebody_elses_authority_is_passed_on(house: Conversation, authority: FileAuthority) -> None:
    """tinyocpp-command CertificateSigned, with a certificate we have not signed."""
    pem: Any = authority.issue("garage", NOON)[0].chain_pem
    house.call("CertificateSigned", json.dumps({"certificateChain": pem}).encode())
    house.says('[3,"p-1",{"status":"Accepted"}]')
    assert states(house) == []
    assert [event.event for event in house.events()] == ["command"]
