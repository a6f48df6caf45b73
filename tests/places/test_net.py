"""Who is let in, and what becomes of what strangers send: real Zenoh, real TLS, on this machine."""

import dataclasses
import socket
import time

import psutil
import pytest

from engine.core.errors import CannotPlay
from engine.core.guard import Guard
from engine.core.machine import PlaceFacts
from engine.core.messages import Text
from engine.places import keys
from engine.places.net import Net
from engine.places.options import checked
from engine.places.wire import packed

zenoh = pytest.importorskip("zenoh")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Ends:
    """Nets by name, what each has heard, and their end."""

    def __init__(self, **facts):
        self.port, self.facts, self.nets, self.heard = free_port(), facts, {}, {}

    def open(self, name, called="", keys="", **more):
        """A node that says its name is `called`, with somebody's keys."""
        way = f"{'tls' if keys else 'tcp'}/127.0.0.1:{self.port}"
        ends = {"listen": (way,)} if name == "house" else {"peers": (way,)}
        heard = self.heard[name] = []
        facts = PlaceFacts(name=called or name, keys=str(keys), **(self.facts | ends | more))
        self.nets[name] = Net(facts, lambda node, letter: heard.append((node, letter)), Guard("test"))
        return self.nets[name]

    def until(self, seen, seconds=20.0):
        begun = time.monotonic()
        while not seen():
            assert time.monotonic() - begun < seconds, self.heard
            time.sleep(0.02)

    def meet(self, one, other):
        """Say something until it is heard."""
        def heard():
            self.nets[one].tell(Text(f"I am {one}"))
            return any(letter == Text(f"I am {one}") for _, letter in self.heard[other])

        self.until(heard)


@pytest.fixture
def ends(request):
    made = Ends(**getattr(request, "param", {"nodes": ("house", "north", "west")}))
    yield made
    for net in made.nets.values():
        net.close()


def test_only_machines_of_the_house_hear_and_are_heard_and_each_by_its_own_name(ends, tmp_path):
    for name in ("house", "north", "west", "stranger"):
        keys.make(tmp_path / "keys", name)
    keys.make(tmp_path / "forged", "north")
    house = ends.open("house", keys=tmp_path / "keys" / "house")
    north = ends.open("north", keys=tmp_path / "keys" / "north")
    ends.open("forged", called="north", keys=tmp_path / "forged" / "north")
    ends.open("stranger", called="west", keys=tmp_path / "keys" / "stranger")
    ends.meet("north", "house")
    ends.meet("house", "north")
    for name in ("forged", "stranger"):
        ends.nets[name].tell(Text(f"I am {name}"))
    north._session.put("hm/hypermnesia/west/all", packed(Text("north, as if it were west")))
    ends.meet("north", "house")
    assert {letter.words for _, letter in ends.heard["house"]} == {"I am north"}
    assert not ends.heard["forged"] and not ends.heard["stranger"]
    assert set(house.counts) == {"north"}


def test_garbage_another_version_and_a_flood_are_dropped_and_counted_and_others_are_heard(ends):
    house = ends.open("house")
    ends.open("north")
    ends.meet("north", "house")
    broken = ends.open("west")._session
    key = "hm/hypermnesia/west/all"
    ends.meet("west", "house")
    for data in (b"", b"garbage", bytes(3_000_000), packed(Text("x"))[:-2]):
        broken.put(key, data)
    broken.put(key, b"hm\x09" + packed(Text("x"))[3:])
    ends.until(lambda: house.counts["west"].versions == 1)
    assert house.counts["west"].garbage >= 2
    before = len(ends.heard["house"])
    flood = broken.declare_publisher(key, congestion_control=zenoh.CongestionControl.BLOCK)
    for _ in range(10_000):
        flood.put(packed(Text("flood")))
    ends.until(lambda: house.counts["west"].flooded > 5_000)
    let_in = sum(letter == Text("flood") for _, letter in ends.heard["house"][before:])
    assert 400 < let_in < 5_000
    begun = time.monotonic()
    ends.meet("north", "house")
    assert time.monotonic() - begun < 2.0 and house.counts["north"].flooded == 0


def test_names_that_no_house_has_are_dropped_however_many(ends):
    house = ends.open("house")
    ends.open("north")
    ends.meet("north", "house")
    for number in range(300):
        ends.nets["north"]._session.put(f"hm/hypermnesia/n{number}/all", packed(Text("x")))
    ends.until(lambda: house.foreign == 300)
    assert set(house.counts) == {"north"}


def test_nothing_listens_that_is_not_configured(ends):
    ends.open("north")
    before = len(_listening())
    ends.open("house")
    assert before == 0 and len(_listening()) == 1


def _listening():
    """Sockets of this process that others could reach, TCP and UDP."""
    return [one for one in psutil.Process().net_connections("inet") if one.status == psutil.CONN_LISTEN or (one.type == socket.SOCK_DGRAM and not one.raddr)]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"rooms": ("minds",)}, "there is no 'minds'; did you mean mind"),
        ({"rooms": ("mind", "wall")}, "the show with or without a mind, a mind, one more wall, or sound, doors or both"),
        ({"rooms": ("show",), "elsewhere": ("sond",)}, "elsewhere: there is no 'sond'; did you mean sound"),
        ({"rooms": ("sound",), "elsewhere": ("doors",)}, "which rooms of the show another machine has"),
        ({"name": "", "peers": ("tcp/10.0.0.2:7447",)}, "name is missing"),
        ({"name": "a/b"}, "letters, digits"),
        ({"nodes": ("south",)}, "north is missing"),
        ({"peers": ("10.0.0.2",)}, "machines meet by tcp, such as tcp/10.0.0.2:7447"),
        ({"keys": "k", "nodes": ("north",), "peers": ("tcp/10.0.0.2:7447",)}, "with keys, machines meet by tls"),
        ({"keys": "k"}, "only machines that are named there are let in"),
        ({"peers": ()}, "no way to the other machines"),
    ],
)
def test_a_place_that_cannot_be_is_refused_in_a_sentence(facts, said):
    good = PlaceFacts(name="north", rooms=("mind",), peers=("tcp/10.0.0.2:7447",))
    assert checked(good) == good and checked(PlaceFacts()) == PlaceFacts()
    with pytest.raises(CannotPlay, match=said.replace("'", ".")):
        checked(dataclasses.replace(good, **facts))


def test_keys_are_made_once_for_their_user_alone_and_a_missing_one_names_the_command(tmp_path):
    there = keys.make(tmp_path, "north")
    assert (there / keys.KEY).stat().st_mode & 0o077 == 0 and (tmp_path / keys.ROOT_KEY).stat().st_mode & 0o077 == 0
    assert (keys.make(tmp_path, "west") / keys.SALT).read_bytes() == (there / keys.SALT).read_bytes()
    assert not (there / keys.ROOT_KEY).exists()
    with pytest.raises(CannotPlay, match="north has keys already"):
        keys.make(tmp_path, "north")
    with pytest.raises(CannotPlay, match="hypermnesia place keys north"):
        Net(PlaceFacts(name="north", nodes=("north",), keys=str(tmp_path / "none")), lambda *_: None, Guard("test"))
