"""The Authorization header, and the authenticator around it."""

from base64 import b64encode

import pytest

from ingest.auth import Authenticator, Result
from tests.ingest.auth.showing import show


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    "header", ["Bearer old", "bearer new", "BEARER  new ", basic("anna:p:w"), basic("ü:ö")]
)
async def test_any_of_the_secrets_lets_in(header):
    auth = Authenticator(bearer=["old", "new"], basic=[("anna", "p:w"), ("ü", "ö")])
    assert auth.accepts(header)
    assert (await auth.check(show({"Authorization": header}))).result is Result.ACCEPTED


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer Old",
        "old",
        "Basic old",
        "Basic !!!",
        basic("anna"),
        basic("anna:"),
        "Bearer \udcff",
    ],
)
async def test_nothing_else_does(header):
    auth = Authenticator(bearer=["old"], basic=[("anna", "pw")])
    assert not auth.accepts(header)
    verdict = await auth.check(show({"Authorization": header}))
    assert verdict.result is (Result.WRONG if header else Result.NO_CREDENTIALS)


async def test_without_a_scheme_everybody_may_post():
    auth = Authenticator()
    assert auth.open
    assert auth.accepts(None)
    assert auth.header_only
    assert (await auth.check(show())).accepted


def test_the_challenge_names_what_is_asked_for():
    assert Authenticator(bearer=["a"]).challenge == 'Bearer realm="tocsin"'
    both = Authenticator(bearer=["a"], basic=[("b", "c")])
    assert both.challenge == 'Bearer realm="tocsin", Basic realm="tocsin", charset="UTF-8"'
    assert both.header_only
    assert not both.reads_body
