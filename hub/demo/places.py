"""Where people live and companies sit: the city's districts by weight, and street addresses in them."""

from __future__ import annotations

from itertools import accumulate
from random import Random

from hub.demo.divisions import Division, counties

# Shares of the city's residents, in per mille, roughly as in its seventh census.
_SHARES = {
    "520102": 178, "520103": 180, "520111": 165, "520112": 60, "520113": 76, "520115": 110, "520121": 62, "520122": 38, "520123": 51, "520181": 80,
}  # fmt: skip
_ROADS = (
    "文昌路", "人民路", "学府路", "滨河路", "云潭路", "林城路", "花溪大道", "金阳大道", "甲秀路", "青云路", "黔灵路", "石林路", "中兴路",
    "兴筑路", "观山路", "龙泉路", "翠微路", "朝阳路", "建设路", "解放路", "和平路", "友谊路", "南垭路", "沙冲路", "遵义路", "浣纱路",
    "枣山路", "百花大道", "东山路", "西湖路", "新添大道", "云环路", "同心路", "乌江路", "红枫路", "云岭街", "前进路", "工农路", "清溪路",
    "民主路",
)  # fmt: skip


class Places:
    """Draws districts and addresses."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.districts = counties()
        self._shares = tuple(accumulate(_SHARES[district.code] for district in self.districts))

    def district(self) -> Division:
        """A district of the city, by its share of the residents."""
        return self._rng.choices(self.districts, cum_weights=self._shares)[0]

    def home(self, district: Division) -> str:
        """A flat's address, e.g. 贵州省贵阳市南明区文昌路12号3栋2单元401室."""
        return f"{self.street(district)}{self._up_to(15)}栋{self._up_to(4)}单元{self._up_to(32)}0{self._up_to(4)}室"

    def street(self, district: Division) -> str:
        """A house's address, e.g. 贵州省贵阳市南明区文昌路12号."""
        return f"{district.full_name}{self._rng.choice(_ROADS)}{self._up_to(399)}号"

    def _up_to(self, most: int) -> int:
        return 1 + int(self._rng.random() * most)
