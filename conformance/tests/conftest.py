"""Shared by all groups: the running lab."""

import pytest

from lab_control import Lab


@pytest.fixture(scope="session")
def lab():
    return Lab.of_environment()
