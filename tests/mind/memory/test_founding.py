"""What a mind is born with: a table of recipes that ships, and is what it would be if it were made here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.atelier.export import recipes
from engine.core.meaning import Encoder
from engine.mind.memory.founding import FILE, Table, load, save
from engine.mind.model import embedded
from engine.mind.model.lapped import Lapped
from engine.painter.attributes import Attributes
from engine.painter.captions import is_held_out
from engine.painter.paint import KINDS
from engine.painter.recipe import VERSION, Recipe, crowd

SHIPPED = embedded.FOLDER / FILE


@pytest.fixture(scope="module")
def shipped() -> Table:
    return load(SHIPPED)


def test_twelve_thousand_are_shipped_of_every_kind_and_none_is_held_out(shipped: Table) -> None:
    assert len(shipped) >= 12_000 and {recipe.shows.kind for recipe in shipped.recipes} == set(KINDS)
    assert not any(is_held_out(recipe.shows, "") for recipe in shipped.recipes)
    assert all(recipe.version == VERSION for recipe in shipped.recipes), "painters changed: `hypermnesia train` makes the table anew"
    assert SHIPPED.stat().st_size < 16 << 20


def test_those_that_are_shipped_are_those_that_would_be_made(shipped: Table) -> None:
    made = recipes(len(shipped))
    assert list(shipped.recipes) == made
    codec, reader = Lapped.load(embedded.FOLDER / "codec"), embedded.reader()
    for row in (0, 5000, 12_000):
        assert shipped.captions[row] == made[row].caption
        assert shipped.t[row] @ Encoder().sentence([made[row].caption])[0] > 0.998
        read = reader.vector(codec.encode(made[row].paint((256, 256))[None]))[0].numpy()
        assert shipped.v[row] @ read > 0.99


def test_a_table_comes_back_from_its_file_within_two_thousandths_of_a_cosine(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    t, v = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in rng.standard_normal((2, 40, 512)).astype(np.float32))
    made = recipes(40)
    save(tmp_path / FILE, Table([recipe.caption for recipe in made], t, v, made))
    found = load(tmp_path / FILE)
    assert list(found.recipes) == made and list(found.captions) == [recipe.caption for recipe in made]
    assert np.abs(1 - (found.t * t).sum(1)).max() < 0.002 and np.abs(found.v - v).max() < 0.002
    assert len(found.first(7)) == 7 and len(found.first(0)) == 40


def test_a_table_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="hypermnesia train"):
        load(tmp_path / FILE)


def test_a_recipe_gives_the_same_bytes_whatever_else_is_painted_and_on_however_many_threads() -> None:
    recipe = recipes(80)[7]
    before = torch.get_num_threads()
    alone = recipe.paint((64, 64))
    torch.set_num_threads(2)
    recipes(80)[8].paint((64, 64))
    again = recipe.paint((64, 64))
    assert torch.get_num_threads() == 2, "the threads of others are left alone"
    torch.set_num_threads(before)
    assert torch.equal(alone, again)


def test_a_crowd_belongs_to_attributes_and_its_members_to_one_another() -> None:
    first = crowd({"weather": "storm"}, ("ship", "sea", "sky"), 16, 12)
    assert first == crowd({"weather": "storm"}, ("ship", "sea", "sky"), 16, 12) and len({recipe.number for recipe in first}) == 16
    assert [recipe.shows.kind for recipe in first].count("ship") == 12
    assert {recipe.shows.weather for recipe in first} == {"storm"} and len({recipe.shows.time for recipe in first[:12]}) == 1
    other = crowd({"weather": "fog"}, ("ship", "sea", "sky"), 16, 12)
    assert not {recipe.number for recipe in first} & {recipe.number for recipe in other}
    assert not any(recipe.shows.colour for recipe in first), "what nobody said of colours stays as it is in nature"
    with pytest.raises(ValueError, match="did you mean 'ship'"):
        crowd({}, ("shipp",), 4, 4)


def test_another_painter_is_another_recipe() -> None:
    recipe = Recipe(Attributes("sea"), 3)
    assert recipe.number != replace(recipe, version=VERSION + 1).number
