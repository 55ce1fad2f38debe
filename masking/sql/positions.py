"""Rules that hide characters by their position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import case, or_

from masking import words
from masking.generated import shortest
from masking.rules import Mask
from masking.sql.basics import Expression, constant, constants, head, least, length_of, measured, number, part, position, tail


def writer(mask: Mask) -> Callable[[Expression, str], Expression] | None:
    """How a rule's expression is made of a text and a dialect; ``None`` for other rules."""
    match mask.algorithm, mask.parameters:
        case "KEEP_FIRST_N_LAST_M", (int(first), int(last)) if first >= 0 and last >= 0:
            return lambda text, dialect: _Positions(mask, text, dialect).keep(first, last)
        case "PHONE", ():
            return lambda text, dialect: _Positions(mask, text, dialect).phone()
        case "MASK_FROM_X_TO_Y", (int(start), int(end)) if 0 <= start <= end:
            return lambda text, dialect: _Positions(mask, text, dialect).mask_span(start, end + 1)
        case "MASK_FIRST_N_LAST_M", (int(first), int(last)) if first >= 0 and last >= 0:
            return lambda text, dialect: _Positions(mask, text, dialect).mask_ends(first, last)
        case "KEEP_FROM_X_TO_Y", (int(start), int(end)) if 0 <= start <= end:
            return lambda text, dialect: _Positions(mask, text, dialect).keep_span(start, end + 1)
        case "MASK_BEFORE_SPECIAL_CHARS", (str(chars),) if chars:
            return lambda text, dialect: _Positions(mask, text, dialect).before(chars)
        case "MASK_AFTER_SPECIAL_CHARS", (str(chars),) if chars:
            return lambda text, dialect: _Positions(mask, text, dialect).after(chars)
    return None


@dataclass(frozen=True, slots=True)
class _Positions:
    mask: Mask
    text: Expression
    dialect: str

    @property
    def length(self) -> Expression:
        return length_of(self.text, self.dialect)

    @property
    def measured(self) -> Expression:
        return measured(self.text, self.dialect)

    def too_much(self, shown: Expression) -> Expression:
        return or_(shown >= self.measured, shown * number(100) > self.measured * number(self.mask.share))

    def stars(self, hidden: Expression | int) -> Expression:
        if self.mask.fixed:
            return constant("*" * words.FIXED_STARS)
        return constant("*" * min(hidden, words.STAR_LIMIT)) if isinstance(hidden, int) else head(constant(words.STARS), hidden, self.dialect)

    def keep(self, first: int, last: int) -> Expression:
        """The ends, where the text is long enough for them."""
        hidden = self.length - number(first + last)
        between = head(self.text, first, self.dialect) + self.stars(hidden) + tail(self.text, last, self.dialect)
        return case((self.measured < number(shortest(first + last, self.mask.share)), self.stars(self.length)), else_=between)

    def phone(self) -> Expression:
        """The area code of a landline, the head of another, and the tail."""
        tail, second = words.PHONE_TAIL, part(self.text, 2, 1)
        landline = part(self.text, 1, 1) == constant("0")
        area = case((second.in_(constants(words.SHORT_AREA_SECOND)), self.keep(words.SHORT_AREA_CODE, tail)), else_=self.keep(words.AREA_CODE, tail))
        return case((landline, area), else_=self.keep(words.MOBILE_HEAD, tail))

    def mask_span(self, start: int, behind: int) -> Expression:
        """Hidden from a position up to before another."""
        return self._hidden(number(start), least(self.dialect, number(behind), self.length))

    def before(self, chars: str) -> Expression:
        """Hidden up to a word."""
        return self._hidden(number(0), position(self.text, chars, self.dialect) - number(1))

    def after(self, chars: str) -> Expression:
        """Hidden behind a word."""
        found = position(self.text, chars, self.dialect)
        return self._hidden(case((found > number(0), found + number(len(chars) - 1)), else_=self.length), self.length)

    def _hidden(self, first: Expression, behind: Expression) -> Expression:
        hidden = behind - first
        between = part(self.text, 1, first) + self.stars(hidden) + part(self.text, behind + number(1), self.length)
        return case((self.too_much(self.length - hidden), self.stars(self.length)), else_=between)

    def mask_ends(self, first: int, last: int) -> Expression:
        """The middle, where the ends are hidden."""
        return self._shown(first, self.length - number(last), self.stars(last) if last else None)

    def keep_span(self, start: int, behind: int) -> Expression:
        """Shown from a position up to before another."""
        hidden = case((self.length > number(behind), self.length - number(behind)), else_=number(0))
        return self._shown(start, least(self.dialect, number(behind), self.length), self.stars(hidden))

    def _shown(self, before: int, behind: Expression, after: Expression | None) -> Expression:
        shown = behind - number(before)
        between = part(self.text, before + 1, shown)
        between = self.stars(before) + between if before else between
        return case((or_(shown <= number(0), self.too_much(shown)), self.stars(self.length)), else_=between if after is None else between + after)
