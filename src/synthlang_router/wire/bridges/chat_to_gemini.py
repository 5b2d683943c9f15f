"""OpenAI chat and embeddings requests -> Gemini's generateContent and batchEmbedContents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from synthlang_router.errors import InvalidRequest
from synthlang_router.models import ChatRequest
from synthlang_router.wire.bridges.translated import (
    Translated,
    arguments_of,
    asked,
    cannot,
    data_url,
    objects,
    part,
    text_in,
    translated,
)

_SYSTEM: Final = frozenset({"system", "developer"})
_CONFIG: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "n": "candidateCount",
    "seed": "seed",
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_MODES: Final[Mapping[str, str]] = {"auto": "AUTO", "required": "ANY", "none": "NONE"}
_AUDIO: Final[Mapping[str, str]] = {"wav": "audio/wav", "mp3": "audio/mp3"}
_IMAGES: Final[Mapping[str, str]] = {
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
}
Plain = dict[str, Any]


def to_gemini(request: ChatRequest) -> Translated:
    """Raises InvalidRequest for content Gemini cannot take; parameters it cannot take are dropped and named."""
    given = asked(request)
    dropped: list[str] = []
    made: Plain = _turns(given.pop("messages"), dropped)
    config: Plain = {}
    for name in ("model", "stream", "stream_options"):
        given.pop(name, None)  # the model and the way of answering stand in the URL, and usage always comes
    for name, value in given.items():
        translator = _PARAMETERS.get(name)
        if name in _CONFIG:
            config[_CONFIG[name]] = value
        else:
            dropped += [name] if translator is None else translator(value, made, config)
    made["generationConfig"] = config or None
    return translated(request, made, dropped, dialect="gemini", kind="chat")


def _turns(messages: list[Plain], dropped: list[str]) -> Plain:
    system: list[Plain] = []
    contents: list[Plain] = []
    names: dict[str, str] = {}
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        role = message["role"]
        if role in _SYSTEM:
            system += _parts(message.get("content"), f"{where}.content")
            continue
        maker = _ROLES.get(role)
        if maker is None:
            raise cannot(f"{where}.role", f"the role {role[:32]!r}")
        side, parts = maker(message, where, names)
        if message.get("name") and role in ("user", "assistant"):
            dropped.append("messages.name")
        if parts and contents and contents[-1]["role"] == side:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": side, "parts": parts})
    return {"contents": contents, "systemInstruction": {"parts": system} if system else None}


def _user(message: Plain, where: str, names: dict[str, str]) -> tuple[str, list[Plain]]:
    return "user", _parts(message.get("content"), f"{where}.content")


def _model(message: Plain, where: str, names: dict[str, str]) -> tuple[str, list[Plain]]:
    """Text, then calls, each with the thought signature that came with it."""
    parts = _parts(message.get("content"), f"{where}.content")
    if type(message.get("refusal")) is str and message["refusal"]:
        parts.append({"text": message["refusal"]})
    if parts:
        parts[-1] |= _signature(message)
    for index, call in enumerate(objects(message.get("tool_calls"))):
        function = part(call, "function")
        name = text_in(function.get("name"))
        if not name:
            raise cannot(f"{where}.tool_calls[{index}]", "a call of another kind than a function")
        names[text_in(call.get("id"))] = name
        given = arguments_of(function.get("arguments"), f"{where}.tool_calls[{index}].function.arguments")
        parts.append({"functionCall": {"name": name, "args": given}, **_signature(call)})
    return "model", parts


def _signature(plain: Plain) -> Plain:
    """Where Google's own OpenAI endpoint puts a thought signature, and so do we."""
    signature = part(part(plain, "extra_content"), "google").get("thought_signature")
    return {} if signature is None else {"thoughtSignature": signature}


def _tool(message: Plain, where: str, names: dict[str, str]) -> tuple[str, list[Plain]]:
    name = names.get(text_in(message.get("tool_call_id")))
    if name is None:
        raise InvalidRequest(
            f"{where}.tool_call_id: no call before has this id.", param=f"{where}.tool_call_id"
        )
    parts = _parts(message.get("content"), f"{where}.content")
    text = "".join([text_in(piece.get("text")) for piece in parts])
    try:
        plain = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        plain = text
    answer = plain if type(plain) is dict else {"result": plain}
    return "user", [{"functionResponse": {"name": name, "response": answer}}]


