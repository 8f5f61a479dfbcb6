"""What every implementation of a port must do. Subclass a suite, say how one is made, add what is its own."""

import pytest

pytest.register_assert_rewrite(
    "tests.contracts.broker", "tests.contracts.store", "tests.contracts.store_machine"
)
