"""Names of people who do not exist: common surnames, compound ones, and the two-part names of some minorities."""

from __future__ import annotations

from itertools import accumulate
from random import Random

from hub.demo.numbers import MALE

_SURNAMES = tuple(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫雷龙黎史陶贺毛段郝顾龚邵万覃武钱戴严莫孔向常汤"
)
_COMPOUND = ("欧阳", "令狐", "上官", "司徒", "诸葛", "司马", "皇甫", "慕容", "端木", "东方")
_MALE = tuple("伟强磊军勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林建国志文德清海山成康泽瑞轩然晨博睿")
_FEMALE = tuple("芳娜敏静丽艳娟霞秀兰英梅玲燕红萍婷雪慧莹琴云洁琳倩颖玉珍凤春菊蓉瑶怡欣梦涵雨佳悦思彤诗语晴菲")
_GIVEN = {
    True: ("木呷", "阿依曲布", "艾力", "买买提", "扎西", "次仁", "巴特尔", "吐尔逊"),
    False: ("阿依古丽", "迪丽努尔", "卓玛", "央金", "其其格", "古丽娜尔", "阿果", "茹仙"),
}
_CLANS = ("阿苏", "吉克", "沙马", "玉素甫", "阿卜杜拉", "尼玛", "格桑", "额尔德尼", "伊明", "曲比")
# Sizes as in the population: the first surnames of the list are each held by about 7 %, the last by about 0.2 %.
_WEIGHTS = tuple(accumulate(1 / (rank + 4) for rank in range(len(_SURNAMES))))


class Names:
    """Draws names."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def surname(self) -> str:
        """A surname; one in a hundred is compound, one in two hundred is empty: its bearers have a two-part name."""
        draw = self._rng.random()
        if draw < 0.005:
            return ""
        if draw < 0.015:
            return self._rng.choice(_COMPOUND)
        return self._rng.choices(_SURNAMES, cum_weights=_WEIGHTS)[0]

    def full(self, surname: str, gender: str) -> str:
        """A full name, e.g. 王雪梅, 令狐强 or 阿依古丽·玉素甫."""
        man = gender == MALE
        if not surname:
            return f"{self._rng.choice(_GIVEN[man])}·{self._rng.choice(_CLANS)}"
        characters = _MALE if man else _FEMALE
        first, second = self._rng.choice(characters), self._rng.choice(characters)
        return surname + first if first == second or self._rng.random() < 0.2 else surname + first + second
