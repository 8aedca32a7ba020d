"""A frame without the passwords in it, and every other frame as it is."""

from __future__ import annotations

import pytest

from tinyocpp.masking import masked, without


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('[2,"1","Heartbeat",{}]', '[2,"1","Heartbeat",{}]'),
        (
            '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"a}\\"b"}]',
            '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"***"}]',
        ),
        (
            '[2,"1","ChangeConfiguration",{"value":"s","key":" authorizationKEY"}]',
            '[2,"1","ChangeConfiguration",{"value":"***","key":" authorizationKEY"}]',
        ),
        (
            '[3,"1",{"configurationKey":[{"key":"A","value":"1"},{"key":"AuthorizationKey","Value":"s"}]}]',
            '[3,"1",{"configurationKey":[{"key":"A","value":"1"},{"key":"AuthorizationKey","Value":"***"}]}]',
        ),
        ('[2,"1","GetConfiguration",{"key":["AuthorizationKey"]}]', None),
        ('[4,"1","GenericError","AuthorizationKey is too short",{}]', None),
        (
            '[2,"1","GetDiagnostics",{"location":"ftp://user:s3cret@192.0.2.1/x"}]',
            '[2,"1","GetDiagnostics",{"location":"ftp://user:***@192.0.2.1/x"}]',
        ),
        ('[2,"1","DataTransfer",{"data":"me@home, see http://192.0.2.1/x"}]', None),
    ],
)
def test_passwords_are_masked(text: str, kept: str | None) -> None:
    assert masked(text) == (text if kept is None else kept)


@pytest.mark.parametrize("broken", ['[2,"1","X",{"key":"AuthorizationKey","value":"s3cret"', "authorizationkey=s3cret"])
def test_of_a_frame_that_cannot_be_read_no_password_is_kept(broken: str) -> None:
    assert "s3cret" not in masked(broken)


def test_what_was_sent_is_masked_wherever_it_is_said_back() -> None:
    assert (
        without('[4,"1","GenericError","S3cret. is bad",{}]', ("s3cret.",)) == '[4,"1","GenericError","*** is bad",{}]'
    )
