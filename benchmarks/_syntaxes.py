"""Calls as model families write them, for tests and fuzzing: the reader takes more syntaxes than the project writes itself.

    WRITERS["kimi-k2"]([{"name": "f", "arguments": {"x": 1}}])

Written after the families' published templates. A writer in `RAW` gives every value as plain text, without its type.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

Calls = Sequence[dict[str, Any]]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _python(calls: Calls, between: str = ", ") -> str:
    return between.join(f"{c['name']}({', '.join(f'{k}={v!r}' for k, v in c['arguments'].items())})" for c in calls)


def _gemma(value: Any, quote: str) -> str:
    if isinstance(value, str):
        return f"{quote}{value}{quote}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}:{_gemma(v, quote)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_gemma(v, quote) for v in value) + "]"
    return _json(value)


def _each(
    write: Callable[[str, dict[str, Any]], str], between: str = "", around: tuple[str, str] = ("", "")
) -> Callable[[Calls], str]:
    return lambda calls: around[0] + between.join(write(c["name"], c["arguments"]) for c in calls) + around[1]


def _tags(calls: str, call: str, argument: str, between: str = "\n") -> Callable[[Calls], str]:
    """`call` and `argument` are templates; `calls` stands around all."""

    def write(made: Calls) -> str:
        texts = [
            call.format(name=c["name"], arguments="".join(argument.format(k=k, v=_plain(v)) for k, v in c["arguments"].items()))
            for c in made
        ]
        return calls.format(between.join(texts))

    return write


def _dsml(name: str, arguments: dict[str, Any]) -> str:
    p = "｜DSML｜"
    texts = {k: (_json(isinstance(v, str)), _plain(v)) for k, v in arguments.items()}
    inner = "".join(f'<{p}parameter name="{k}" string="{s}">{v}</{p}parameter>\n' for k, (s, v) in texts.items())
    return f'<{p}invoke name="{name}">\n{inner}</{p}invoke>\n'


def _objects(calls: Calls, key: str = "arguments") -> str:
    return _json([{"name": c["name"], key: c["arguments"]} for c in calls])


_QWEN = "<function={name}>\n{arguments}</function>"
_QWEN_ARGUMENT = "<parameter={k}>\n{v}\n</parameter>\n"
_INVOKE, _PARAMETER = '<invoke name="{name}">\n{arguments}</invoke>', '<parameter name="{k}">{v}</parameter>\n'
_DS = ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>")

WRITERS: dict[str, Callable[[Calls], str]] = {
    "deepseek-v3": _each(
        lambda n, a: f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{n}\n```json\n{_json(a)}\n```<｜tool▁call▁end｜>", "\n", _DS
    ),
    "deepseek-v3.1": _each(lambda n, a: f"<｜tool▁call▁begin｜>{n}<｜tool▁sep｜>{_json(a)}<｜tool▁call▁end｜>", "", _DS),
    "deepseek-v3.2": _each(_dsml, "", ("<｜DSML｜function_calls>\n", "</｜DSML｜function_calls>")),
    "kimi-k2": lambda calls: "<|tool_calls_section_begin|>" + "".join(
        f"<|tool_call_begin|>functions.{c['name']}:{i}<|tool_call_argument_begin|>{_json(c['arguments'])}<|tool_call_end|>"
        for i, c in enumerate(calls)
    ) + "<|tool_calls_section_end|>",
    "glm-4.5": _tags(
        "{}", "<tool_call>{name}\n{arguments}</tool_call>", "<arg_key>{k}</arg_key>\n<arg_value>{v}</arg_value>\n"
    ),
    "glm-4.7": _tags("{}", "<tool_call>{name}{arguments}</tool_call>", "<arg_key>{k}</arg_key><arg_value>{v}</arg_value>", ""),
    "qwen3-coder": _tags("{}", f"<tool_call>\n{_QWEN}\n</tool_call>", _QWEN_ARGUMENT),
    "qwen3-coder-bare": _tags("{}", _QWEN, _QWEN_ARGUMENT),
    "seed-oss": _tags("{}", f"<seed:tool_call>\n{_QWEN}\n</seed:tool_call>", _QWEN_ARGUMENT),
    "minimax-m2": _tags("<minimax:tool_call>\n{}\n</minimax:tool_call>", _INVOKE, _PARAMETER),
    "invoke": _tags("<function_calls>\n{}\n</function_calls>", _INVOKE, _PARAMETER),
    "minimax-m1": _each(lambda n, a: _json({"name": n, "arguments": a}), "\n", ("<tool_calls>\n", "\n</tool_calls>")),
    "hunyuan": lambda calls: f"<tool_calls>{_objects(calls)}</tool_calls>",
    "nemotron": lambda calls: f"<TOOLCALL>{_objects(calls)}</TOOLCALL>",
    "gpt-oss": _each(
        lambda n, a: f"<|channel|>commentary to=functions.{n} <|constrain|>json<|message|>{_json(a)}<|call|>",
        "<|start|>assistant",
    ),
    "gpt-oss-to-first": _each(
        lambda n, a: f"<|start|>assistant to=functions.{n}<|channel|>commentary json<|message|>{_json(a)}<|call|>"
    ),
    "gpt-oss-stripped": _each(lambda n, a: f"commentary to=functions.{n} json{_json(a)}", "assistant"),
    "functiongemma": _each(lambda n, a: f"<start_function_call>call:{n}{_gemma(a, '<escape>')}<end_function_call>"),
    "gemma4": _each(lambda n, a: f"<|tool_call>call:{n}" + _gemma(a, '<|"|>') + "<tool_call|>"),
    "lfm2": lambda calls: f"<|tool_call_start|>[{_python(calls)}]<|tool_call_end|>",
    "llama4": lambda calls: f"<|python_start|>[{_python(calls)}]<|python_end|>",
    "olmo3": lambda calls: "<function_calls>\n" + _python(calls, "\n") + "\n</function_calls>",
    "granite": lambda calls: f"<|tool_call|>{_objects(calls)}",
    "granite-tag": lambda calls: f"<tool_call>{_objects(calls)}",
    "phi4-mini": lambda calls: f"<|tool_call|>{_objects(calls)}<|/tool_call|>",
    "phi4-functools": lambda calls: f"functools{_objects(calls)}",
    "command-r": lambda calls: "<|START_ACTION|>" + _json(
        [{"tool_call_id": str(i), "tool_name": c["name"], "parameters": c["arguments"]} for i, c in enumerate(calls)]
    ) + "<|END_ACTION|>",
    "command-r-fence": lambda calls: "Action: ```json\n" + _json(
        [{"tool_name": c["name"], "parameters": c["arguments"]} for c in calls]
    ) + "\n```",
    "internlm": _each(
        lambda n, a: f"<|action_start|><|plugin|>\n{_json({'name': n, 'parameters': a})}<|action_end|>", "\n"
    ),
    "functionary": _each(lambda n, a: f">>>{n}\n{_json(a)}"),
    "apertus": lambda calls: f"<|tools_prefix|>{_json([{c['name']: c['arguments']} for c in calls])}<|tools_suffix|>",
    "react": _each(lambda n, a: f"Action: {n}\nAction Input: {_json(a)}", "\n"),
    "longcat": _each(lambda n, a: f"<longcat_tool_call>\n{_json({'name': n, 'arguments': a})}\n</longcat_tool_call>", "\n"),
    "llama3-function": _each(lambda n, a: f"<function={n}>{_json(a)}</function>"),
}  # fmt: skip
RAW = frozenset({"glm-4.5", "glm-4.7", "qwen3-coder", "qwen3-coder-bare", "seed-oss", "minimax-m2", "invoke"})
UNMARKED = frozenset({"gpt-oss-stripped", "functionary", "react", "phi4-functools", "command-r-fence"})
"""Those that begin with words that prose may hold too: only with the tools can their first characters be told from it."""
