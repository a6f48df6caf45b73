"""The pages as a visitor meets them: real Chromium, real keys."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from engine.core.messages import Keystroke, Returned, Text, Token, Touch, Unkept, Values, Withdraw, Withdrawn
from engine.stage.outputs.encoder import Encoder
from engine.stage.outputs.live import Live
from tests.doors.doors_house import House

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.realtime,
    pytest.mark.shared,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium: apt install chromium chromium-driver"),
]

KIOSK, PHONE = (1280, 800), (390, 844)


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--disable-features=BackForwardCache", "--autoplay-policy=no-user-gesture-required"):  # fmt: skip
        options.add_argument(argument)
    options.binary_location = CHROMIUM or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as house:
        yield house


class Visitor:
    """Somebody in front of a page."""

    def __init__(self, browser: webdriver.Chrome, house: House, size: tuple[int, int] = KIOSK):
        self.browser, self.house = browser, house
        house.said.clear()
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get_log("browser")
        browser.get(house.web + "/")
        self.until(lambda: house.get("/health").json()["doors"]["pages"] == 1)
        if size[0] >= 700:
            self.until(lambda: self.at("#board-toggle").get_attribute("hidden") is None)  # it was welcomed
        else:
            time.sleep(0.15)

    def until(self, true: Callable[[], Any], seconds: float = 8.0) -> Any:
        end = time.monotonic() + seconds
        while True:
            if found := true():
                return found
            assert time.monotonic() < end, (
                f"not within {seconds} s; the page says: {self.browser.find_element(By.TAG_NAME, 'body').text}"
            )
            time.sleep(0.02)

    def at(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[Any]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    @property
    def line(self) -> Any:
        return self.at("#words")

    @property
    def state(self) -> str:
        return str(self.at("body").get_attribute("data-state"))

    def write(self, words: str) -> None:
        self.line.send_keys(words)

    def send(self, words: str) -> Text:
        count = len(self.house.messages(Text))
        self.write(words + Keys.ENTER)
        self.until(lambda: len(self.house.messages(Text)) > count)
        return self.house.messages(Text)[-1]

    def complaints(self) -> list[str]:
        return [
            entry["message"] for entry in self.browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")
        ]


@pytest.fixture
def visitor(browser: webdriver.Chrome, house: House) -> Iterator[Visitor]:
    visitor = Visitor(browser, house)
    yield visitor
    assert not visitor.complaints(), "the console complains: a broken script, or one that the policy stopped"


def test_a_sentence_is_written_kept_and_comes_back_changed(visitor: Visitor) -> None:
    notice = visitor.at("#notice")
    assert notice.is_displayed() and "machine qui se souvient" in notice.text and "takes it back" in notice.text
    text = visitor.send("une barque dort sous la fenêtre")
    assert (text.words, text.kind) == ("une barque dort sous la fenêtre", "visitor") and len(text.key) == 32
    said = visitor.at(".said")
    visitor.until(lambda: said.get_attribute("data-state") == "kept")
    assert visitor.house.stored[text.key].code in said.text
    tokens = (
        Token("une"),
        Token("barque", 4, "founding"),
        Token("dort"),
        Token("sous"),
        Token("la"),
        Token("neige", 9, "visitor", 12.0),
    )
    visitor.house.tell(Returned(text.key, text.visit, tokens, 0.37, 3))
    visitor.until(lambda: said.get_attribute("data-state") == "returned")
    borrowed = [element.get_attribute("textContent") for element in visitor.all(".token.borrowed")]
    assert borrowed == ["barquemémoire fondatrice", "neigequelqu’un, il y a 12 jours"]  # in the language of the words
    assert "0.37" in said.text and "3 générations" in said.text
    assert visitor.line.get_attribute("value") == ""


def test_the_rhythm_leaves_before_enter_and_the_words_do_not(visitor: Visitor) -> None:
    visitor.write("secret" + Keys.BACKSPACE * 2)
    visitor.until(lambda: len(visitor.house.messages(Keystroke)) == 8)
    assert [stroke.deleted for stroke in visitor.house.messages(Keystroke)] == [False] * 6 + [True] * 2
    assert not visitor.house.messages(Text)
    assert all(
        1 <= stroke.bits <= 12 and stroke.bits == int(stroke.bits) for stroke in visitor.house.messages(Keystroke)
    )
    assert len({stroke.bits for stroke in visitor.house.messages(Keystroke)[:6]}) > 1


def test_acknowledgements_take_less_than_100_ms(visitor: Visitor) -> None:
    for number in range(7):
        visitor.send(f"sentence number {number}")
    times = sorted(
        visitor.until(lambda: [float(s.get_attribute("data-ack-ms") or "inf") for s in visitor.all(".said")])
    )
    visitor.until(lambda: all(s.get_attribute("data-ack-ms") for s in visitor.all(".said")))
    times = sorted(float(s.get_attribute("data-ack-ms")) for s in visitor.all(".said"))
    assert times[len(times) // 2] < 100, times


def test_who_waits_long_is_told_that_it_is_not_kept_yet(visitor: Visitor) -> None:
    visitor.house.storing = False
    visitor.send("encore un peu")
    visitor.until(lambda: "attend ici" in visitor.at(".said").text)
    visitor.house.storing = True
    visitor.until(lambda: visitor.at(".said").get_attribute("data-state") == "kept")
    assert "attend ici" not in visitor.at(".said").text


def test_a_text_is_said_again_until_it_is_stored_and_stored_once(visitor: Visitor) -> None:
    visitor.house.storing = False
    text = visitor.send("encore et encore")
    visitor.until(lambda: len(visitor.house.messages(Text)) >= 3)
    assert {message.key for message in visitor.house.messages(Text)} == {text.key}
    visitor.house.storing = True
    visitor.until(lambda: visitor.at(".said").get_attribute("data-state") == "kept")
    count = len(visitor.house.messages(Text))
    time.sleep(1.5)
    assert len(visitor.house.messages(Text)) == count and len([k for k in visitor.house.stored if k == text.key]) == 1


def test_every_script_goes_through_and_comes_back(visitor: Visitor) -> None:
    for words in ("البحر في الليل", "été à Noël, œuvre ça", "👩‍👩‍👧 🌊", "海が見える夜", "<b>not bold</b> & 'quotes'"):
        visitor.browser.execute_cdp_cmd("Input.insertText", {"text": words})
        visitor.until(lambda words=words: visitor.line.get_attribute("value") == words)
        text = visitor.send("")
        assert text.words == words
        visitor.house.tell(Returned(text.key, text.visit, (Token(words), Token("dort", 2, "machine", 1.0)), 0.1, 1))
        visitor.until(lambda words=words: words in [t.get_attribute("textContent") for t in visitor.all(".token bdi")])


def test_too_much_is_told_and_not_cut(visitor: Visitor) -> None:
    visitor.browser.execute_cdp_cmd("Input.insertText", {"text": "la mer la nuit " * 18})
    assert "characters left" in visitor.at("#room").text
    visitor.browser.execute_cdp_cmd("Input.insertText", {"text": "x" * 5000})
    assert "4990 characters too many. Nothing was cut." in visitor.at("#room").text
    assert not visitor.at("#send").is_enabled() and len(visitor.line.get_attribute("value")) == 5270
    visitor.write(Keys.ENTER)
    time.sleep(0.2)
    assert not visitor.house.messages(Text)
    visitor.browser.execute_script("arguments[0].value = ''; arguments[0].dispatchEvent(new InputEvent('input', {inputType: 'deleteContent'}))", visitor.line)


COMPOSE = """
const line = document.getElementById("words"), key = (type, more) => line.dispatchEvent(new KeyboardEvent(type, {key: "Enter", bubbles: true, cancelable: true, ...more}));
const begin = () => line.dispatchEvent(new CompositionEvent("compositionstart", {bubbles: true})), end = () => line.dispatchEvent(new CompositionEvent("compositionend", {data: "海", bubbles: true}));
line.value = "海";
begin();
({
  chrome: () => { key("keydown", {isComposing: true, keyCode: 229}); end(); key("keyup", {keyCode: 13}); },
  firefox: () => { key("keydown", {isComposing: true, keyCode: 13}); end(); key("keyup", {isComposing: false, keyCode: 13}); },
  safari: () => { end(); key("keydown", {isComposing: false, keyCode: 229}); key("keyup", {keyCode: 13}); },
})[arguments[0]]();
"""


@pytest.mark.parametrize("browsers", ["chrome", "firefox", "safari"])
def test_the_enter_that_chooses_a_word_sends_nothing(visitor: Visitor, browsers: str) -> None:
    visitor.browser.execute_script(COMPOSE, browsers)
    time.sleep(0.3)
    assert not visitor.house.messages(Text) and visitor.line.get_attribute("value") == "海"
    assert visitor.send("").words == "海"


def test_a_socket_that_is_dead_and_looks_open_is_left_within_seconds(visitor: Visitor) -> None:
    visitor.browser.execute_script("const send = WebSocket.prototype.send, dead = new WeakSet();"
        "WebSocket.prototype.send = function (what) { if (!window.cut) { window.cut = this; } if (this !== window.cut) send.call(this, what); };")  # fmt: skip
    visitor.write("la mer monte" + Keys.ENTER)
    visitor.until(lambda: visitor.house.messages(Text), 20)
    visitor.until(lambda: visitor.at(".said").get_attribute("data-state") == "kept")
    assert len({text.key for text in visitor.house.messages(Text)}) == 1  # it may come again: a key is stored once


def test_a_wipe_forgets_to_show_a_sentence_and_not_to_send_it(browser: webdriver.Chrome) -> None:
    with House(idle=2.0, storing=False) as house:
        visitor = Visitor(browser, house)
        first = visitor.send("une phrase")
        visitor.until(lambda: visitor.state == "alone")
        assert not visitor.all(".said")
        house.said.clear()
        house.storing = True
        visitor.until(lambda: house.messages(Text), 20)
        assert (house.messages(Text)[0].key, house.messages(Text)[0].person) == (first.key, first.person)


def test_the_answer_runs_as_the_text_does(visitor: Visitor) -> None:
    visitor.browser.execute_cdp_cmd("Input.insertText", {"text": "البحر في الليل"})
    text = visitor.send("")
    visitor.house.tell(Returned(text.key, text.visit, (Token("البحر"), Token("في"), Token("الليل")), 0.1, 1))
    line = visitor.until(lambda: visitor.all(".back-again"))[0]
    assert line.value_of_css_property("direction") == "rtl" and line.value_of_css_property("text-align") == "start"


def test_the_visitor_is_told_in_the_language_of_their_words(visitor: Visitor) -> None:
    visitor.send("écris-moi à jean@example.org ce soir")
    visitor.until(lambda: "adresse électronique" in visitor.at(".said").text)
    assert "jean" not in visitor.at(".said").text and "…" in visitor.at(".given").text
    visitor.send("je veux mourir")
    visitor.until(lambda: "au 112" in visitor.all(".said")[-1].text)
    visitor.until(lambda: visitor.at("#code").is_displayed() or visitor.at("#back-toggle").click())
    visitor.at("#code").send_keys("rien" + Keys.ENTER)
    visitor.until(lambda: visitor.house.messages(Withdraw))
    visitor.house.tell(Withdrawn("rien", False, visitor.house.messages(Withdraw)[-1].visit))
    visitor.until(lambda: "Aucune phrase" in visitor.at("#back-said").text)
    visitor.at("button[data-language=en]").click()
    visitor.until(lambda: "No sentence" in visitor.at("#back-said").text)


def test_a_full_disk_is_told(visitor: Visitor) -> None:
    visitor.house.storing = False
    text = visitor.send("the sea at night")
    visitor.house.tell(Unkept(text.key, text.visit))
    visitor.until(lambda: "The memory is full" in visitor.at(".said").text)
    visitor.house.storing = True
    visitor.until(lambda: visitor.at(".said").get_attribute("data-state") == "kept", 15)
    assert "full" not in visitor.at(".said").text


@pytest.mark.parametrize("language, first, accent", [("fr", "azertyuiop", "é"), ("en", "qwertyuiop", "é")])
def test_the_keys_in_the_page_type_like_keys(visitor: Visitor, language: str, first: str, accent: str) -> None:
    visitor.at(f"button[data-language={language}]").click()
    visitor.at("#board-toggle").click()
    row = visitor.all("#board .row:first-child button")
    assert "".join(key.get_attribute("data-text") for key in row) == first

    def press(name: str) -> None:
        visitor.browser.find_element(By.XPATH, f"//div[@id='board']//button[.='{name}']").click()

    names = {"fr": ("maj", "effacer", "envoyer"), "en": ("shift", "delete", "send")}[language]
    press(names[0])
    press("M")
    press("e")
    press("r")
    press("x")
    press(names[1])
    if language == "en":
        press("é 1 ?")
    press(accent)
    press(names[2])
    visitor.until(lambda: visitor.house.messages(Text))
    text = visitor.house.messages(Text)[-1]
    assert (text.words, text.language) == ("Mer" + accent, language)
    visitor.until(lambda: len(visitor.house.messages(Keystroke)) == 6)


def test_a_sentence_is_taken_back_by_its_button_and_by_its_code(visitor: Visitor) -> None:
    text = visitor.send("oubliez ceci")
    visitor.until(lambda: visitor.at(".said").get_attribute("data-state") == "kept")
    code = visitor.house.stored[text.key].code
    visitor.at(".fate button").click()
    visitor.until(lambda: visitor.house.messages(Withdraw))
    assert visitor.house.messages(Withdraw)[-1].code == code
    visitor.house.tell(Withdrawn(code, True, text.visit))
    visitor.until(lambda: visitor.at(".said").get_attribute("data-state") == "gone")
    assert "oubliez" not in visitor.at("body").text
    visitor.until(lambda: visitor.at("#code").is_displayed() or visitor.at("#back-toggle").click())  # the page may just move
    visitor.at("#code").send_keys("nothing" + Keys.ENTER)
    visitor.until(lambda: visitor.house.messages(Withdraw)[-1].code == "nothing")
    visitor.house.tell(Withdrawn("nothing", False, visitor.house.messages(Withdraw)[-1].visit))
    visitor.until(lambda: "Aucune phrase ne porte ce code" in visitor.at("#back-said").text)


def test_an_empty_line_sends_nothing(visitor: Visitor) -> None:
    visitor.write("   " + Keys.ENTER)
    time.sleep(0.3)
    assert not visitor.house.messages(Text) and not visitor.all(".said")


def test_nobody_there_wipes_the_page_and_it_remembers_aloud(browser: webdriver.Chrome) -> None:
    with House(idle=2.0) as house:
        visitor = Visitor(browser, house)
        visitor.at("button[data-language=fr]").click()
        visitor.send("une phrase")
        visitor.write("un brouillon")
        house.send(Values((("/hm/state/caption", ("une ville sous la neige",)),)))
        first = house.messages(Text)[-1].visit
        visitor.until(lambda: visitor.state == "alone")
        assert visitor.line.get_attribute("value") == "" and not visitor.all(".said")
        assert visitor.at("body").get_attribute("data-language") is None
        visitor.until(lambda: "une ville sous la neige" in visitor.at("#memory").text)
        assert visitor.send("le suivant").visit != first, "the next visitor is another visit"
        assert visitor.state == "written"


def test_doors_that_come_back_find_the_page_and_the_draft_as_it_was(browser: webdriver.Chrome) -> None:
    with House(web_port=(port := _free())) as house:
        visitor = Visitor(browser, house)
        visitor.write("un brouillon")
    visitor.until(lambda: "far away" in visitor.at("#link").text)
    visitor.write(" qui attend" + Keys.ENTER)
    with House(web_port=port) as house:
        visitor.until(lambda: house.messages(Text), 12)
        assert house.messages(Text)[0].words == "un brouillon qui attend"
        visitor.until(lambda: visitor.at(".said").get_attribute("data-state") == "kept")


def _free() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


CONTRAST = """
const lum = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c)) return c; } return "rgb(0,0,0)"; };
return [...document.querySelectorAll("body *")].filter((e) => e.checkVisibility({opacityProperty: true, visibilityProperty: true})
  && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())).map((e) => {
  const [a, b] = [lum(getComputedStyle(e).color), lum(ground(e))].sort((x, y) => y - x);
  return [e.textContent.trim().slice(0, 40), (a + 0.05) / (b + 0.05)]; });
