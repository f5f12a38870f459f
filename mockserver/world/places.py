"""Where people live: countries, provinces and cities with weights, as data.

Mainland weights are residents in units of 10,000 (census of 2020, rounded): the cities told stand for their
province. Knows nothing of rooms, users or chance.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """One city in its province in its country; `weight` is relative to the other places."""

    country: str
    province: str
    city: str
    weight: float


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


def _mainland() -> tuple[Place, ...]:
    places = []
    for line in _CITIES.strip().splitlines():
        province, cities = line.split(": ")
        words = cities.split()
        places += [
            Place(HOME, province, city, float(count))
            for city, count in zip(words[::2], words[1::2], strict=True)
        ]
    return tuple(places)


def _world() -> tuple[Place, ...]:
    """The mainland, and abroad scaled so that 97 % of the people are in the mainland."""
    mainland = _mainland()
    inside, outside = sum(place.weight for place in mainland), sum(place.weight for place in _ABROAD)
    scale = inside * (1 - _HOME_SHARE) / _HOME_SHARE / outside
    return mainland + tuple(place._replace(weight=round(place.weight * scale, 3)) for place in _ABROAD)


PLACES = _world()
"""The default places."""

CARRIERS = (("中国移动", 59), ("中国电信", 21), ("中国联通", 20))
"""Mobile carriers with their share of subscribers, percent (2019)."""
