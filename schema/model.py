"""The catalog as published: an immutable snapshot of departments, sources, resources, items and links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from auth.audience import Pseudonymous
from auth.rights import ItemPolicy, OpenClass, Operation, ResourcePolicy, SharingClass
from connectors.selection import Binding, Kind
from connectors.spi import SourceConfig
from masking.pseudonym import ALGORITHM as PSEUDONYM
from masking.pseudonym import pseudonymises
from masking.rules import DENY, NO_MASKS, Mask, UnknownMask, parse_mask
from schema.naming import camel, pascal, type_name

DEFAULT_COHORT = 10
PERSONAL = frozenset({"resident_id", "uscc"})
"""Validators whose values name one person or organisation wherever they stand."""


@dataclass(frozen=True)
class Department:
    """部门: an organisation that provides or uses data."""

    code: str
    name: str
    name_en: str = ""
    uscc: str = ""
    tier: str = "city"


@dataclass(frozen=True)
class Item:
    """信息项: one field of a resource, and the source column it lies in."""

    code: str
    name: str
    kind: Kind
    column: str
    name_en: str = ""
    description: str = ""
    sharing_class: SharingClass | None = None
    """Stricter than the resource's where set."""
    marks: frozenset[str] = frozenset()
    validator: str | None = None
    filterable: bool = False
    low_cardinality: bool = False
    nullable: bool = True
    share_mask: str | None = None
    open_mask: str | None = None

    @property
    def few_valued(self) -> bool:
        """Whether its values could be guessed one by one: the catalog says so, or it is true or false."""
        return self.low_cardinality or self.kind is Kind.BOOLEAN


@dataclass(frozen=True)
class Link:
    """``company.legal_rep_id_number → civil_affairs.person.id_number``: from an item to an identifier of another resource; to one."""

    field: str
    item: str
    to_resource: str
    to_item: str


@dataclass(frozen=True)
class Resource:
    """信息资源: one shareable table-like thing, described once."""

    code: str
    """``department.resource``."""
    department: str
    name: str
    plural: str
    source: str
    """``department.source``."""
    binding: Binding
    identifiers: tuple[str, ...]
    stable_key: str
    """Source column that orders and pages; unique, never null, never shown."""
    stable_kind: Kind
    items: Mapping[str, Item]
    links: tuple[Link, ...] = ()
    name_en: str = ""
    description: str = ""
    classification: str = ""
    level: str = "INTERNAL"
    sharing_class: SharingClass = SharingClass.UNCONDITIONAL
    legal_basis: tuple[str, ...] = ()
    open_class: OpenClass = OpenClass.CLOSED
    update_cycle: str = "irregular"
    operations: frozenset[Operation] = frozenset()
    service_methods: tuple[str, ...] = ()
    watermark: str | None = None
    left_out: frozenset[str] = frozenset()
    """Columns of the source that are known and not shared."""
    cohort: int | None = None
    """The fewest rows of which a count or a figure is told, where the manifest sets it."""
    masks: Mapping[str, Mask] = field(default_factory=lambda: NO_MASKS)
    """The department's own masking rules, by code."""
    withdrawn: bool = False
    """撤回: it stands in the catalog, and exists for nobody until it is given back."""

    @property
    def short(self) -> str:
        """The code without its department."""
        return self.code.partition(".")[2]

    @property
    def least_cohort(self) -> int:
        """The fewest rows of which a count or a figure is told; 1: there is no limit."""
        return self.cohort or (1 if self.level == "PUBLIC" else DEFAULT_COHORT)

    @cached_property
    def policy(self) -> ResourcePolicy:
        """What rights depend on."""
        items = {code: _item_policy(self, item) for code, item in self.items.items()}
        public = self.level == "PUBLIC"
        return ResourcePolicy(self.code, self.department, self.sharing_class, self.open_class, public, self.operations, items, self.masks, self.withdrawn)

    @cached_property
    def identifying(self) -> Mapping[str, tuple[Item, ...]]:
        """Items whose values say whom a row concerns, by source column: its identifiers, and numbers of people and organisations."""
        found: dict[str, tuple[Item, ...]] = {}
        for item in self.items.values():
            if item.code in self.identifiers or item.validator in PERSONAL:
                found[item.column] = (*found.get(item.column, ()), item)
        return found

    @cached_property
    def pseudonymises(self) -> tuple[bool, bool]:
        """Whether the catalog's own rules may make pseudonyms of an item's values: for those with whom it is shared, and for the public."""
        declared = {code for code, mask in self.masks.items() if pseudonymises(mask)}

        def made(labels: Iterator[str | None]) -> bool:
            return any(label in declared or label.startswith(PSEUDONYM) for label in labels if label)

        shared = made(item.share_mask for item in self.items.values())
        return shared or bool(declared), made(item.open_mask for item in self.items.values())


def joins(resource: Resource, link: Link, target: Resource | None) -> bool:
    """Whether the link's ends are there and alike: an item, and an identifier of the same type."""
    if target is None or link.to_item not in target.identifiers or link.item not in resource.items:
        return False
    return resource.items[link.item].kind is target.items[link.to_item].kind


