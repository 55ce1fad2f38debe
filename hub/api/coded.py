"""The schemas that are written as code: Strawberry's, without what it does to those that are not."""

from __future__ import annotations

import strawberry


class CodedSchema(strawberry.Schema):
    """A Strawberry schema beside which others keep graphql-core's introspection."""

    def _extend_introspection(self) -> None:
        """Strawberry sets ``isOneOf`` on the one ``__Type`` of the process; it would deny it of every input that is made from the catalog."""
