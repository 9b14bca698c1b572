"""Other ways to write a right answer. The verifier must pass every one of them.

    REWRITINGS["argument-order"](truth, rng)         # a candidate text; None where the answer has no such form

Which syntaxes there are is the chat package's word (`SYNTAXES`): each is a rewriting.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from selfimprove.chat import SYNTAXES, write
from selfimprove.records import Answer, Call
from selfimprove.verify.selftest.truth import Truth

Rewriting = Callable[[Truth, random.Random], str | None]
BEFORE = ("I'll look that up for you.", "Sure, here is the call:", "Let me take care of that.\n")
AFTER = ("", "\nLet me know if you need anything else.", "\nDone.")


def _text(calls: tuple[Call, ...], syntax: str = "hermes") -> str:
    return write(Answer(calls=calls), syntax)


def _argument_order(truth: Truth, rng: random.Random) -> str | None:
    turned = [Call(name=c.name, arguments=dict(reversed(c.arguments.items()))) for c in truth.calls]
    return _text(tuple(turned)) if any(len(c.arguments) > 1 for c in turned) else None


def _call_order(truth: Truth, rng: random.Random) -> str | None:
    return _text(tuple(reversed(truth.calls))) if len(truth.calls) > 1 else None


def _number_forms(truth: Truth, rng: random.Random) -> str | None:
    """3 as 3.0 or 3e0, where the schema takes it: by JSON Schema 3.0 is an integer."""
    changed = [Call(name=c.name, arguments=_floats(c.arguments)) for c in truth.calls]
    if not any(_has_integer(c.arguments) for c in truth.calls) or not all(truth.fits(c) for c in changed):
        return None
    form = rng.choice(["{}.0", "{}e0", "{}.00"])
    return _tagged(truth, lambda value: form.format(value) if type(value) is int else json.dumps(value))


def _floats(value: Any) -> Any:
    if type(value) is int and abs(value) < 2**50:
        return float(value)
    if isinstance(value, list):
        return [_floats(item) for item in value]
    return {name: _floats(item) for name, item in value.items()} if isinstance(value, dict) else value


def _has_integer(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(_has_integer(item) for item in (value.values() if isinstance(value, dict) else value))
    return type(value) is int


def _tagged(truth: Truth, leaf: Callable[[Any], str]) -> str:
    """Tagged calls whose texts, numbers and constants are written by `leaf`."""

    def written(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{json.dumps(name)}: {written(item)}" for name, item in value.items()) + "}"
        return "[" + ", ".join(map(written, value)) + "]" if isinstance(value, list) else leaf(value)

    return "\n".join(f"<tool_call>{written({'name': c.name, 'arguments': c.arguments})}</tool_call>" for c in truth.calls)


def _quotes(truth: Truth, rng: random.Random) -> str | None:
    """Python's quotes for JSON's."""
    objects = [{"name": c.name, "arguments": c.arguments} for c in truth.calls]
    return "\n".join(f"<tool_call>{value!r}</tool_call>" for value in objects)


def _escapes(truth: Truth, rng: random.Random) -> str | None:
    r"""Every letter of every text as \u0041: the same JSON."""

    def leaf(value: Any) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        return '"' + "".join(f"\\u{ord(c):04x}" if c.isalnum() and ord(c) < 0x10000 else json.dumps(c)[1:-1] for c in value) + '"'

    return _tagged(truth, leaf)


def _spaces(truth: Truth, rng: random.Random) -> str | None:
    objects = [{"name": c.name, "arguments": c.arguments} for c in truth.calls]
    texts = [f"<tool_call>\n{json.dumps(v, indent=rng.choice([1, 4]))}\n\n</tool_call>" for v in objects]
    return "\n\n " + "\n \n".join(texts) + "  \n"


def _defaults(truth: Truth, rng: random.Random) -> str | None:
    def full(call: Call) -> Call:
        schemas = truth.tool(call.name).properties.items()
        unsaid = {n: s["default"] for n, s in schemas if isinstance(s, dict) and "default" in s and n not in call.arguments}
        return Call(name=call.name, arguments={**call.arguments, **unsaid})

    written = tuple(full(call) for call in truth.calls)
    return _text(written) if written != truth.calls and all(truth.fits(c) for c in written) else None


def _prose(truth: Truth, rng: random.Random) -> str | None:
    return f"{rng.choice(BEFORE)}\n{_text(truth.calls)}{rng.choice(AFTER)}"


def _thought(truth: Truth, rng: random.Random) -> str | None:
    return f"<think>\nThe user asks for this: {truth.tools[0].name} could do, let me see.\n</think>\n\n{_text(truth.calls)}"


def _fence(truth: Truth, rng: random.Random) -> str | None:
    objects = [{"name": c.name, "arguments": c.arguments} for c in truth.calls]
    return f"```json\n{json.dumps(objects if len(objects) > 1 else objects[0], indent=2)}\n```"


def _server(truth: Truth, rng: random.Random) -> str | None:
    """As OpenAI's interface says it, arguments as text."""
    calls = [
        {"id": f"call_{i}", "type": "function", "function": {"name": c.name, "arguments": json.dumps(c.arguments)}}
        for i, c in enumerate(truth.calls)
    ]
    return json.dumps({"role": "assistant", "content": None, "tool_calls": calls})


def _syntax(name: str) -> Rewriting:
    return lambda truth, rng: _text(truth.calls, name)


REWRITINGS: dict[str, Rewriting] = {
    "argument-order": _argument_order, "call-order": _call_order, "number-forms": _number_forms, "quotes": _quotes,
    "escapes": _escapes, "spaces": _spaces, "defaults-written-out": _defaults, "prose-around": _prose, "thought-before": _thought,
    "code-fence": _fence, "server-form": _server, **{f"syntax-{name}": _syntax(name) for name in SYNTAXES},
}  # fmt: skip


def rewritten(kind: str, truth: Truth) -> str | None:
    return REWRITINGS[kind](truth, truth.rng("rewriting", kind)) if truth.calls else None
