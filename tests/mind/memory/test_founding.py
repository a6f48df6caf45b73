"""What a mind is born with: a table of recipes that ships, and says and shows what is written of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.atelier.export import recipes, renewed
from engine.core.meaning import Encoder
from engine.mind.memory.founding import FILE, Table, load, save
from engine.mind.model import embedded
from engine.mind.model.lapped import Lapped
from engine.painter.attributes import Attributes
from engine.painter.captions import is_held_out
from engine.painter.paint import KINDS, paint_shown
from engine.painter.recipe import OWN_BITS, VERSION, Recipe, crowd

SHIPPED = embedded.FOLDER / FILE


@pytest.fixture(scope="module")
def shipped() -> Table:
    return load(SHIPPED)


def test_twelve_thousand_are_shipped_of_every_kind_and_none_is_held_out(shipped: Table) -> None:
    assert len(shipped) >= 12_000 and {recipe.shows.kind for recipe in shipped.recipes} == set(KINDS)
    assert not any(is_held_out(recipe.shows, "") for recipe in shipped.recipes)
    assert all(recipe.stands for recipe in shipped.recipes), "painters changed: `hypermnesia train --renew` makes what changed anew"
    assert SHIPPED.stat().st_size < 16 << 20


def test_those_that_are_shipped_say_and_show_what_is_written_of_them(shipped: Table) -> None:
    codec, reader = Lapped.load(embedded.FOLDER / "codec"), embedded.reader()
    first = next(row for row, recipe in enumerate(shipped.recipes) if recipe.version > 1)
    for row in (0, 5000, first, len(shipped) - 1):
        recipe = shipped.recipes[row]
        assert recipe.version == 1 or shipped.captions[row] == recipe.caption, "the grammar of today says what is painted today"
        assert shipped.t[row] @ Encoder().sentence([shipped.captions[row]])[0] > 0.998
        read = reader.vector(codec.encode(recipe.paint((256, 256))[None]))[0].numpy()
        assert shipped.v[row] @ read > 0.99


def test_a_renewed_table_keeps_numbers_and_replaces_only_what_is_painted_otherwise() -> None:
    old = [Recipe(Attributes("sea"), 5, 1), Recipe(Attributes("statue", extra="bust"), 6, 1), Recipe(Attributes("sea", weather="fog"), 7, 1), Recipe(Attributes("sea", weather="fog"), 8)]
    made = renewed(old, 2)
    assert made[0] == old[0] and made[3] == old[3], "what stands keeps its place, which is its number"
    assert [recipe.shows.kind for recipe in made[:4]] == ["sea", "statue", "sea", "sea"] and all(recipe.stands for recipe in made)
    assert Counter(recipe.shows.kind for recipe in made[4:])["sea"] == 0 and all(Counter(recipe.shows.kind for recipe in made)[kind] >= 2 for kind in KINDS)
    assert made == renewed(old, 2) and renewed(made, 2) == made, "a second time nothing is left to do"


def test_the_first_version_places_by_its_own_seed_and_the_second_by_its_crowds() -> None:
    one, other = crowd({}, ("lighthouse",), 2, 2)
    first = replace(one, version=1)
    assert one.seed >> OWN_BITS == other.seed >> OWN_BITS and one.seed != other.seed
    assert torch.equal(first.paint((48, 48)), paint_shown([first.shows], (48, 48), first.seed)[0])
    apart = [float((a.paint((64, 64)) - b.paint((64, 64))).abs().mean()) for a, b in ((one, other), (first, replace(other, version=1)))]
    assert 0.005 < apart[0] < apart[1], "members of a crowd are alike, and no two are the same"


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
