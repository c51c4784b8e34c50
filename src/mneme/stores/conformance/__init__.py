"""What every store must do, as tests that any store can run.

Subclass :class:`StoreConformance` in a test module and give it a pytest fixture ``root`` that yields an empty
:class:`mneme.core.ports.Root`::

    class TestMyStore(StoreConformance):
        @pytest.fixture
        def root(self):
            return MyRoot()
"""

from mneme.stores.conformance.erasing import Erasing
from mneme.stores.conformance.folding import Compacting
from mneme.stores.conformance.relating import Relating
from mneme.stores.conformance.writing import Writing

__all__ = ["StoreConformance"]


class StoreConformance(Writing, Relating, Erasing, Compacting):
    """The suite; see the package."""
