"""English names of the places of a generated world, for the English console."""

from __future__ import annotations

_TABLE = """
中国=China 中国香港=Hong_Kong,_China 中国台湾=Taiwan,_China 新加坡=Singapore 马来西亚=Malaysia 美国=United_States 日本=Japan
澳大利亚=Australia
香港特别行政区=Hong_Kong 香港=Hong_Kong 新加坡市=Singapore 吉隆坡联邦直辖区=Kuala_Lumpur 吉隆坡=Kuala_Lumpur 加利福尼亚州=California
洛杉矶=Los_Angeles 纽约州=New_York 纽约=New_York 东京都=Tokyo 东京=Tokyo 台湾省=Taiwan 台北市=Taipei 新南威尔士州=New_South_Wales
悉尼=Sydney
北京市=Beijing 天津市=Tianjin 上海市=Shanghai 重庆市=Chongqing
河北省=Hebei 石家庄市=Shijiazhuang 保定市=Baoding 邯郸市=Handan 唐山市=Tangshan 沧州市=Cangzhou
山西省=Shanxi 太原市=Taiyuan 运城市=Yuncheng 临汾市=Linfen 大同市=Datong
内蒙古自治区=Inner_Mongolia 呼和浩特市=Hohhot 包头市=Baotou 赤峰市=Chifeng
辽宁省=Liaoning 沈阳市=Shenyang 大连市=Dalian 鞍山市=Anshan 营口市=Yingkou
吉林省=Jilin 长春市=Changchun 吉林市=Jilin_City 四平市=Siping
黑龙江省=Heilongjiang 哈尔滨市=Harbin 齐齐哈尔市=Qiqihar 大庆市=Daqing
江苏省=Jiangsu 苏州市=Suzhou 南京市=Nanjing 徐州市=Xuzhou 南通市=Nantong 无锡市=Wuxi 盐城市=Yancheng
浙江省=Zhejiang 杭州市=Hangzhou 温州市=Wenzhou 宁波市=Ningbo 金华市=Jinhua 台州市=Taizhou 绍兴市=Shaoxing
安徽省=Anhui 合肥市=Hefei 阜阳市=Fuyang 宿州市=Suzhou_(Anhui) 芜湖市=Wuhu
福建省=Fujian 福州市=Fuzhou 泉州市=Quanzhou 厦门市=Xiamen 漳州市=Zhangzhou
江西省=Jiangxi 南昌市=Nanchang 赣州市=Ganzhou 上饶市=Shangrao 九江市=Jiujiang
山东省=Shandong 青岛市=Qingdao 济南市=Jinan 临沂市=Linyi 潍坊市=Weifang 烟台市=Yantai 济宁市=Jining
河南省=Henan 郑州市=Zhengzhou 南阳市=Nanyang 周口市=Zhoukou 洛阳市=Luoyang 商丘市=Shangqiu
湖北省=Hubei 武汉市=Wuhan 黄冈市=Huanggang 襄阳市=Xiangyang 宜昌市=Yichang
湖南省=Hunan 长沙市=Changsha 衡阳市=Hengyang 邵阳市=Shaoyang 岳阳市=Yueyang
广东省=Guangdong 广州市=Guangzhou 深圳市=Shenzhen 东莞市=Dongguan 佛山市=Foshan 揭阳市=Jieyang 惠州市=Huizhou 汕头市=Shantou
珠海市=Zhuhai
广西壮族自治区=Guangxi 南宁市=Nanning 桂林市=Guilin 柳州市=Liuzhou 玉林市=Yulin
海南省=Hainan 海口市=Haikou 三亚市=Sanya
四川省=Sichuan 成都市=Chengdu 南充市=Nanchong 绵阳市=Mianyang 宜宾市=Yibin
贵州省=Guizhou 贵阳市=Guiyang 遵义市=Zunyi 毕节市=Bijie
云南省=Yunnan 昆明市=Kunming 曲靖市=Qujing 红河哈尼族彝族自治州=Honghe
西藏自治区=Tibet 拉萨市=Lhasa 日喀则市=Shigatse
陕西省=Shaanxi 西安市=Xi'an 渭南市=Weinan 咸阳市=Xianyang
甘肃省=Gansu 兰州市=Lanzhou 天水市=Tianshui
青海省=Qinghai 西宁市=Xining 海东市=Haidong
宁夏回族自治区=Ningxia 银川市=Yinchuan 吴忠市=Wuzhong
新疆维吾尔自治区=Xinjiang 乌鲁木齐市=Urumqi 喀什地区=Kashgar 伊犁哈萨克自治州=Ili
未知=Unknown
"""
_NAMES = {name: english.replace("_", " ") for name, english in (pair.split("=") for pair in _TABLE.split())}


def english_name(name: str) -> str:
    """Return the English name of a place; unknown names, such as those of the user's own world, are unchanged."""
    return _NAMES.get(name, name)
