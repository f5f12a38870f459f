"""The defaults of a generated world as data: places, carriers, rooms by kind and hour, networks and their quality.

Mainland weights are residents in units of 10,000 (census of 2020, rounded); the listed cities stand for their
province. Losses are in percent and delays in milliseconds here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from mockserver.core.text import Text


class Place(NamedTuple):
    """A city in its province and country; `weight` is relative to the other places."""

    country: str
    province: str
    city: str
    weight: float


class PlaceConflict(NamedTuple):
    """A place that contradicts an earlier one."""

    level: str  # `city` or `province`.
    parent: str  # `province` or `country`.
    text: Text


class PlaceHierarchy:
    """Checks that each city is in one province and each province in one country, so that the counts of §3.2 nest."""

    def __init__(self, places: Iterable[Place] = ()) -> None:
        self._parents: dict[tuple[str, str], str] = {}
        for place in places:
            self.add(place.country, place.province, place.city)

    def add(self, country: str, province: str, city: str) -> PlaceConflict | None:
        """Add a place. Return a conflict if an earlier one has the city in another province, or the like."""
        for level, name, parent, parent_name in (
            ("city", city, "province", province),
            ("province", province, "country", country),
        ):
            earlier = self._parents.setdefault((level, name), parent_name)
            if earlier != parent_name:
                text = Text(
                    f"{name} is in {earlier} elsewhere and in {parent_name} here: correct one of them",
                    f"{name} 在别处属于 {earlier}，此处属于 {parent_name}：请改正其一",
                )
                return PlaceConflict(level, parent, text)
        return None


HOME = "中国"

_CITIES = """
北京市: 北京市 2189
天津市: 天津市 1387
上海市: 上海市 2487
重庆市: 重庆市 3205
河北省: 石家庄市 1124 保定市 924 邯郸市 941 唐山市 772 沧州市 730
山西省: 太原市 530 运城市 477 临汾市 398 大同市 311
内蒙古自治区: 呼和浩特市 345 包头市 271 赤峰市 404
辽宁省: 沈阳市 907 大连市 745 鞍山市 333 营口市 233
吉林省: 长春市 907 吉林市 362 四平市 181
黑龙江省: 哈尔滨市 1001 齐齐哈尔市 407 大庆市 278
江苏省: 苏州市 1275 南京市 931 徐州市 908 南通市 773 无锡市 746 盐城市 671
浙江省: 杭州市 1194 温州市 957 宁波市 940 金华市 705 台州市 662 绍兴市 527
安徽省: 合肥市 937 阜阳市 820 宿州市 532 芜湖市 364
福建省: 福州市 829 泉州市 878 厦门市 516 漳州市 505
江西省: 南昌市 626 赣州市 897 上饶市 649 九江市 460
山东省: 青岛市 1007 济南市 920 临沂市 1102 潍坊市 939 烟台市 710 济宁市 836
河南省: 郑州市 1260 南阳市 971 周口市 903 洛阳市 706 商丘市 782
湖北省: 武汉市 1233 黄冈市 588 襄阳市 526 宜昌市 402
湖南省: 长沙市 1005 衡阳市 665 邵阳市 656 岳阳市 505
广东省: 广州市 1868 深圳市 1756 东莞市 1047 佛山市 950 揭阳市 558 惠州市 605 汕头市 550 珠海市 244
广西壮族自治区: 南宁市 874 桂林市 493 柳州市 416 玉林市 580
海南省: 海口市 287 三亚市 103
四川省: 成都市 2094 南充市 561 绵阳市 487 宜宾市 459
贵州省: 贵阳市 599 遵义市 661 毕节市 690
云南省: 昆明市 846 曲靖市 577 红河哈尼族彝族自治州 448
西藏自治区: 拉萨市 87 日喀则市 80
陕西省: 西安市 1295 渭南市 469 咸阳市 396
甘肃省: 兰州市 436 天水市 298
青海省: 西宁市 247 海东市 136
宁夏回族自治区: 银川市 286 吴忠市 138
新疆维吾尔自治区: 乌鲁木齐市 405 喀什地区 450 伊犁哈萨克自治州 285
"""

_ABROAD = (
    Place("中国香港", "香港特别行政区", "香港", 30),
    Place("新加坡", "新加坡", "新加坡市", 20),
    Place("马来西亚", "吉隆坡联邦直辖区", "吉隆坡", 15),
    Place("美国", "加利福尼亚州", "洛杉矶", 10),
    Place("美国", "纽约州", "纽约", 4),
    Place("日本", "东京都", "东京", 9),
    Place("中国台湾", "台湾省", "台北市", 7),
    Place("澳大利亚", "新南威尔士州", "悉尼", 5),
)
_HOME_SHARE = 0.97


def _default_places() -> tuple[Place, ...]:
    """The mainland's cities, and places abroad scaled so that 97 % of the users are in the mainland."""
    mainland = []
    for line in _CITIES.strip().splitlines():
        province, _, cities = line.partition(": ")
        items = cities.split()
        mainland += [
            Place(HOME, province, city, float(residents))
            for city, residents in zip(items[::2], items[1::2], strict=True)
        ]
    inside, outside = sum(place.weight for place in mainland), sum(place.weight for place in _ABROAD)
    scale = inside * (1 - _HOME_SHARE) / _HOME_SHARE / outside
    return (*mainland, *(place._replace(weight=round(place.weight * scale, 3)) for place in _ABROAD))


