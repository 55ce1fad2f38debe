"""What a masking preview looks like, to GraphQL and, as plain JSON, at the command line."""

from __future__ import annotations

import strawberry

from hub.api.types import JSON
from hub.masking.inference import Inference
from hub.masking.meanings import Meaning
from hub.masking.preview import Declaration, Preview, Warned
from hub.masking.quasi import QuasiSet
from hub.masking.touched import Touched

strawberry.enum(Meaning, name="ValueMeaning", description="值的含义\n\nWhat a value stands for")


@strawberry.input
class MaskDeclarationInput:
    """A rule that is not saved: an algorithm, its properties, and whether masked texts are of one length."""

    algorithm: str
    props: JSON | None = None
    fixed: bool = False
    share: int | None = None


@strawberry.type(description="另知某事时剩余的候选值\n\nWhat remains to somebody who knows more")
class PreviewKnowing:
    """E.g. with the year of birth; ``candidates`` in decimal digits."""

    text: str
    text_en: str
    candidates: str


@strawberry.type(description="一个合成值脱敏前后\n\nA synthetic value before and after")
class PreviewedValue:
    """``candidates`` in decimal digits: values that look the same masked; ``exact``: counted, else estimated as ``assumptions`` say."""

    meaning: Meaning
    before: str
    after: str | None
    shown_percent: int | None
    candidates: str
    bits: float
    exact: bool
    assumptions: str
    assumptions_en: str
    knowing: list[PreviewKnowing]


@strawberry.type(description="预览中的警示\n\nWarning of a preview")
class PreviewWarning:
    """Something that the rule does not keep."""

    code: str
    text: str
    text_en: str


@strawberry.type(description="经此规则看到信息项者\n\nWho sees an item through the rule")
class PreviewTouched:
    """``viewer``: PUBLIC, EVERY_DEPARTMENT or APPLICATION; ``by``: whether the catalog or the grant names the rule."""

    viewer: str
    resource: str
    item: str
    application: str | None
    department: str | None
    grant: strawberry.ID | None
    by: str


@strawberry.type(description="脱敏预览\n\nPreview of a masking rule")
class MaskingPreview:
    """A rule on values that nobody has; no source is read."""

    rule: str
    algorithm: str
    parameters: list[str]
    version: int
    share: int
    fixed: bool
    type: str
    values: list[PreviewedValue]
    warnings: list[PreviewWarning]
    touched: list[PreviewTouched]
    touched_count: int


@strawberry.type(description="可识别个人的准标识符组合\n\nQuasi-identifiers in clear that together name people")
class QuasiIdentifierSet:
    """What one caller sees of a resource."""

    viewer: str
    resource: str
    items: list[str]
    application: str | None
    department: str | None
    grant: strawberry.ID | None
    warning: str


def declaration_of(given: MaskDeclarationInput | None) -> Declaration | None:
    """The declaration that is previewed."""
    if given is None:
        return None
    props: dict[str, int | str] = given.props if isinstance(given.props, dict) else {}
    return Declaration(given.algorithm, props, 1, given.fixed, given.share)


def preview_of(made: Preview) -> MaskingPreview:
    """A preview as it is shown."""
    mask = made.mask
    return MaskingPreview(
        rule=mask.label,
        algorithm=mask.algorithm,
        parameters=[str(each) for each in mask.parameters],
        version=mask.version,
        share=mask.share,
        fixed=mask.fixed,
        type=made.type,
        values=[_value(row) for row in made.rows],
        warnings=[_warning(each) for each in made.warnings],
        touched=[_touched(each) for each in made.touched],
        touched_count=made.touched_count,
    )


def _value(row: Inference) -> PreviewedValue:
    return PreviewedValue(
        meaning=row.meaning,
        before=str(row.value),
        after=row.masked,
        shown_percent=row.shown_percent,
        candidates=str(row.count.candidates),
        bits=row.bits,
        exact=row.count.exact,
        assumptions=row.count.zh,
        assumptions_en=row.count.en,
        knowing=[PreviewKnowing(text=each.zh, text_en=each.en, candidates=str(each.candidates)) for each in row.knowing],
    )


def _warning(each: Warned) -> PreviewWarning:
    return PreviewWarning(code=each.code, text=each.zh, text_en=each.en)


def _touched(each: Touched) -> PreviewTouched:
    grant = strawberry.ID(each.grant) if each.grant else None
    where = {"viewer": each.viewer, "resource": each.resource, "item": each.item, "by": each.by}
    return PreviewTouched(**where, application=each.application, department=each.department, grant=grant)


def quasi_of(one: QuasiSet) -> QuasiIdentifierSet:
    """A set as it is shown."""
    grant = strawberry.ID(one.grant) if one.grant else None
    return QuasiIdentifierSet(
        viewer=one.viewer,
        resource=one.resource,
        items=list(one.items),
        application=one.application,
        department=one.department,
        grant=grant,
        warning=str(one),
    )
