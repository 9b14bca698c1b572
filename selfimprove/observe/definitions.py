"""What each figure means, in one line each. The terminal table, the report and the docs print these words.

    DEFINITIONS["gate call"]

What this is not: the computation. That is where the figure is made, in the stages.
"""

from __future__ import annotations

DEFINITIONS: dict[str, str] = {
    "gate call": "% of gate items needing calls that got exactly those calls (Wilson 95 % interval)",
    "gate abstain": "the same for gate items whose right answer is to make no call; never pooled",
    "test call": "as gate call, on the test suite: tools and wordings never trained, opened once",
    "test abstain": "as gate abstain, on the test suite",
    "made": "problems the round answered: from queries, drawn calls, curriculum and oracle",
    "parsed": "problems with at least one answer that reads as calls or as an abstention",
    "accepted": "problems with an answer to trust: known by making or label, or voted and verified",
    "trained": "rows the model was trained on: fresh ones, mastered ones and replayed seeds",
    "decision": "adopted: the challenger became champion; kept: the earlier champion stayed",
    "oracle precision": "of the oracle problems accepted, the share whose answer equals the gold",
    "oracle recall": "of all oracle problems, the share accepted with an answer that equals the gold",
    "gain": "paired difference of call accuracy on the same items, in points, 95 % interval",
    "wins": "items that only the first model has right",
    "losses": "items that only the second model has right",
    "return": "gain in points / device-hours, and / (generated tokens / 1,000), of a round",
    "device-hours": "seconds a child with a model lived x its GPUs (1 without any) / 3,600",
    "planned": "seconds that the configuration states for the stage under plan",
    "spent": "wall-clock seconds of the stage over all its starts",
    "loss": "mean loss of an optimizer step's supervised tokens (answers only), in nats",
}
"""Figure -> definition, at most 80 characters; the keys are the headings that a user sees."""