PLACES = _default_places()

CARRIERS = (("中国移动", 59), ("中国电信", 21), ("中国联通", 20))
"""Mobile carriers and their share of subscribers in percent (2019)."""

NETWORKS = ("WiFi", "5G", "4G", "3G", "2G", "Ethernet")  # The network types of a generated world, indexed by code.


class NetworkQuality(NamedTuple):
    """Median and 95 % quantile of loss (%) and delay (ms) of a network type, and its failed joins (%)."""

    loss_50: float
    loss_95: float
    delay_50: float
    delay_95: float
    failed: float


_REALISTIC = {
    "WiFi": NetworkQuality(0.3, 3, 45, 120, 0.4),
    "5G": NetworkQuality(0.3, 2.5, 40, 100, 0.4),
    "4G": NetworkQuality(0.8, 6, 60, 170, 0.9),
    "3G": NetworkQuality(2.5, 12, 150, 420, 3),
    "2G": NetworkQuality(6, 20, 350, 800, 8),
    "Ethernet": NetworkQuality(0.1, 1, 30, 80, 0.2),
}
PROFILES = {
    "realistic": _REALISTIC,
    "degraded": {
        name: NetworkQuality(
            quality.loss_50 * 6,
            min(quality.loss_95 * 4, 60),
            quality.delay_50 * 2.5,
            quality.delay_95 * 2.5,
            min(quality.failed * 8, 40),
        )
        for name, quality in _REALISTIC.items()
    },
    # As in the sample of §3.3.6: joins 90-92 %, loss 10-29 %, delays 30-50 ms on every network.
    "document_like": {name: NetworkQuality(12, 26, 32, 48, 9) for name in NETWORKS},
}

ROOM_KINDS: list[dict[str, Any]] = [
    {"name": "one-to-one", "share": 62, "median": 110, "sigma": 1.1, "seats": [2, 2]},
    {"name": "small team", "share": 23, "median": 720, "sigma": 0.8, "seats": [3, 5]},
    {"name": "meeting", "share": 12, "median": 1_800, "sigma": 0.6, "seats": [4, 10]},
    {"name": "full", "share": 3, "median": 2_700, "sigma": 0.5, "seats": [8, 20]},
]
HOUR_WEIGHTS = [
    *(0.30, 0.17, 0.10, 0.07, 0.06, 0.08, 0.17, 0.36, 0.58, 0.74, 0.80, 0.83),
    *(0.88, 0.78, 0.76, 0.79, 0.80, 0.82, 0.90, 1.05, 1.22, 1.25, 1.02, 0.62),
]
NETWORK_SHARES: dict[str, dict[str, float]] = {
    "2019": {"WiFi": 64, "4G": 33, "3G": 1.5, "Ethernet": 1, "2G": 0.5},
    "20191101": {"WiFi": 64, "4G": 33, "3G": 1.5, "Ethernet": 1, "2G": 0.5},
    "2021": {"WiFi": 63, "5G": 8, "4G": 27, "3G": 0.8, "Ethernet": 1, "2G": 0.2},
    "2023": {"WiFi": 61, "5G": 20, "4G": 17.6, "3G": 0.3, "Ethernet": 1, "2G": 0.1},
    "2025": {"WiFi": 59, "5G": 31, "4G": 8.85, "3G": 0.1, "Ethernet": 1, "2G": 0.05},
}  # Shares of network types by year or day (`yyyymmdd`).

EVENING_LOAD = (0, 0, 0, 0, 0, 0, 0, 0, 5, 10, 10, 10, 10, 10, 10, 10, 10, 15, 25, 50, 80, 80, 50, 15)
"""By how many percent the load of each local hour raises the loss; delays rise by a third of it."""
