"""Completions as models of many families write them, each read as a person would: calls, no call, or a broken one.

Beyond the forms that `test_chat_parse.py` goes through one by one: whole answers, with the prose, marks and habits around them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from selfimprove.chat import parse

W = {"name": "get_weather", "arguments": {"city": "Oslo"}}
J = json.dumps(W)
P = J.replace("arguments", "parameters")
C: list[Any] = [("get_weather", {"city": "Oslo"})]
NC, NT, BROKEN = "no_call", "no_tool", "problem"

ANSWERS: list[tuple[str, Any]] = [
    # Qwen / hermes
    (f"<tool_call>\n{J}\n</tool_call>", C),
    (f"I'll check the weather for you.\n\n<tool_call>\n{J}\n</tool_call>", C),
    (f"<think>\nThe user wants weather. I should call get_weather(city='Oslo').\n</think>\n\n<tool_call>\n{J}\n</tool_call>", C),
    (f"<think>\n\n</think>\n\n<tool_call>\n{J}\n</tool_call>", C),
    ("<think>The user {wants} it</think>\nSure", NC),
    (f"<tool_call>\n{J}\n</tool_call>\n<tool_call>\n{J}\n</tool_call>", C * 2),
    (f"<tool_call>{J}</tool_call><|im_end|>", C),
    (f"<tools>\n{J}\n</tools>", C),
    (f"<tool_call>\n```json\n{J}\n```\n</tool_call>", C),
    ("<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n</function>\n</tool_call>", C),
    ("<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</function>\n</tool_call>", BROKEN),
    (f"<tool_call>\n{J}\n</tool_call>\n\nI have called the weather function for you.", C),
    ('<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}\n</tool_call>', BROKEN),
    ('<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}}\n</tool_call>', BROKEN),
    ('<tool_call>{"name": "get_weather", "arguments": "{\\"city\\": \\"Oslo\\"}"}</tool_call>', C),
    ("<tool_call>\n{'name': 'get_weather', 'arguments': {'city': 'Oslo'}}\n</tool_call>", C),
    ('<tool_call>{"arguments": {"city": "Oslo"}, "name": "get_weather"}</tool_call>', C),
    (f"<tool_call>{J}", C),
    (f"<tool_call>{J}\n<tool_call>{J}", C * 2),
    (f"<|tool_call|>{J}<|/tool_call|>", C),
    (f"<|tool_call|>[{J}]<|/tool_call|>", C),
    (f"<functioncall> {J} </functioncall>", C),
    (f"<function_call>{J}</function_call>", C),
    ('<|tool_call_start|>[get_weather(city="Oslo")]<|tool_call_end|>', C),
    (f"<TOOLCALL>[{J}]</TOOLCALL>", C),
    (f"<tool_calls>\n{J}\n</tool_calls>", C),
    # llama
    (f"<|python_tag|>{P}", C),
    (f"<|python_tag|>{P}<|eom_id|>", C),
    (f"{P}<|eot_id|>", C),
    (P, C),
    (f"<|python_tag|>{P}; {P}", C * 2),
    ('<|python_tag|>get_weather.call(city="Oslo")', [("get_weather.call", {"city": "Oslo"})]),
    ('{"type": "function", "name": "get_weather", "parameters": {"city": "Oslo"}}', C),
    ('{"type": "function", "function": "get_weather", "parameters": {"city": "Oslo"}}', C),
    ('{"function": "get_weather", "parameters": {"city": "Oslo"}}', C),
    ('<function=get_weather>{"city": "Oslo"}</function>', C),
    ('<function=get_weather>{"city": "Oslo"}</function><|eom_id|>', C),
    ('[get_weather(city="Oslo")]', C),
    ("[get_weather(city='Oslo'), get_weather(city='Oslo')]", C * 2),
    ('[get_weather(city="Oslo")]<|eot_id|>', C),
    ('Here is the call:\n\n[get_weather(city="Oslo")]', C),
    ('To get the weather in Oslo, call `get_weather(city="Oslo")`.', C),
    ('get_weather(city="Oslo")', C),
    ('get_weather("Oslo")', BROKEN),
    ("<|start_header_id|>assistant<|end_header_id|>\n\n" + P, C),
    # mistral
    (f"[TOOL_CALLS] [{J}]", C),
    (f"[TOOL_CALLS] [{J}]</s>", C),
    (f"[TOOL_CALLS][{J}, {J}]", C * 2),
    ('[TOOL_CALLS]get_weather{"city": "Oslo"}', C),
    ('[TOOL_CALLS]get_weather[ARGS]{"city": "Oslo"}', C),
    ('[TOOL_CALLS]get_weather[CALL_ID]abcdefghi[ARGS]{"city": "Oslo"}', C),
    ('[TOOL_CALLS]get_weather[ARGS]{"city": "Oslo"}[TOOL_CALLS]get_weather[ARGS]{"city": "Oslo"}</s>', C * 2),
    ('[THINK]Let me see[/THINK][TOOL_CALLS]get_weather[ARGS]{"city": "Oslo"}', C),
    ('I\'ll look. [TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Oslo"}, "id": "VvvODy9mT"}]', C),
    (f"[TOOL_CALLS] {J}", C),
    ("[TOOL_CALLS]", BROKEN),
    # servers and agents
    ('<|from|>assistant\n<|recipient|>get_weather\n<|content|>{"city": "Oslo"}<|stop|>', C),
    ('<|from|>assistant\n<|recipient|>get_weather\n<|content|>{"city": "Oslo"}\n'
     '<|from|>assistant\n<|recipient|>get_weather\n<|content|>{"city": "Oslo"}<|stop|>', C * 2),
    ("<|from|>assistant\n<|recipient|>all\n<|content|>Hello there.<|stop|>", NC),
    ('<|from|>assistant\n<|recipient|>get_weather\n<|content|>{"city": "Os', BROKEN),
    ('{"choices": [{"index": 0, "message": {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", '
     '"function": {"name": "get_weather", "arguments": "{\\"city\\": \\"Oslo\\"}"}}]}, "finish_reason": "tool_calls"}]}', C),
    ('{"choices": [{"message": {"choices": [{"message": {}}]}}]}', BROKEN),
    ('```json\n{"action": "get_weather", "action_input": {"city": "Oslo"}}\n```', C),
    ('{"action": "Final Answer", "action_input": "It is cold."}', BROKEN),
    # toolace
    ('[Get Weather(city="Oslo")]', [("Get Weather", {"city": "Oslo"})]),
    ('[newAddress/get-v2.1(q.city="Oslo", page-size=5)]', [("newAddress/get-v2.1", {"q.city": "Oslo", "page-size": 5})]),
    ('[市場データ(銘柄="7203")]', [("市場データ", {"銘柄": "7203"})]),
    (
        '[Market Trends API(trend_type="MARKET_INDEXES", country="us"), Get Weather(city="Oslo")]',
        [("Market Trends API", {"trend_type": "MARKET_INDEXES", "country": "us"}), ("Get Weather", {"city": "Oslo"})],
    ),
    ("[getAllStarships()]", [("getAllStarships", {})]),
    (
        '[get_weather(city="Oslo", days=[1, 2], opts={"unit": "C", "x": None})]',
        [("get_weather", {"city": "Oslo", "days": [1, 2], "opts": {"unit": "C", "x": None}})],
    ),
    ('[Get Weather (city="Oslo")]', [("Get Weather", {"city": "Oslo"})]),
    # gemma
    ('```tool_code\nget_weather(city="Oslo")\n```', C),
    ('```tool_code\n[get_weather(city="Oslo")]\n```', C),
    (f"```json\n{J}\n```", C),
    (f"```json\n[\n  {J}\n]\n```", C),
    (f"```tool_call\n{J}\n```", C),
    ("```\nget_weather(city='Oslo')\n```", C),
    ("```python\nresult = get_weather(city='Oslo')\nprint(result)\n```", NC),
    # deepseek
    (
        "<｜tool▁calls▁begin｜>"
        "<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        [("get_weather", {})],
    ),
    ("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \n```", BROKEN),
    # phi / functionary / granite
    (f"<|tool_calls|>[{J}]<|/tool_calls|>", C),
    (f"functools[{J}]", C),
    (f"<|tool_call|>[{J}]", C),
    (f"<tool_call>[{J}, {J}]", C * 2),
    ('<function=get_weather>{"city": "Oslo"}</function>', C),
    # openai
    (
        json.dumps(
            {
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}}
                ]
            }
        ),
        C,
    ),
    (
        json.dumps(
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}}
                ],
            }
        ),
        C,
    ),
    (json.dumps({"function_call": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}}), C),
    (json.dumps([{"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}]), C),
    (json.dumps({"tool_name": "get_weather", "parameters": {"city": "Oslo"}}), C),
    ('{"name": "get_weather", "arguments": {"city": "Oslo",}}', C),
    ('{"name": "get_weather", "arguments": {"city": "Oslo"}} // calls the tool', C),
    ('{"name": "get_weather", "arguments": {}}', [("get_weather", {})]),
    ('{"name": "get_weather"}', [("get_weather", {})]),
    ('{"name": "get_weather", "arguments": null}', [("get_weather", {})]),
    ('{"name": "get_weather", "arguments": {"city": "Oslo"}}\n\nThis will return the weather.', C),
    ('Action: get_weather\nAction Input: {"city": "Oslo"}', C),
    ("Action: get_weather\nAction Input: Oslo", NC),
    # prose with JSON
    ('The API returns data such as {"name": "Oslo", "population": 700000}.', NC),
    ('You can configure it with {"name": "demo", "version": "1.0"} in package.json.', NC),
    ('Example:\n```json\n{"name": "demo", "version": "1.0", "dependencies": {}}\n```', NC),
    ('{"name": "demo", "version": "1.0", "dependencies": {}}', BROKEN),
    ('```json\n{"city": "Oslo", "temp": 4}\n```', BROKEN),
    ('[{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}]', BROKEN),
    ("[1, 2, 3]", BROKEN),
    ('{"result": 42}', BROKEN),
    (
        "The tool is defined as "
        '{"name": "get_weather", "description": "Gets it.", '
        '"parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}.',
        NC,
    ),
    ("y = 2**f(x=1)", NC),
    ("It is <b>f(x=1)</b> here.", NC),
    ("<think>hm</think>sqrt(4) is 2.", NC),
    ("42", NC),
    ('"Oslo"', NC),
    ("true", NC),
    ("The answer is 42.", NC),
    ("null", NC),
    # code answers / markdown
    ('```python\ndef get_weather(city="Oslo"):\n    return 1\n```', NC),
    ('Here is how:\n\n```python\nimport requests\nr = requests.get(url="http://x")\nprint(r.json())\n```', NC),
    ("```python\nprint(sorted(x, key=len))\n```", NC),
    ("Use `sorted(x, reverse=True)` to sort.", NC),
    ("# Heading\n\n- item (a=1)\n- other", NC),
    ("- **Weather** (Oslo): sunny\n- **Temp** (C): 4", NC),
    ("| a | b |\n|---|---|\n| 1 | 2 |", NC),
    ("[Link](https://x.y/?a=1)", NC),
    ("See [1](a=1).", NC),
    ("The function f(x=1) gives 2, so the answer is 2.", NC),
    ("Note: f(x=1) = 2", NC),
    ("$$f(x) = \\int_{0}^{1} {x} dx$$", NC),
    ("int main() { return 0; }", NC),
    ('```c\nint main() {\n  printf("hi");\n}\n```', NC),
    ('SELECT * FROM t WHERE (a="b");', NC),
    ('<html><body onload="f(x=1)"></body></html>', NC),
    ('```html\n<a href="x">y</a>\n```', NC),
    ("Sure! {name}, your order (id=5) is ready.", NC),
    ("I cannot do that because none of the tools fit.", NT),
    ("I'm sorry, but none of the provided functions can book flights.", NT),
    ("Could you please tell me which city?", NC),
    ("There is no function available to answer this.", NT),
    ("None of the functions can be used to achieve the purpose.", NT),
    ("Missing value: city", ("missing", ("city",))),
    ("", BROKEN),
    ("<|im_end|>", BROKEN),
    ("```\n```", BROKEN),
    ("Error: something failed (code=5)", NC),
    ("f(x) = x^2", NC),
    ("Weather: sunny (temp=4)", NC),
    ('- get_weather(city="Oslo")', C),
    ('1. get_weather(city="Oslo")\n2. get_weather(city="Oslo")', C * 2),
    ('* get_weather(city="Oslo")', C),
    ('**get_weather(city="Oslo")**', C),
    ('Answer: get_weather(city="Oslo")', C),
    ('Calling: [get_weather(city="Oslo")]', C),
    ("assistant: " + J, C),
    ("Function call: " + J, C),
    ('get_weather(city="Oslo");', C),
    ('default_api.get_weather(city="Oslo")', [("default_api.get_weather", {"city": "Oslo"})]),
    ('get_weather({"city": "Oslo"})', BROKEN),
    ('I would call get_weather(city="Oslo") but I am not sure.', NC),
    ('To do this I\'ll use the function:\nget_weather(city="Oslo")\nand then report.', C),
    ('get_weather(city="Oslo") returns the weather.', NC),
    ('[get_weather(city="Oslo")] is what I\'d call.', C),
    ('{\n  "name": "get_weather",\n  "arguments": {\n    "city": "Oslo"\n  }\n}', C),
    ('[\n  {\n    "name": "get_weather",\n    "arguments": {\n      "city": "Oslo"\n    }\n  }\n]', C),
    (J + "\n" + J + "\n", C * 2),
    ("\ufeff" + J, C),
    ("\u200b" + J, C),
    ("“" + J + "”", C),
    ('{"name": "get_weather", "arguments": {"city": "Oslo"}} {"name": "get_weather"', BROKEN),
    ('{"name": "get_weather", "arguments": {"city": "Os', BROKEN),
    ('[get_weather(city="Os', BROKEN),
    ('[get_weather(city="Oslo"', BROKEN),
    ('[get_weather(city="Oslo")', BROKEN),
]


@pytest.mark.parametrize(("text", "wanted"), ANSWERS)
def test_an_answer_is_read_as_a_person_reads_it(text: str, wanted: Any) -> None:
    answer = parse(text).answer
    if answer is None:
        said: Any = BROKEN
    elif answer.calls:
        said = [(call.name, call.arguments) for call in answer.calls]
    else:
        said = ("missing", answer.missing) if answer.abstain == "missing" else answer.abstain
    assert said == wanted


@pytest.mark.parametrize("mark", ["<think>", "<thinking>", "<reasoning>", "[THINK]"])
def test_a_call_right_behind_a_thought_is_not_lost(mark: str) -> None:
    found = parse(f"{mark}hm{mark[0]}/{mark[1:]}f(x=1)\ng()").answer
    assert found is not None and [call.name for call in found.calls] == ["f", "g"]
