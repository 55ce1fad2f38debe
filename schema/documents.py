"""Text → checked document: parsed with bounds, metered, validated against the caller's view, once; then cached by the view's cut and text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    MaxIntrospectionDepthRule,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    specified_rules,
    validate,
)

from schema.budget import Budget, check_budget
from schema.collect import condition_variables
from schema.faults import Code, Fault
from schema.messages import in_chinese
from schema.plainly import plainly_valid
from schema.view import View

MAX_TOKENS = 3000
MAX_COMMENTS = 2000
MAX_CHARACTERS = 200_000
"""Of a document. Long texts, a manifest for one, are variables: the parser goes through a text in the document character by character."""
MOST_KEPT = 20_000
"""Characters of a document that is kept once it is checked."""
OVERHEAD = 1_000
"""What a kept document counts beside its characters: types of the view, and whatever else does not grow with it."""
_RULES = (*specified_rules, *(() if MaxIntrospectionDepthRule in specified_rules else (MaxIntrospectionDepthRule,)))


@dataclass(frozen=True, eq=False)
class Document:
    """A document that is valid for the view it was checked against."""

    text: str
    node: DocumentNode
    schema: GraphQLSchema
    sha256: str
    """Of the text, in hex; what the ledger keeps of it."""

    @classmethod
    def of(cls, text: str, node: DocumentNode, schema: GraphQLSchema) -> Document:
        """A document that was found valid."""
        return cls(text, node, schema, hashlib.sha256(text.encode()).hexdigest())

    @property
    def weight(self) -> int:
        """What it counts where documents are kept; one of weight 1,000 takes about 40,000 bytes, with all that is made of it 100,000."""
        return OVERHEAD + len(self.text)

    def conditions(self, operation: OperationDefinitionNode) -> frozenset[str]:
        """Names of the variables on which an operation of it depends by ``@skip`` and ``@include``; those of its other operations are not sent."""
        return condition_variables(self.node, operation) if "@" in self.text else frozenset()

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. An empty name is none: no operation has it, and clients in Go send it for one that was not set.

        Raises:
            Fault: ``BAD_REQUEST`` when there is none of that name, or several and no name is given.
        """
        operations = [d for d in self.node.definitions if isinstance(d, OperationDefinitionNode)]
        named = [o for o in operations if not name or (o.name and o.name.value == name)]
        if len(named) == 1:
            return named[0]
        if not name:
            zh, en = "文档含有多个操作，须用 operationName 指明", "the document has several operations: name one by operationName"
        else:
            zh, en = "operationName 指明的操作不在文档中", "the document has no operation of the name given by operationName"
        names = ", ".join(o.name.value for o in operations if o.name)
        hints = (f"文档中的操作：{names}", f"operations of the document: {names}") if names else ("请省略 operationName", "leave operationName out")
        raise Fault(Code.BAD_REQUEST, zh, en, *hints)