def _item_policy(resource: Resource, item: Item) -> ItemPolicy:
    share, share_denied = _rule(item.share_mask, resource.masks)
    opening, open_denied = _rule(item.open_mask, resource.masks)
    return ItemPolicy(
        code=item.code,
        sharing_class=item.sharing_class or resource.sharing_class,
        sensitive="sensitive" in item.marks,
        identifier=item.code in resource.identifiers,
        share_mask=share,
        share_denied=share_denied,
        open_mask=opening,
        open_denied=open_denied,
        type=item.kind.value,
        few_values=item.few_valued or item.validator == "division",
        column=item.column,
    )


def _rule(label: str | None, declared: Mapping[str, Mask]) -> tuple[Mask | None, bool]:
    """The rule of a label, and whether the item is denied: it is, too, by a label that says nothing any more."""
    if label is None:
        return None, False
    try:
        return parse_mask(label, declared), label == DENY
    except UnknownMask:
        return None, True


def root_fields(resource: Resource) -> dict[str, str]:
    """Fields that the resource may have on its department's type → what they do."""
    short, plural = resource.short, resource.plural
    listed = camel(plural)
    return {
        camel(short): "one",
        listed: "list",
        f"verify{pascal(short)}": "verify",
        f"verify{pascal(plural)}": "verify_many",
        f"{listed}Aggregate": "aggregate",
    }


@dataclass(frozen=True)
class Snapshot:
    """One published state of the whole catalog. Running calls finish on the one they started with."""

    number: int
    departments: Mapping[str, Department] = field(default_factory=dict)
    sources: Mapping[str, SourceConfig] = field(default_factory=dict)
    resources: Mapping[str, Resource] = field(default_factory=dict)
    published_at: datetime | None = None

    @cached_property
    def withdrawn(self) -> frozenset[str]:
        """Codes of the resources that are withdrawn."""
        return frozenset(code for code, resource in self.resources.items() if resource.withdrawn)

    @cached_property
    def before_withdrawals(self) -> Snapshot:
        """The same as if nothing were withdrawn."""
        return replace(self, resources={code: replace(each, withdrawn=False) if each.withdrawn else each for code, each in self.resources.items()})

    @cached_property
    def by_department(self) -> Mapping[str, tuple[Resource, ...]]:
        """Published resources of each department that has any, in catalog order."""
        grouped: dict[str, list[Resource]] = {}
        for resource in self.resources.values():
            grouped.setdefault(resource.department, []).append(resource)
        return {code: tuple(resources) for code, resources in grouped.items()}

    @cached_property
    def by_root_field(self) -> Mapping[str, str]:
        """Root field → code, of the departments that have resources."""
        return {camel(code): code for code in self.by_department}

    def fields_of(self, department: str) -> Mapping[str, str]:
        """Fields that a department's type may have → codes of the resources."""
        found = self._fields.get(department)
        if found is None:
            resources = self.by_department.get(department, ())
            found = self._fields[department] = {name: resource.code for resource in resources for name in root_fields(resource)}
        return found

    @cached_property
    def _fields(self) -> dict[str, Mapping[str, str]]:
        return {}

    @cached_property
    def by_type(self) -> Mapping[str, str]:
        """Name of the object type → code of the resource."""
        return {type_name(code): code for code in self.resources}

    @cached_property
    def pseudonymous(self) -> Pseudonymous:
        """Where pseudonyms may be made by the catalog's own rules."""
        found = [resource for resource in self.resources.values() if any(resource.pseudonymises)]
        unconditional = any(each.sharing_class is SharingClass.UNCONDITIONAL and each.pseudonymises[0] for each in found)
        opened = any(each.open_class is OpenClass.OPEN and each.pseudonymises[1] for each in found)
        return Pseudonymous(frozenset(each.code for each in found if each.pseudonymises[0]), unconditional, opened)

    def touched_since(self, before: Snapshot) -> frozenset[str]:
        """Departments of which something may look or work otherwise than before: what changed in them, in their sources, or behind their links."""
        changed = {code for code in {*self.departments, *before.departments} if self._department_state(code) != before._department_state(code)}
        changed |= {code.partition(".")[0] for code in {*self.sources, *before.sources} if self.sources.get(code) != before.sources.get(code)}
        leading: dict[str, set[str]] = {}
        for resource in (*self.resources.values(), *(each for code in changed for each in before.by_department.get(code, ()))):
            for link in resource.links:
                leading.setdefault(link.to_resource.partition(".")[0], set()).add(resource.department)
        pending = list(changed)
        while pending:
            new = leading.get(pending.pop(), set()) - changed
            changed |= new
            pending += new
        return frozenset(changed)

    def _department_state(self, code: str) -> tuple[Department | None, list[int]]:
        # Resources that were not published anew are the same objects in both snapshots, and both are alive.
        return self.departments.get(code), [id(resource) for resource in self.by_department.get(code, ())]
