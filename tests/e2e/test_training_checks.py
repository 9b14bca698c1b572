"""What is checked around a training: the model that is loaded, the one that is written, and what is tried before a step."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.warm import Warm


def test_every_planted_fault_of_an_export_is_caught(warm: Warm, tiny_model: Path, tmp_path: Path) -> None:
    """Empty, changed, untied or missing weights, another next token: a written model that is not the trained one never counts."""
    found = warm.call("tests.e2e.planted:exports", str(tiny_model), str(tmp_path))
    assert found.pop("sound") == ""
    assert len(found) == 5 and [name for name, said in found.items() if not said] == []
    assert "is not tied" in found["untied"] or "tied to its embeddings" in found["untied"]
    assert "is not the trained one" in found["changed"] and "goes on with token" in found["token"]


def test_an_export_that_is_not_the_trained_model_leaves_no_model(warm: Warm, tiny_model: Path, tmp_path: Path) -> None:
    found = warm.call("tests.e2e.planted:exported", str(tiny_model), str(tmp_path))
    assert found["sound"] == ["", True]
    assert "the written model goes on with token" in found["other"][0] and not found["other"][1]
    for name in ("poisoned", "large"):
        assert "its last update left weights that are no numbers, or too large" in found[name][0] and not found[name][1]
        assert (tmp_path / name / "rejected.json").exists() and not (tmp_path / "other" / "rejected.json").exists()


def test_weights_that_are_not_the_models_are_refused_and_code_is_not_run(
    warm: Warm, tiny_model: Path, tmp_path: Path
) -> None:
    """transformers draws missing weights at random and drops surplus ones, and says so in a log. What is dropped is told."""
    found = warm.call("tests.e2e.planted:models", str(tiny_model), str(tmp_path))
    assert "lacks 1 of the model's weights (model.layers.1.mlp.up_proj.weight" in found["missing"]
    assert "the shapes of its weights are not those" in found["shape"]
    assert "lacks 9 of the model's weights" in found["layers"]
    assert "custom code" in found["code"] and not (tmp_path / "code" / "ran").exists()
    assert "1 weights that a language model does not have (vision.weight" in found["extra"] and ";" not in found["extra"]


def test_a_model_that_leaks_or_caps_is_found_and_one_that_does_not_is_not(warm: Warm) -> None:
    """Rows are packed, and logits made in chunks, only where trying it with the very model shows that nothing changes."""
    found = warm.call("tests.e2e.planted:probes")
    assert found["llama"]["packs"][0] == "by row" and found["llama"]["plain"] and found["llama"]["chunked"]
    assert found["capped"]["packs"][0] == "by a mask" and not found["capped"]["plain"] and not found["capped"]["chunked"]
    assert not found["leaking"]["packs"][0] and "losses differ by" in found["leaking"]["packs"][1]
    assert not found["shifting"]["packs"][0] and "losses differ by" in found["shifting"]["packs"][1]
    assert not found["llama"]["one"]
    assert {name: one["made"]["packing"] for name, one in found.items()} == {
        "llama": "by row", "capped": "", "leaking": "", "shifting": "",
    }  # fmt: skip
    assert {name: bool(one["made"]["chunks"]) for name, one in found.items()} == {
        "llama": True, "capped": False, "leaking": True, "shifting": True,
    }  # fmt: skip


def test_what_rows_begin_with_alike_is_computed_once_and_trains_as_if_each_stood_alone(warm: Warm) -> None:
    """Prompts over the same tools are most of what is trained: 119 tokens are 47 here, with the same losses and gradients."""
    found = warm.call("tests.e2e.planted:shared_beginnings")
    assert found["tokens"] == 47
    assert found["losses"] < 1e-6 and found["gradients"] < 1e-6


def test_activations_are_made_again_as_the_settings_say(warm: Warm, tiny_model: Path) -> None:
    """A user who asks for less memory gets it: the estimate that a training fits counts on it."""
    kept = warm.call("tests.e2e.planted:made_again", str(tiny_model))
    assert kept["True"] < 0.8 * kept["False"] and kept["selective"] < 0.8 * kept["False"]


def test_less_memory_leaves_losses_and_gradients_what_they_are(warm: Warm) -> None:
    """Cheap activations made again, and gradients of embedding and output layer added in place."""
    for losses, gradients, fewer in warm.call("tests.e2e.planted:less_memory").values():
        assert losses == 0 and gradients < 1e-6 and fewer


def test_modules_that_keep_less_train_as_their_own_code_does_and_the_others_are_left_alone(warm: Warm) -> None:
    """RMS norms and layers gated by SiLU, and the loss in the memory of its logits; not gated by GELU, nor norms that add 1."""
    found = warm.call("tests.e2e.planted:lean_families")
    assert {name: one["replaced"] for name, one in found.items()} == {"llama": 7, "qwen3": 11, "gelu": 5, "gemma2": 0}
    assert all(one["losses"] < 1e-5 and one["gradients"] < 1e-5 for one in found.values())
    assert found["llama"]["kept"] < 0.75 and found["qwen3"]["kept"] < 0.75 and found["gemma2"]["kept"] == 1