class InvalidDocument(Fault):
    """A document that does not parse or validate; ``errors`` has one entry per finding, ``schema`` the address of the schema to compare it with."""

    def __init__(self, errors: list[GraphQLError], schema: str = "/graphql/schema.graphql") -> None:
        first = errors[0].message
        super().__init__(
            Code.INVALID_DOCUMENT,
            f"查询文档无效：{in_chinese(first)}",
            first,
            f"请对照 {schema}（您所见的模式）检查字段、参数与类型",
            f"compare fields, arguments and types with {schema}, the schema that you see",
        )
        self.errors = errors


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A document that parses, without the places of its parts, which take more memory than the rest; the root fields that it names; its weight."""

    node: DocumentNode
    roots: frozenset[str]
    weight: int


class Documents:
    """Checked documents, bounded by their length, per cut of a view; only valid ones are kept. A document is invalid for whoever may not see what it names, with the same text as a misspelt name."""

    def __init__(self, budget: Budget | None = None, characters: int = 500_000) -> None:
        self._budget = budget or Budget()
        self._parsed: LRUCache[str, _Parsed] = LRUCache(characters, getsizeof=lambda found: found.weight)
        self._checked: LRUCache[tuple[int, str], Document] = LRUCache(characters, getsizeof=lambda found: found.weight)

    def check(self, text: str, view: View) -> Document:
        """The checked document.

        Raises:
            InvalidDocument: syntax or validation errors.
            Fault: ``QUERY_BUDGET``.
        """
        parsed = self._parsed.get(text)
        if parsed is None:
            parsed = _Parsed(node := self._sound(text, located=False), root_names(node), OVERHEAD + len(text))
        schema = view.schema(parsed.roots)
        found = self._checked.get((id(schema), text))
        if found is not None and found.schema is schema:
            return found
        if not plainly_valid(schema, parsed.node):
            self._validate(text, parsed.node, schema)
        document = Document.of(text, parsed.node, schema)
        if len(text) <= MOST_KEPT:
            self._parsed[text] = parsed
            self._checked[id(schema), text] = document
        return document

    def parse(self, text: str) -> DocumentNode:
        """The parsed document, within the budget, with the places of its parts.

        Raises:
            InvalidDocument: a syntax error, a subscription, or no operation.
            Fault: ``QUERY_BUDGET``.
        """
        return self._sound(text, located=True)

    def _sound(self, text: str, *, located: bool) -> DocumentNode:
        node = self._read(text, located=located)
        check_budget(node, self._budget)
        self._refuse_subscriptions(node)
        return node

    def _read(self, text: str, *, located: bool) -> DocumentNode:
        if len(text) > MAX_CHARACTERS:
            zh, en = f"查询文档超过 {MAX_CHARACTERS} 个字符", f"the document has more than {MAX_CHARACTERS} characters"
            raise Fault(Code.QUERY_BUDGET, zh, en, "长文本请用变量传递", "send long texts as variables")
        try:
            return _parsed(text, located)
        except GraphQLError as error:
            raise InvalidDocument([_lone(error)]) from None

    @staticmethod
    def _validate(text: str, node: DocumentNode, schema: GraphQLSchema) -> None:
        if validate(schema, node, _RULES, max_errors=1, hide_suggestions=True):
            # Errors tell places, which are not kept of documents that are valid.
            found = validate(schema, _parsed(text, located=True), _RULES, max_errors=20, hide_suggestions=True)
            raise InvalidDocument([_lone(each) for each in found])

    @staticmethod
    def _refuse_subscriptions(node: DocumentNode) -> None:
        operations = [d for d in node.definitions if isinstance(d, OperationDefinitionNode)]
        if any(o.operation is OperationType.SUBSCRIPTION for o in operations):
            raise InvalidDocument([GraphQLError("Subscriptions are not offered; exchanges are followed by GET /exchanges/{id}/events.")])
        if not operations:
            raise InvalidDocument([GraphQLError("The document has no operation.")])


class DocumentsTogether(Documents):
    """Documents that one call brings beside its own: they have the tokens of one document between them."""

    def __init__(self) -> None:
        super().__init__()
        self._left = MAX_TOKENS

    def _read(self, text: str, *, located: bool) -> DocumentNode:
        node = super()._read(text, located=located)
        self._left -= node.token_count
        if self._left < 0:
            zh, en = f"一次调用中试运行的文档合计超过 {MAX_TOKENS} 个词元", f"the documents of a call's dry runs have more than {MAX_TOKENS} tokens together"
            raise Fault(Code.QUERY_BUDGET, zh, en, "请分次调用", "make several calls")
        return node


def _lone(error: GraphQLError) -> GraphQLError:
    """What it tells, and where. Who keeps it is not to keep the parts of the document with it, nor the parser that its traceback leads to."""
    return GraphQLError(error.message, source=error.source, positions=error.positions)


def _parsed(text: str, located: bool) -> DocumentNode:
    return parse(text, no_location=not located, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_COMMENTS)


def root_names(document: DocumentNode) -> frozenset[str]:
    """Names of all root fields that any operation of the document selects, through fragments too."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    names: set[str] = set()
    seen: set[str] = set()

    def walk(selected: SelectionSetNode | None) -> None:
        for node in selected.selections if selected else ():
            if isinstance(node, FieldNode):
                names.add(node.name.value)
            elif isinstance(node, InlineFragmentNode):
                walk(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                if node.name.value in fragments:
                    walk(fragments[node.name.value].selection_set)

    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            walk(definition.selection_set)
    return frozenset(names)
