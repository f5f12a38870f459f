"""The default world has the documented statistics: every default of the parameters is measured in its calls."""

from __future__ import annotations

import numpy as np
import pytest

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.demographics import CARRIERS, NETWORKS, PARAMETERS, PLACES, QUALITY
from mockserver.world.generated import GeneratedWorld, generated_world
from mockserver.world.model import HOUR
from mockserver.world.sessions import Sessions

MONDAY = parse_day("20190603")
WEEKS = 4


@pytest.fixture(scope="module")
def world() -> GeneratedWorld:
    return generated_world({"pins": []})


@pytest.fixture(scope="module")
def month(world) -> Sessions:
    """Four weeks of the default world."""
    rows = world.sessions_between(MONDAY, MONDAY + WEEKS * 7 * DAY_SECONDS - 1)
    return rows.take(rows.create >= MONDAY)


def test_the_day_has_its_curve(month):
    """Room starts follow hour_weights: fewest before dawn, most at nine in the evening."""
    rooms = month.create[month.host]
    counts = np.bincount((rooms - MONDAY) // HOUR % 24, minlength=24)
    expected = np.array(PARAMETERS["hour_weights"]) / sum(PARAMETERS["hour_weights"]) * len(rooms)
    # The rooms of an hour are stratified, so they vary less than independent draws.
    assert (np.abs(counts - expected) < 3 * np.sqrt(expected) + 0.03 * expected).all(), counts.tolist()
    assert counts.argmax() in (20, 21)
    assert counts.argmin() in (3, 4)


def test_two_thousand_rooms_open_on_a_weekday(month):
    """Weekdays have rooms_per_day rooms, weekend days 1.12 times as many."""
    day = (month.create[month.host] - MONDAY) // DAY_SECONDS
    counts = np.bincount(day, minlength=7 * WEEKS).reshape(WEEKS, 7)
    assert 1_900 < counts[:, :5].mean() < 2_060
    assert 1.05 < counts[:, 5:].mean() / counts[:, :5].mean() < 1.19
    assert counts.std() > 20


@pytest.mark.parametrize("kind", PARAMETERS["room_kinds"], ids=lambda kind: kind["name"])
def test_call_lengths_are_lognormal_by_kind(kind):
    """Half of the rooms of a kind last longer than its median, 95 % less than exp(1.645 sigma) times it."""
    world = generated_world({"room_kinds": [kind], "pins": [], "users": 40_000})
    rows = world.sessions_between(MONDAY, MONDAY + 3 * DAY_SECONDS)
    lengths = (rows.destroy - rows.create)[rows.host]
    assert np.median(lengths) == pytest.approx(kind["median"], rel=0.06)
    assert np.quantile(lengths, 0.95) == pytest.approx(kind["median"] * np.exp(1.645 * kind["sigma"]), rel=0.12)
    assert lengths.min() >= 5
    assert lengths.max() <= 14_400
    assert len(np.unique(lengths)) > 300


def test_kinds_have_their_shares_and_sizes(month):
    """62 % of the rooms have two users, and no room has more users than its kind allows."""
    _, room = np.unique(month.room[month.first], return_inverse=True)
    people = np.bincount(room)
    # A guest who is still in another room does not join, so some rooms for two have one user.
    assert 0.59 < (people <= 2).mean() < 0.65
    assert people.max() <= 20
    assert 3.0 < people.mean() < 3.6


@pytest.mark.parametrize(
    ("year", "shares"), [(2019, PARAMETERS["networks"]["2019"]), (2025, PARAMETERS["networks"]["2025"])]
)
def test_networks_have_the_shares_of_their_year(world, year, shares):
    """Wi-Fi and 4G lead in 2019, 5G has overtaken 4G by 2025."""
    start = parse_day(f"{year}0301")
    rows = world.sessions_between(start, start + 10 * DAY_SECONDS)
    counts = np.bincount(rows.network, minlength=len(NETWORKS)) / len(rows)
    for name, share in shares.items():
        assert counts[NETWORKS.index(name)] == pytest.approx(share / 100, abs=0.006), name
    if year == 2019:
        assert counts[NETWORKS.index("5G")] == 0


def test_5g_grows_with_the_date(world):
    """Shares are interpolated by day between two dates."""
    parts = []
    for day in ("20191001", "20191215", "20200615", "20210101", "20220101", "20240101"):
        start = parse_day(day)
        rows = world.sessions_between(start, start + 3 * DAY_SECONDS)
        parts.append(float((rows.network == NETWORKS.index("5G")).mean()))
    assert parts[0] == 0
    assert parts == sorted(parts)
    assert parts[2] == pytest.approx(0.043, abs=0.01)


@pytest.mark.parametrize("network", ["WiFi", "4G", "3G"])
def test_loss_and_delay_have_their_quantiles(month, network):
    """In calm hours, p50 and p95 of loss and delay are the profile's."""
    link = QUALITY["realistic"][network]
    calm = (month.enter - MONDAY) // HOUR % 24 < 8
    rows = month.take(calm & (month.network == NETWORKS.index(network)))
    few = 0.3 if network == "3G" else 0.1
    assert np.median(rows.audio_loss) == pytest.approx(link["loss"][0] * 1_000, rel=few)
    assert np.quantile(rows.audio_loss, 0.95) == pytest.approx(link["loss"][1] * 1_000, rel=2 * few)
    assert np.median(rows.audio_delay) == pytest.approx(link["delay"][0] * 1_000, rel=few)
    assert np.quantile(rows.audio_delay, 0.95) == pytest.approx(link["delay"][1] * 1_000, rel=2 * few)
    assert (rows.video_loss >= rows.audio_loss).all()
    assert (rows.video_delay >= rows.audio_delay).all()


def test_quality_is_worse_in_the_evening(month):
    """The evening's load raises loss and delay."""
    hour = (month.enter - MONDAY) // HOUR % 24
    calm, busy = month.take(hour < 8), month.take((hour == 20) | (hour == 21))
    assert 1.5 < busy.audio_loss.mean() / calm.audio_loss.mean() < 2.1
    assert 1.1 < busy.audio_delay.mean() / calm.audio_delay.mean() < 1.5


@pytest.mark.parametrize(
    ("spec", "low", "high"),
    [
        ({}, 99, 99.7),
        ({"quality": "degraded"}, 93, 97),
        ({"quality": "document_like"}, 90, 92),
        ({"failed_joins": 0}, 100, 100),
        ({"failed_joins": 50}, 50, 50),
    ],
)
def test_joins_succeed_as_often_as_the_profile_says(spec, low, high):
    """About 99 % of all joins succeed; other profiles and `failed_joins` change that."""
    world = generated_world({**spec, "pins": []})
    rows = world.sessions_between(MONDAY, MONDAY + 5 * DAY_SECONDS - 1)
    sessions = int((rows.enter >= MONDAY).sum())
    rate = 100 * sessions / (sessions + len(world.failed_joins(MONDAY, MONDAY + 5 * DAY_SECONDS)))
    assert low - 0.1 <= rate <= high + 0.1


def test_the_documents_magnitudes():
    """quality: document_like gives loss of 10-29 % and delays of 30-50 ms, as in §3.3.6."""
    world = generated_world({"quality": "document_like", "pins": []})
    rows = world.sessions_between(MONDAY, MONDAY + DAY_SECONDS)
    assert 10_000 < np.median(rows.audio_loss) < 15_000
    assert np.median(rows.video_loss) > np.median(rows.audio_loss)
    assert 30_000 < np.median(rows.audio_delay) < 35_000
    assert np.quantile(rows.video_delay, 0.9) < 60_000


def test_users_are_where_people_live(world, month):
    """97 % of the calls come from the mainland, large provinces lead, and users are mostly at home."""
    countries = np.bincount(month.country) / len(month)
    assert world.labels("country")[int(countries.argmax())] == "中国"
    assert countries.max() == pytest.approx(0.97, abs=0.01)
    names = ("国", "香港", "新加坡", "马来西亚", "美国", "日本", "台湾", "澳大利亚")
    assert all(any(part in label for label in world.labels("country")) for part in names)
    weights: dict[str, float] = {}
    for place in PLACES:
        weights[place.province] = weights.get(place.province, 0) + place.weight
    counts = np.bincount(month.province, minlength=len(world.labels("province"))) / len(month)
    for name, weight in weights.items():
        share = weight / sum(weights.values())
        assert counts[world.labels("province").index(name)] == pytest.approx(share, abs=0.2 * share + 0.004), name
    user = int(np.bincount(month.user).argmax())
    mine = month.take(month.user == user)
    home = world.home_of(world.user_ids(np.array([user]))[0])
    assert world.labels("city")[int(np.bincount(mine.city).argmax())] == home.city
    assert (mine.city == np.bincount(mine.city).argmax()).mean() > 0.8


def test_users_are_at_one_place_a_day(month):
    """A user is in one city for a whole day."""
    day = (month.create - MONDAY) // DAY_SECONDS
    cities = {}
    for user, when, city in zip(month.user.tolist(), day.tolist(), month.city.tolist(), strict=True):
        assert cities.setdefault((user, when), city) == city


def test_some_users_rejoin(month):
    """A tenth of the guests of longer calls have several sessions, hosts never."""
    again = ~month.first
    assert 0.03 < again.mean() < 0.12
    pairs = set(zip(month.user[month.host].tolist(), month.room[month.host].tolist(), strict=True))
    assert not pairs & set(zip(month.user[again].tolist(), month.room[again].tolist(), strict=True))


def test_calls_are_spread_over_all_users(world, month):
    """The calls of a month are spread evenly over the population."""
    calls = np.bincount(month.user, minlength=world.model.users)
    assert (calls > 0).all()
    assert calls.std() / calls.mean() < 0.25


def test_carrier_shares_add_up(world):
    """The shares of the carriers add up to 100 %."""
    assert sum(share for _, share in CARRIERS) == 100
