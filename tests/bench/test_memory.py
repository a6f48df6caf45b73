"""The bench of the memory measures real things: small here, the same code as `hypermnesia bench memory`."""

from engine.bench import memory as bench


def test_the_bench_measures_recall_archive_and_composition() -> None:
    row = bench.recall(1000, queries=10)
    assert row["fragments"] == 1000 and 0 < row["p50_ms"] < 500
    wrote = bench.archive(10, 10)
    assert wrote["text_p50_ms"] > 0 and 4_000 < wrote["bytes_per_fragment"] < 40_000
    assert all(row["neff"] >= 8 and row["largest"] <= 0.25 for row in bench.composed(1))