"""


@pytest.mark.parametrize("size", [KIOSK, PHONE, (1280, 660), (844, 390)])
def test_what_the_page_says_first_lies_under_nothing(browser: webdriver.Chrome, house: House, size: tuple[int, int]) -> None:
    visitor = Visitor(browser, house, size)
    notice, tools = visitor.at("#notice p:last-child"), visitor.at(".tools")
    assert notice.is_displayed() and notice.rect["y"] + notice.rect["height"] <= tools.rect["y"]


@pytest.mark.parametrize("size", [KIOSK, PHONE])
def test_text_can_be_read_controls_have_names_and_fingers_find_them(
    browser: webdriver.Chrome, house: House, size: tuple[int, int]
) -> None:
    """What axe-core checks of WCAG 2.2 AA, by hand: contrast 4.5:1, names, targets of 24 px, no sideways scrolling."""
    visitor = Visitor(browser, house, size)
    for language in ("", "fr"):
        if language:
            visitor.at("button[data-language=fr]").click()
        if size == KIOSK and language:
            visitor.at("#board-toggle").click()
        text = visitor.send("une barque dort") if language else None
        if text:
            visitor.house.tell(Returned(text.key, text.visit, (Token("une"), Token("mer", 2, "machine", 1.0)), 0.4, 2))
            time.sleep(2.0)
        ratios = browser.execute_script(CONTRAST)
        assert ratios and min(ratio for _, ratio in ratios) >= 4.5, [r for r in ratios if r[1] < 4.5]
        assert browser.execute_script(
            "return [...document.querySelectorAll('#board button')].every((key) => key.textContent.trim())"
        )
        for control in visitor.all("main button, header button, .tools button, input, textarea"):
            if control.is_displayed():
                assert control.accessible_name.strip(), control.get_attribute("outerHTML")
                assert min(control.rect["width"], control.rect["height"]) >= 24, control.get_attribute("outerHTML")
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert browser.execute_script(
            "return document.querySelectorAll('h1').length === 1 && document.documentElement.lang !== ''"
        )


def test_the_desk_turns_forces_and_takes_the_picture_off(browser: webdriver.Chrome, house: House) -> None:
    visitor = Visitor(browser, house)
    browser.get(house.web + "/desk")
    visitor.at("#token").send_keys("letmein" + Keys.ENTER)
    slider = visitor.until(lambda: visitor.all("input[id='/hm/beta']"))[0]
    visitor.house.said.clear()
    slider.send_keys(Keys.HOME)
    visitor.until(lambda: [m for _, m in house.said if getattr(m, "address", "") == "/hm/beta" and m.args == (0.0,)])
    visitor.at("#veto").click()
    visitor.until(lambda: [m for _, m in house.said if getattr(m, "address", "") == "/hm/veto"])
    visitor.until(lambda: "gap" in visitor.at("#state").text)
    for width, height in (KIOSK, PHONE):
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"), "the desk is wider than its screen"
        assert min(value.rect["width"] for value in visitor.all("#health dd")) >= 100, "values have no room"
    folded = [each for each in visitor.all("#forces details") if not each.get_attribute("open")]
    assert not folded or not folded[0].find_element(By.TAG_NAME, "input").is_displayed(), "what a scene has for itself is folded"
    assert not [c for c in visitor.complaints() if "403" not in c]


def test_a_wall_without_a_live_view_says_why(browser: webdriver.Chrome, house: House) -> None:
    browser.get(house.web + "/wall")
    visitor_until = time.monotonic() + 5
    while "no live view" not in browser.find_element(By.ID, "why").text:
        assert time.monotonic() < visitor_until
        time.sleep(0.05)
    assert not house.messages(Touch)


class Projection:
    """A stage that encodes a moving bar and a tone, from a thread, until it is closed."""

    def __init__(self, live: Live):
        self.encoder = Encoder([live], (320, 180), 20.0, rate=48_000)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        tone = np.sin(2 * np.pi * 440 * np.arange(48_000 * 60) / 48_000, dtype=np.float32)[:, None].repeat(2, 1) * 0.2
        start, number = time.monotonic(), 0
        while not self._ended.is_set():
            frame = np.zeros((180, 320, 3), np.uint8)
            frame[:, number * 4 % 300 : number * 4 % 300 + 20] = 230
            self.encoder.offer(frame, number / 20)
            self.encoder.hear(tone[number * 2400 : (number + 1) * 2400], number / 20)
            number += 1
            self._ended.wait(max(0.0, start + number / 20 - time.monotonic()))
        self.encoder.close()

    def close(self) -> None:
        self._ended.set()
        self._thread.join(5)


PLAYING = """const v = document.getElementById("wall");
return [v.currentTime, v.videoWidth, v.webkitDecodedFrameCount, v.webkitAudioDecodedByteCount, v.readyState, document.getElementById("why").textContent]"""


def test_the_wall_plays_for_who_comes_late_and_when_the_stage_starts_anew(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    live = Live(str(tmp_path / "live"))
    projection = Projection(live)
    with House(live=live.address) as house:
        time.sleep(2.0)  # the page comes late
        browser.get(house.web + "/wall")

        def plays(after: float) -> float:
            end = time.monotonic() + 12
            while True:
                seen = browser.execute_script(PLAYING)
                at, width, frames, sound, ready, why = seen
                if at > after and width == 320 and frames > 5 and sound > 1000 and ready >= 2 and not why:
                    return float(at)
                assert time.monotonic() < end, seen
                time.sleep(0.05)

        plays(plays(0.0) + 1.0)
        projection.close()  # and with it the stream
        projection = Projection(live := Live(live.address))
        time.sleep(1.0)
        first = plays(0.0)
        plays(first + 0.5)
        browser.execute_script("document.getElementById('wall').dispatchEvent(new Event('error'))")  # a decoder that gave up
        time.sleep(0.5)
        plays(0.0)
        browser.find_element(By.ID, "listen").click()
        assert browser.execute_script("return document.getElementById('wall').muted") is False
        browser.get("about:blank")
    projection.close()


@pytest.mark.parametrize("managed", [True, False])
def test_the_wall_moves_where_there_is_no_media_source(browser: webdriver.Chrome, tmp_path: Path, managed: bool) -> None:
    """As on an iPhone: ManagedMediaSource alone since iOS 17.1, before that neither."""
    source = "window.ManagedMediaSource = window.MediaSource; " if managed else "delete window.ManagedMediaSource; "
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source + "delete window.MediaSource;"})
    live = Live(str(tmp_path / "live"))
    projection = Projection(live)
    try:
        with House(live=live.address) as house:
            browser.get(house.web + "/wall")
            end = time.monotonic() + 30
            while True:
                seen = browser.execute_script("return [Number(document.getElementById('plain').dataset.pictures ?? 0), document.getElementById('wall').currentTime]")
                if seen[1] > 1 if managed else seen[0] > 10:
                    break
                assert time.monotonic() < end, seen
                time.sleep(0.1)
            browser.get("about:blank")
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": added["identifier"]})
        projection.close()


def test_health_is_a_page_for_people_in_both_languages(browser: webdriver.Chrome) -> None:
    with House() as house:  # its own: others tell theirs of troubles
        browser.get(house.web + "/health")
        end = time.monotonic() + 8
        while "well" not in (said := browser.find_element(By.ID, "how").text):
            assert time.monotonic() < end, said
            time.sleep(0.05)
        assert "running" in browser.find_element(By.ID, "rooms").text
        browser.find_element(By.CSS_SELECTOR, "button[data-language=fr]").click()
        assert browser.find_element(By.ID, "how").text == "Tout va bien."


PAGES = ("/", "/wall", "/health", "/desk", "/desk?token=letmein")  # the fourth asks for a token
REACHED = """const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
return [e.id || e.dataset.language || e.textContent.trim().slice(0, 30), e === document.body || (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || e.id === "words", b.bottom > 0 && b.top < innerHeight]"""
CONTROLS = """return [...document.querySelectorAll("button, input, textarea, select, a[href]")].filter((e) => !e.disabled && e.checkVisibility())
.map((e) => e.id || e.dataset.language || e.textContent.trim().slice(0, 30))"""


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_is_played_by_keys_alone(browser: webdriver.Chrome, language: str) -> None:
    """Tab reaches all that can be pressed, what has the focus is seen, and Enter does what a finger does."""
    with House(texts=300) as house:
        visitor = Visitor(browser, house)
        for page in PAGES:
            browser.delete_all_cookies()
            browser.get(house.web + page)
            visitor.until(lambda page=page: "?" not in page or visitor.all("input[type=range]"))
            time.sleep(0.4)
            if page == "/":
                visitor.send("une barque dort" if language == "fr" else "a boat sleeps")
                visitor.until(lambda: visitor.all(".fate button"))
            wanted, found = set(browser.execute_script(CONTROLS)), set()
            for _ in range(2 * len(wanted) + 4):
                webdriver.ActionChains(browser).send_keys(Keys.TAB).perform()
                name, outlined, inside = browser.execute_script(REACHED)
                assert outlined and inside, (page, name)
                found.add(name)
                if name == language and browser.execute_script("return document.activeElement.getAttribute('aria-pressed')") == "false":
                    webdriver.ActionChains(browser).send_keys(Keys.ENTER).perform()
                    assert browser.execute_script("return document.documentElement.lang") == language, page
                if wanted <= found:
                    break
            assert wanted <= found, (page, wanted - found)
        visitor.at("#veto").send_keys(Keys.ENTER)
        visitor.until(lambda: [m for _, m in house.said if getattr(m, "address", "") == "/hm/veto"])


def _axe() -> str:
    """axe.min.js of the npm package axe-core, where node finds it (npm install -g axe-core, NODE_PATH=$(npm root -g))."""
    if named := os.environ.get("HYPERMNESIA_AXE", ""):
        return named
    if not shutil.which("node"):
        return ""
    found = subprocess.run(["node", "-p", "require.resolve('axe-core/axe.min.js')"], capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else ""


AXE = _axe()


@pytest.mark.skipif(not AXE, reason="axe-core is not here: npm install -g axe-core, and NODE_PATH=$(npm root -g)")
@pytest.mark.parametrize("size", [KIOSK, PHONE])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_axe_finds_nothing_on_any_page(browser: webdriver.Chrome, house: House, language: str, size: tuple[int, int]) -> None:
    visitor = Visitor(browser, house, size)
    for page in PAGES:
        browser.delete_all_cookies()
        browser.get(house.web + page)
        time.sleep(0.6)
        for button in visitor.all(f"button[data-language={language}][aria-pressed=false]"):
            button.click()
        if page == "/":
            if size == KIOSK:
                visitor.at("#board-toggle").click()
            visitor.at("#back-toggle").click()
            for words in ("une barque dort" if language == "fr" else "a boat sleeps", "البحر في الليل", "je veux mourir"):
                visitor.line.click()
                browser.execute_cdp_cmd("Input.insertText", {"text": words})
                text = visitor.send("")
            house.tell(Returned(text.key, text.visit, (Token("une"), Token("mer", 2, "machine", 1.0)), 0.4, 2))
            time.sleep(2.5)
        browser.execute_script(Path(AXE).read_text(encoding="utf-8"))
        found = browser.execute_async_script("axe.run().then((r) => arguments[0](r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' '))))")
        assert not found, (page, found)