def _parts(content: Any, where: str) -> list[Plain]:
    if type(content) is str:
        return [{"text": content}] if content else []
    parts: list[Plain] = []
    for index, piece in enumerate(content or ()):
        maker = _PARTS.get(text_in(piece.get("type")))
        made = None if maker is None else maker(piece)
        if made is None:
            raise cannot(f"{where}[{index}]", f"content of type {text_in(piece.get('type'))[:32]!r}")
        parts.append(made)
    return parts


def _text(piece: Plain) -> Plain | None:
    return {"text": text_in(piece.get("text"))}


def _image(piece: Plain) -> Plain | None:
    """The URL goes through as it is: nobody here fetches it."""
    url = text_in(part(piece, "image_url").get("url"))
    inline = data_url(url)
    if inline is not None:
        return {"inlineData": {"mimeType": inline[0], "data": inline[1]}}
    if not url.startswith(("https://", "http://", "gs://")):
        return None
    ending = url.partition("?")[0].rpartition(".")[2].lower()
    return {"fileData": {"mimeType": _IMAGES.get(ending, "image/jpeg"), "fileUri": url}}


def _audio(piece: Plain) -> Plain | None:
    audio = part(piece, "input_audio")
    kind = _AUDIO.get(text_in(audio.get("format")))
    return None if kind is None else {"inlineData": {"mimeType": kind, "data": audio.get("data")}}


def _file(piece: Plain) -> Plain | None:
    inline = data_url(text_in(part(piece, "file").get("file_data")))
    return None if inline is None else {"inlineData": {"mimeType": inline[0], "data": inline[1]}}


_PARTS: Final[Mapping[str, Callable[[Plain], Plain | None]]] = {
    "text": _text,
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
}
_ROLES: Final[Mapping[str, Callable[[Plain, str, dict[str, str]], tuple[str, list[Plain]]]]] = {
    "user": _user,
    "assistant": _model,
    "tool": _tool,
}


def _stop(value: Any, made: Plain, config: Plain) -> list[str]:
    config["stopSequences"] = [value] if type(value) is str else value
    return []


def _response_format(value: Any, made: Plain, config: Plain) -> list[str]:
    kind = value.get("type")
    if kind not in ("json_object", "json_schema"):
        return ["response_format"]
    config["responseMimeType"] = "application/json"
    schema = part(value, "json_schema").get("schema")
    if kind == "json_schema" and schema is not None:
        config["responseJsonSchema"] = schema
    return []


def _tools(value: Any, made: Plain, config: Plain) -> list[str]:
    declarations, dropped = [], []
    for tool in objects(value):
        function = part(tool, "function")
        if tool.get("type", "function") != "function" or "name" not in function:
            dropped.append(f"tools.{tool.get('type')}")
            continue
        declaration: Plain = {"name": function["name"]}
        if function.get("description"):
            declaration["description"] = function["description"]
        if function.get("parameters"):
            declaration["parametersJsonSchema"] = function["parameters"]
        declarations.append(declaration)
        dropped += ["tools.strict"] if function.get("strict") else []
    made["tools"] = [{"functionDeclarations": declarations}] if declarations else None
    return dropped


def _tool_choice(value: Any, made: Plain, config: Plain) -> list[str]:
    name = part(value, "function").get("name")
    if type(value) is str and value in _MODES:
        calling: Plain = {"mode": _MODES[value]}
    elif name is not None:
        calling = {"mode": "ANY", "allowedFunctionNames": [name]}
    else:
        return ["tool_choice"]
    made["toolConfig"] = {"functionCallingConfig": calling}
    return []


_PARAMETERS: Final[Mapping[str, Callable[[Any, Plain, Plain], list[str]]]] = {
    "stop": _stop,
    "response_format": _response_format,
    "tools": _tools,
    "tool_choice": _tool_choice,
}


def embeddings_to_gemini(request: ChatRequest) -> Translated:
    """Texts only: Gemini has its own tokens."""
    given = asked(request)
    inputs = given.pop("input")
    texts = [inputs] if type(inputs) is str else inputs
    if not all(type(text) is str for text in texts):
        raise cannot("input", "a list of token numbers")
    width = given.pop("dimensions", None)
    one: Plain = {"model": f"models/{request.model}"} | (
        {} if width is None else {"outputDimensionality": width}
    )
    requests = [{**one, "content": {"parts": [{"text": text}]}} for text in texts]
    dropped = [name for name in given if name not in ("model", "encoding_format")]
    return translated(request, {"requests": requests}, dropped, dialect="gemini", kind="embeddings")
