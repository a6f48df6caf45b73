"""Who is who, from both sides: twelve children behind one router are a crowd, one script is not."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.messages import Text
from engine.doors.persons import CODE, GRACE, SHARED, VISIT, Persons, network
from engine.mind.memory.words import VISITS
from tests.doors.doors_house import House
from tests.doors.test_web import Page, key

ROUTER = "203.0.113.7"
COOKIE = [""]  # of the operator; five logins a minute are let in


def test_twelve_children_behind_one_router_are_a_crowd() -> None:
    persons = Persons("secret")
    children = [persons.by_code(persons.code(1000.0 + 2 * n), ROUTER, 1000.0 + 2 * n) for n in range(12)]
    assert len({child.person for child in children if child}) == 12


def test_children_who_scan_the_same_picture_come_in_and_count_as_one() -> None:
    persons = Persons("secret")
    code = persons.code(0.0)
    came = [persons.by_code(code, f"10.0.0.{n}", n) for n in range(SHARED + 3)]
    assert sum(child is not None for child in came) == SHARED and len({child.person for child in came if child}) == 1
    assert len({child.visit for child in came if child}) == SHARED
    assert persons.code(1.0) != code, "the next picture is another"


def test_a_code_ends() -> None:
    persons = Persons("secret")
    code = persons.code(0.0)
    assert persons.by_code(code, ROUTER, CODE + 1) is None and persons.by_code("guess", ROUTER, 0.0) is None
    assert persons.by_code(code, ROUTER, 10.0) and persons.by_code(code, ROUTER, 11.0) and persons.by_code(code, ROUTER, 11.0 + GRACE) is None


def test_one_script_with_a_code_is_one_whatever_it_calls_itself() -> None:
    persons = Persons("secret")
    code, found = persons.code(0.0), set()
    for n in range(600):
        person = persons.by_code(code, f"127.{n % 200}.0.{n % 250}", n / 10)
        found |= {person.person} if person else set()
    assert len(found) == 1


def test_the_kiosk_has_one_person_until_nobody_has_touched_it_for_a_while() -> None:
    persons = Persons("secret", idle=60.0)
    first = {persons.at_kiosk(float(n)).person for n in range(0, 600, 10)}
    persons.touched(600.0)
    assert len(first) == 1 and persons.at_kiosk(640.0).person in first
    assert persons.at_kiosk(701.0).person not in first


def test_tokens_outlive_the_doors_and_nobody_else_can_make_them() -> None:
    person = Persons("secret").at_kiosk(0.0)
    again = Persons("secret").known(person.visit)
    assert again and again.person == person.person
    assert Persons("other").known(person.visit) is None and Persons("secret").known(person.visit + "x") is None and VISIT > 3600


def test_tokens_are_limited_for_an_address_and_a_network() -> None:
    persons = Persons("secret")
    given = [persons.wait("10.0.0.1", 0.0) for _ in range(201)]
    assert given[:200] == [0.0] * 200 and given[200] > 0 and persons.wait("10.0.1.1", 0.0) == 0.0
    assert [persons.wait(f"10.0.0.{n // 200}", 1.0) == 0.0 for n in range(400, 1400)].count(True) <= 600
    assert network("10.0.0.9") == "10.0.0.0/24" and network("2001:db8::1") == network("2001:db8::ffff") and network("x") == ""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House(proxies=("127.0.0.1/32",), public_url="http://write.example/", texts=20, hosts=("kiosk.museum.lan",)) as house:
        yield house


def code(house: House) -> str:
    """What the picture in the room says."""
    cookie = house.get("/desk?token=letmein", host="localhost").headers.get("set-cookie", COOKIE[0]).split(";")[0]
    COOKIE[0] = cookie
    found = re.search(r"p=([\w-]+)", house.get("/desk/code", Cookie=cookie).text)
    assert found
    return found[1]


def phone(house: House, address: str = ROUTER, p: str = "", visit: str = "") -> Page:
    page = Page(house, path="/visit?", **{"X-Forwarded-For": address})
    page.say(t="hello", p=p, visit=visit)
    return page


def test_behind_a_trusted_proxy_nobody_is_the_kiosk_and_the_code_lets_in(house: House) -> None:
    stranger = phone(house, "192.168.0.7")
    assert stranger.hear("stranger")
    guest = phone(house, "192.168.0.7", code(house))
    assert guest.hear("welcome")["kiosk"] is False
    assert house.get("/qr.svg", **{"X-Forwarded-For": "192.168.0.7"}).status == 403 and house.get("/qr.svg").status == 200
    stranger.close()
    guest.close()


def test_a_proxy_that_nobody_named_makes_no_kiosk_of_anybody() -> None:
    with House() as house:
        page = phone(house, "192.168.0.7")
        assert page.hear("stranger")
        assert any("proxies" in note for note in house.get("/health").json()["notes"])
        page.close()


def test_what_stands_left_of_the_proxys_own_word_is_not_believed(house: House) -> None:
    page = phone(house, "127.0.0.1, 192.168.0.8")
    assert page.hear("stranger")
    page.close()


def test_names_from_the_machine_file_are_served(house: House) -> None:
    assert house.get("/", host="kiosk.museum.lan").status == 200 and house.get("/", host="write.example").status == 200
    assert house.get("/", host="evil.example").status == 403


def test_one_page_as_sixty_visits_is_one_person_within_its_limit(house: House) -> None:
    house.said.clear()
    start = time.monotonic()
    pages = [Page(house) for _ in range(12)]
    for n in range(60):
        pages[n % 12].say(t="text", key=key(n), words="the sea at night")
    assert pages[0].hear("wait")["seconds"] > 0
    while not house.messages(Text) and time.monotonic() < start + 20:  # a sentence is judged before it is passed on
        time.sleep(0.05)
    texts = house.messages(Text)
    assert 0 < len(texts) <= 20 and len({text.person for text in texts}) == 1 < VISITS
    for page in pages:
        page.close()


def test_three_phones_with_three_codes_are_three_and_keep_their_names_when_they_change_networks(house: House) -> None:
    house.said.clear()
    pages = [phone(house, f"192.168.{n}.9", code(house)) for n in range(3)]
    names = [page.hear("welcome")["visit"] for page in pages]
    for n, page in enumerate(pages):
        page.close()
        again = phone(house, f"10.9.{n}.1", visit=names[n])
        assert again.hear("welcome")["visit"] == names[n]
        again.say(t="text", key=key(n), words="the sea at night")
        again.hear("stored")
        again.close()
    assert len({text.person for text in house.messages(Text)}) == 3


def test_a_sentence_from_before_the_wipe_is_still_its_writers(house: House) -> None:
    house.said.clear()
    guest = phone(house, "192.168.0.7", code(house))
    mine = guest.hear("welcome")["visit"]
    guest.close()
    kiosk = Page(house)
    kiosk.say(t="text", key=(k := key()), words="the sea at night", visit=mine)
    assert kiosk.hear("stored")["key"] == k
    assert house.messages(Text)[-1].visit == mine
    kiosk.close()


def test_what_makes_a_crowd_is_written_down() -> None:
    said = Path("docs/doors.md").read_text(encoding="utf-8")
    assert all(word in said for word in ("one person", "twelve", "code", "kiosk", f"{GRACE:.0f} seconds", "three"))
