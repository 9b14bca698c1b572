"""Rows are packed, and logits made in chunks, only where trying it with the very model shows that nothing changes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TRIED = """
import json, os, torch
from transformers import Gemma2Config, Gemma2ForCausalLM, Lfm2Config, Lfm2ForCausalLM, LlamaConfig, LlamaForCausalLM
from selfimprove.train.loss import Supervised, collate
from selfimprove.train.probes import logits_are_plain, may_pack
from selfimprove.train.rank import Rank
os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="0", GLOO_SOCKET_IFNAME="lo")
torch.distributed.init_process_group("gloo", rank=0, world_size=1, store=torch.distributed.HashStore())
small = dict(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
             num_key_value_heads=1, initializer_range=0.5, head_dim=8, tie_word_embeddings=False)
models = {
    "llama": LlamaForCausalLM(LlamaConfig(**small)),
    "capped": Gemma2ForCausalLM(Gemma2Config(**small, final_logit_softcapping=3.0)),
    "leaking": Lfm2ForCausalLM(Lfm2Config(**small, layer_types=["conv", "full_attention"])),
}
rows = [
    {
        "id": str(n), "input_ids": [(7 * n + 3 * i) % 64 for i in range(9 + n)], "spans": [3, 9 + n], "supervised": 6 + n,
        "length": 9 + n,
    }
    for n in range(5)
]
found = {}
for name, model in models.items():
    torch.manual_seed(0)
    module = Supervised(model.float())
    rank = Rank(0, 1, "cpu", False)
    found[name] = {"packs": may_pack(module, rows, rank), "plain": logits_are_plain(module, rows, rank)}
    whole = module(**collate(rows, "cpu"))
    module.chunk = 4
    found[name]["chunked"] = bool(torch.allclose(whole, module(**collate(rows, "cpu")), atol=1e-6))
    found[name]["one"] = may_pack(module, rows[:1], rank)[0]
print(json.dumps(found))
"""


def test_a_model_that_leaks_or_caps_is_found_and_one_that_does_not_is_not() -> None:
    done = subprocess.run([sys.executable, "-c", TRIED], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["llama"]["packs"][0] and found["llama"]["plain"] and found["llama"]["chunked"]
    assert found["capped"]["packs"][0] and not found["capped"]["plain"] and not found["capped"]["chunked"]
    assert not found["leaking"]["packs"][0] and "losses differ by" in found["leaking"]["packs"][1]
    assert not found["llama"]["one"]
