"""Logging in to Move."""

import os

import pytest
import requests


def test_a_wrong_password_is_refused_with_a_message(stranger):
    body = {"Spec": {"UserName": os.environ["MOVE_USERNAME"], "Password": "wrong"}}
    assert stranger.post("/users/login", body, status=401)["Message"]


def test_a_missing_or_invalid_token_is_refused(stranger, with_token):
    for path in ("/providers/list", "/plans/list", "/events"):
        assert stranger.post(path, {}, status=401)["Message"]
        with_token("eyJhbGciOiJub25lIn0.e30.").post(path, {}, status=401)


@pytest.mark.parametrize("scheme", ["Bearer ", ""])
def test_a_token_is_accepted_with_and_without_its_scheme(stranger, with_token, scheme):
    body = {"spec": {"username": os.environ["MOVE_USERNAME"], "password": os.environ["MOVE_PASSWORD"]}}
    token = stranger.post("/users/login", body)["Status"]["Token"]
    with_token(token, scheme).get("/token/status")


def test_a_form_gives_a_token_that_can_be_refreshed_and_revoked(stranger, with_token):
    form = {
        "grantType": "PASSWORD",
        "username": os.environ["MOVE_USERNAME"],
        "password": os.environ["MOVE_PASSWORD"],
        "expiry": "900",
    }
    given = stranger.call("POST", "/token", data=form)
    assert 0 < given["AccessTokenExpiry"] <= 900
    again = stranger.call("POST", "/token", data={"grantType": "REFRESH_TOKEN", "refreshToken": given["RefreshToken"]})
    mine = with_token(again["AccessToken"])
    mine.get("/token/status")
    mine.post("/token/revoke", {"Spec": {"Token": again["AccessToken"]}}, status=(200, 202, 204))
    mine.get("/token/status", status=401)


def test_the_version_is_returned(move):
    assert move.get("/appinfo")["Status"]["Version"]


def test_the_certificate_is_checked(move):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(move.base + "/appinfo", timeout=5)


def test_an_unknown_path_is_not_found(move):
    assert move.get("/no-such-page", status=404)["Message"]
